/// One bit a weight of a matrix `[N, K]`, row-major over the logical outputs and inputs: 1 stays, 0 is taken for zero.
///
/// Weight (n, k) is bit i mod 64 (counted from the lowest) of word i / 64, i = n·K + k. Bits beyond N·K are 0.
public struct WeightBits: Sendable, Equatable {
  /// Outputs, N.
  public let rows: Int
  /// Inputs, K.
  public let columns: Int
  /// The bits.
  public let words: [UInt64]

  /// Bits that are there already; `words` holds N·K of them.
  public init(rows: Int, columns: Int, words: [UInt64]) {
    precondition(
      rows >= 0 && columns >= 0 && words.count == (rows * columns + 63) / 64,
      "\(words.count) words for \(rows)×\(columns) bits")
    self.rows = rows
    self.columns = columns
    self.words = words
  }

  /// Bits by a rule.
  /// - Complexity: O(N · K) calls.
  public init(rows: Int, columns: Int, where isKept: (_ row: Int, _ column: Int) -> Bool) {
    var words = [UInt64](repeating: 0, count: (rows * columns + 63) / 64)
    for row in 0..<rows {
      for column in 0..<columns where isKept(row, column) {
        let place = row * columns + column
        words[place >> 6] |= 1 << UInt64(place & 63)
      }
    }
    self.init(rows: rows, columns: columns, words: words)
  }

  /// One bit.
  public subscript(row: Int, column: Int) -> Bool {
    let place = row * columns + column
    return words[place >> 6] >> UInt64(place & 63) & 1 == 1
  }

  /// Weights that stay.
  public var kept: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// What both leave.
  public func intersection(_ other: WeightBits) -> WeightBits {
    precondition(rows == other.rows && columns == other.columns, "masks of two shapes")
    return WeightBits(rows: rows, columns: columns, words: zip(words, other.words).map { $0 & $1 })
  }

  /// The bits of some rows, in their order.
  public func selecting(rows chosen: [Int]) -> WeightBits {
    WeightBits(rows: chosen.count, columns: columns) { self[chosen[$0], $1] }
  }

  /// 64 bits from bit `place` on (fewer at the end, then zeros).
  @inline(__always)
  static func load(_ words: UnsafePointer<UInt64>, _ count: Int, _ place: Int) -> UInt64 {
    let (word, shift) = (place >> 6, UInt64(place & 63))
    let low = words[word] >> shift
    guard shift != 0, word + 1 < count else { return low }
    return low | words[word + 1] << (64 - shift)
  }
}

/// One bit a weight of a matrix `[N, K]`, row-major over the logical outputs and inputs: 1 stays, 0 is taken for zero.
///
/// Every row starts at a word of its own: weight (n, k) is bit k mod 64, counted from the lowest, of word
/// n·⌈K / 64⌉ + k / 64. Bits past K are 0.
public struct WeightBits: Sendable, Equatable {
  /// Outputs, N.
  public let rows: Int
  /// Inputs, K.
  public let columns: Int
  /// The bits, `[N, ⌈K / 64⌉]`.
  public let words: [UInt64]

  /// Words of a row.
  public var wordsPerRow: Int { (columns + 63) / 64 }

  /// Bits that are there already.
  public init(rows: Int, columns: Int, words: [UInt64]) {
    precondition(
      rows >= 0 && columns >= 0 && words.count == rows * ((columns + 63) / 64),
      "\(words.count) words for \(rows)×\(columns) bits")
    self.rows = rows
    self.columns = columns
    self.words = words
  }

  /// Bits by a rule.
  /// - Complexity: O(N · K) calls.
  public init(rows: Int, columns: Int, where isKept: (_ row: Int, _ column: Int) -> Bool) {
    let perRow = (columns + 63) / 64
    var words = [UInt64](repeating: 0, count: rows * perRow)
    for row in 0..<rows {
      for column in 0..<columns where isKept(row, column) {
        words[row * perRow + column >> 6] |= 1 << UInt64(column & 63)
      }
    }
    self.init(rows: rows, columns: columns, words: words)
  }

  /// One bit.
  public subscript(row: Int, column: Int) -> Bool {
    words[row * wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 == 1
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
    let width = wordsPerRow
    return WeightBits(
      rows: chosen.count, columns: columns, words: chosen.flatMap { words[($0 * width)..<(($0 + 1) * width)] }
    )
  }
}

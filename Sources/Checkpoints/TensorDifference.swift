import Runtime
import Tensors

/// How a tensor differs between two checkpoints.
public struct TensorDifference: Sendable, Equatable {
  /// How one row moved.
  public struct RowMove: Sendable, Equatable {
    /// The stored row.
    public let row: Int
    /// ‖second − first‖ of the row.
    public let norm: Double
    /// ``norm`` as a fraction of the first's norm; nil where that is zero.
    public let relative: Double?
    /// The cosine between the row before and after; nil where one is zero.
    public let cosine: Double?
  }

  /// Rows listed at most in ``largestRows``.
  static let listed = 8

  /// The tensor.
  public let tensor: String
  /// Type of its elements.
  public let dtype: DType
  /// Its sizes.
  public let shape: [Int]
  /// The stored rows that differ, ascending.
  public var rows: [Int] = []
  /// How many positions inside a row differ in at least one row: all of them for a row edit, few for a column edit.
  public var columnsChanged = 0
  /// Values that differ.
  public var valuesChanged = 0
  /// Largest |second − first|; nil where the type has no arithmetic here, or a value is not finite.
  public var largest: Double?
  /// √Σ(second − first)², in f64; nil as for ``largest``.
  public var norm: Double?
  /// ``norm`` as a fraction of the whole first tensor's norm; nil as for ``largest``, or where that is zero.
  public var relativeNorm: Double?
  /// The cosine between both whole tensors; nil as for ``relativeNorm``.
  public var cosine: Double?
  /// The rows with the largest ``RowMove/norm``, largest first.
  public var largestRows: [RowMove] = []
  /// √Σ ulp²/12 over the values of the changed rows: how long a vector of rounding errors of the stored type would be.
  public var roundingNorm: Double?
  /// Values of the second that are not finite numbers, among those that differ.
  public var nonFinite = 0

  /// Rows in all, changed or not.
  public var rowCount: Int {
    let width = shape.last ?? 1
    return width == 0 ? 0 : shape.reduce(1, *) / width
  }
}

/// The loop that comparing, verifying and diffing share: rows whose bytes differ.
enum RowComparison {
  /// Calls `body` with each stored row that differs: its number and its bytes in both.
  static func forEachChangedRow(
    _ entry: TensorEntry, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
    _ body: (Int, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let rowBytes = entry.width * entry.dtype.size
    guard rowBytes > 0 else { return }
    let step = max(1, TensorBlocks.size / rowBytes)
    for start in stride(from: 0, to: entry.rows, by: step) {
      try Cancellation.check()
      let end = min(start + step, entry.rows)
      if first.sameBytes(as: second, (start * rowBytes)..<(end * rowBytes)) { continue }
      for row in start..<end {
        let place = (row * rowBytes)..<((row + 1) * rowBytes)
        if first.sameBytes(as: second, place) { continue }
        try body(
          row, UnsafeRawBufferPointer(rebasing: first[place]), UnsafeRawBufferPointer(rebasing: second[place])
        )
      }
    }
  }

  /// The difference of two tensors of one type and shape; nil where all bytes are the same.
  static func difference(
    _ entry: TensorEntry, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) throws -> TensorDifference? {
    switch entry.dtype {
    case .f64: try difference(entry, first, second, Wide64.self)
    case .f32: try difference(entry, first, second, Wide32.self)
    case .f16: try difference(entry, first, second, WideF16.self)
    case .bf16: try difference(entry, first, second, WideBF16.self)
    case .i64, .u64: try difference(entry, first, second, WholeNumbers<UInt64>.self)
    case .i32, .u32: try difference(entry, first, second, WholeNumbers<UInt32>.self)
    case .i16, .u16: try difference(entry, first, second, WholeNumbers<UInt16>.self)
    case .i8, .u8, .bool, .f8e4m3, .f8e5m2:
      try difference(entry, first, second, WholeNumbers<UInt8>.self)
    }
  }

  private static func difference<S: ComparedWord>(
    _ entry: TensorEntry, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _: S.Type
  ) throws -> TensorDifference? {
    var difference = TensorDifference(tensor: entry.name, dtype: entry.dtype, shape: entry.shape)
    var columns = [Bool](repeating: false, count: entry.width)
    var sums = Sums()
    var moves: [TensorDifference.RowMove] = []
    try forEachChangedRow(entry, first, second) { row, a, b in
      difference.rows.append(row)
      var (own, changed) = (Sums(), 0)
      for column in 0..<entry.width {
        let old = a.loadUnaligned(fromByteOffset: column * MemoryLayout<S.Word>.size, as: S.Word.self)
        let new = b.loadUnaligned(fromByteOffset: column * MemoryLayout<S.Word>.size, as: S.Word.self)
        if old != new {
          changed += 1
          columns[column] = true
        }
        guard S.hasArithmetic else { continue }
        let (x, y) = (S.value(old), S.value(new))
        if !y.isFinite, old != new { difference.nonFinite += 1 }
        own.add(x, y, unit: S.unit(new))
      }
      difference.valuesChanged += changed
      guard S.hasArithmetic else { return }
      sums.add(own)
      Self.keep(own.move(row), in: &moves)
    }
    guard !difference.rows.isEmpty else { return nil }
    difference.columnsChanged = columns.reduce(0) { $0 + ($1 ? 1 : 0) }
    guard S.hasArithmetic, sums.change.isFinite else { return difference }
    let kept = try squares(entry, first, except: difference.rows, S.self)
    difference.largest = sums.largest
    difference.norm = sums.change.squareRoot()
    difference.roundingNorm = (sums.rounding / 12).squareRoot()
    difference.largestRows = moves
    let (before, after) = (sums.first + kept, sums.second + kept)
    if before > 0 { difference.relativeNorm = (sums.change / before).squareRoot() }
    if before > 0, after > 0 {
      difference.cosine = min(1, max(-1, (sums.product + kept) / (before * after).squareRoot()))
    }
    return difference
  }

  /// Σx² of the rows that did not change.
  private static func squares<S: ComparedWord>(
    _ entry: TensorEntry, _ bytes: UnsafeRawBufferPointer, except changed: [Int], _: S.Type
  ) throws -> Double {
    var sum = 0.0
    var next = 0
    for row in 0..<entry.rows {
      if next < changed.count, changed[next] == row {
        next += 1
        continue
      }
      if row % 256 == 0 { try Cancellation.check() }
      var (even, odd) = (0.0, 0.0)
      let start = row * entry.width * MemoryLayout<S.Word>.size
      for column in stride(from: 0, to: entry.width - 1, by: 2) {
        let place = start + column * MemoryLayout<S.Word>.size
        let x = S.value(bytes.loadUnaligned(fromByteOffset: place, as: S.Word.self))
        let y = S.value(
          bytes.loadUnaligned(fromByteOffset: place + MemoryLayout<S.Word>.size, as: S.Word.self))
        even += x * x
        odd += y * y
      }
      if entry.width % 2 == 1 {
        let place = start + (entry.width - 1) * MemoryLayout<S.Word>.size
        let x = S.value(bytes.loadUnaligned(fromByteOffset: place, as: S.Word.self))
        even += x * x
      }
      sum += even + odd
    }
    return sum
  }

  private static func keep(_ move: TensorDifference.RowMove, in moves: inout [TensorDifference.RowMove]) {
    if moves.count == TensorDifference.listed, let last = moves.last, move.norm <= last.norm { return }
    let place = moves.firstIndex { $0.norm < move.norm } ?? moves.count
    moves.insert(move, at: place)
    if moves.count > TensorDifference.listed { moves.removeLast() }
  }

  /// What a row or a tensor adds up to, in f64.
  private struct Sums {
    var (first, second, product, change, rounding, largest) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    @inline(__always)
    mutating func add(_ x: Double, _ y: Double, unit: Double) {
      let step = y - x
      first += x * x
      second += y * y
      product += x * y
      change += step * step
      rounding += unit * unit
      largest = max(largest, abs(step))
    }

    mutating func add(_ other: Sums) {
      first += other.first
      second += other.second
      product += other.product
      change += other.change
      rounding += other.rounding
      largest = max(largest, other.largest)
    }

    func move(_ row: Int) -> TensorDifference.RowMove {
      let lengths = (first * second).squareRoot()
      return TensorDifference.RowMove(
        row: row, norm: change.squareRoot(), relative: first > 0 ? (change / first).squareRoot() : nil,
        cosine: lengths > 0 ? min(1, max(-1, product / lengths)) : nil)
    }
  }
}

/// A stored word as a number, where its type has arithmetic here.
private protocol ComparedWord {
  associatedtype Word: FixedWidthInteger
  static var hasArithmetic: Bool { get }
  static func value(_ word: Word) -> Double
  /// The distance to the next number of the type.
  static func unit(_ word: Word) -> Double
}

private enum Wide64: ComparedWord {
  static var hasArithmetic: Bool { true }
  @inline(__always) static func value(_ word: UInt64) -> Double { Double(bitPattern: word) }
  @inline(__always) static func unit(_ word: UInt64) -> Double {
    Double(bitPattern: word & 0x7FF0_0000_0000_0000) * 0x1p-52
  }
}

private enum Wide32: ComparedWord {
  static var hasArithmetic: Bool { true }
  @inline(__always) static func value(_ word: UInt32) -> Double { Double(Float(bitPattern: word)) }
  @inline(__always) static func unit(_ word: UInt32) -> Double {
    Double(Float(bitPattern: word & 0x7F80_0000)) * 0x1p-23
  }
}

private enum WideF16: ComparedWord {
  static var hasArithmetic: Bool { true }
  @inline(__always) static func value(_ word: UInt16) -> Double {
    // By the bits: Float16 converts in software here.
    let sign = UInt32(word & 0x8000) << 16
    let rest = UInt32(word & 0x7FFF)
    if rest >= 0x7C00 { return Double(Float(bitPattern: sign | 0x7F80_0000 | (rest & 0x3FF) << 13)) }
    if rest < 0x400 { return (sign == 0 ? 1 : -1) * Double(rest) * 0x1p-24 }
    return Double(Float(bitPattern: sign | (rest << 13) + 0x3800_0000))
  }
  @inline(__always) static func unit(_ word: UInt16) -> Double {
    value(max(word & 0x7C00, 0x0400)) * 0x1p-10
  }
}

private enum WideBF16: ComparedWord {
  static var hasArithmetic: Bool { true }
  @inline(__always) static func value(_ word: UInt16) -> Double {
    Double(Float(bitPattern: UInt32(word) << 16))
  }
  @inline(__always) static func unit(_ word: UInt16) -> Double {
    Double(Float(bitPattern: UInt32(word & 0x7F80) << 16)) * 0x1p-7
  }
}

private enum WholeNumbers<Word: FixedWidthInteger>: ComparedWord {
  static var hasArithmetic: Bool { false }
  @inline(__always) static func value(_ word: Word) -> Double { 0 }
  @inline(__always) static func unit(_ word: Word) -> Double { 0 }
}

import Runtime
import Tensors

/// How a tensor differs between two checkpoints.
public struct TensorDifference: Sendable, Equatable {
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
  /// Values of the second that are not finite numbers, among those that differ.
  public var nonFinite = 0
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
    case .f64: try difference(entry, first, second, UInt64.self) { Double(bitPattern: $0) }
    case .f32: try difference(entry, first, second, UInt32.self) { Double(StoredF32.float($0)) }
    case .f16: try difference(entry, first, second, UInt16.self) { Double(StoredF16.float($0)) }
    case .bf16: try difference(entry, first, second, UInt16.self) { Double(StoredBF16.float($0)) }
    case .i64, .u64: try difference(entry, first, second, UInt64.self, value: nil)
    case .i32, .u32: try difference(entry, first, second, UInt32.self, value: nil)
    case .i16, .u16: try difference(entry, first, second, UInt16.self, value: nil)
    case .i8, .u8, .bool, .f8e4m3, .f8e5m2: try difference(entry, first, second, UInt8.self, value: nil)
    }
  }

  private static func difference<W: FixedWidthInteger>(
    _ entry: TensorEntry, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _: W.Type,
    value: ((W) -> Double)?
  ) throws -> TensorDifference? {
    var difference = TensorDifference(tensor: entry.name, dtype: entry.dtype, shape: entry.shape)
    var columns = [Bool](repeating: false, count: entry.width)
    var (changed, nonFinite, largest, squares) = (0, 0, 0.0, 0.0)
    try forEachChangedRow(entry, first, second) { row, a, b in
      difference.rows.append(row)
      for column in 0..<entry.width {
        let old = a.loadUnaligned(fromByteOffset: column * MemoryLayout<W>.size, as: W.self)
        let new = b.loadUnaligned(fromByteOffset: column * MemoryLayout<W>.size, as: W.self)
        if old == new { continue }
        changed += 1
        columns[column] = true
        guard let value else { continue }
        let number = value(new)
        if !number.isFinite { nonFinite += 1 }
        let change = number - value(old)
        largest = max(largest, abs(change))
        squares += change * change
      }
    }
    guard !difference.rows.isEmpty else { return nil }
    difference.valuesChanged = changed
    difference.nonFinite = nonFinite
    difference.columnsChanged = columns.reduce(0) { $0 + ($1 ? 1 : 0) }
    if value != nil, squares.isFinite {
      difference.largest = largest
      difference.norm = squares.squareRoot()
    }
    return difference
  }
}

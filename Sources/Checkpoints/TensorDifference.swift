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
    var difference = TensorDifference(tensor: entry.name, dtype: entry.dtype, shape: entry.shape)
    var columns = [Bool](repeating: false, count: entry.width)
    var largest = 0.0
    var squares = 0.0
    let size = entry.dtype.size
    try forEachChangedRow(entry, first, second) { row, a, b in
      difference.rows.append(row)
      for column in 0..<entry.width {
        let place = (column * size)..<((column + 1) * size)
        if a.sameBytes(as: b, place) { continue }
        difference.valuesChanged += 1
        columns[column] = true
        guard let old = value(a, entry.dtype, column), let new = value(b, entry.dtype, column) else {
          continue
        }
        if !new.isFinite { difference.nonFinite += 1 }
        largest = max(largest, abs(new - old))
        squares += (new - old) * (new - old)
      }
    }
    guard !difference.rows.isEmpty else { return nil }
    difference.columnsChanged = columns.reduce(0) { $0 + ($1 ? 1 : 0) }
    if entry.dtype.isComputable || entry.dtype == .f64, squares.isFinite {
      difference.largest = largest
      difference.norm = squares.squareRoot()
    }
    return difference
  }

  private static func value(_ row: UnsafeRawBufferPointer, _ dtype: DType, _ column: Int) -> Double? {
    func load<W: FixedWidthInteger>(_: W.Type) -> W {
      row.loadUnaligned(fromByteOffset: column * MemoryLayout<W>.size, as: W.self)
    }
    return switch dtype {
    case .f64: Double(bitPattern: load(UInt64.self))
    case .f32: Double(StoredF32.float(load(UInt32.self)))
    case .f16: Double(StoredF16.float(load(UInt16.self)))
    case .bf16: Double(StoredBF16.float(load(UInt16.self)))
    default: nil
    }
  }
}

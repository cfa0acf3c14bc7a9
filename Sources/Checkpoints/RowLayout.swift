/// Where the values of some rows lie in a stored matrix, and in which order they are kept.
struct RowLayout {
  let width: Int
  let storedRows: Int
  let inputs: Int
  let transposed: Bool
  let rows: [Int]?

  init(shape: [Int], transposed: Bool, rows: [Int]?) {
    width = shape.last ?? 1
    storedRows = width == 0 ? 0 : shape.reduce(1, *) / width
    inputs = shape.count >= 2 ? shape[shape.count - 2] : 1
    self.transposed = transposed && shape.count >= 2
    self.rows = rows
  }

  /// Whether the rows are ascending and inside.
  var isValid: Bool {
    guard let rows else { return true }
    let limit = transposed ? (inputs == 0 ? 0 : storedRows / inputs * width) : storedRows
    return zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 } && (rows.first ?? 0) >= 0
      && (rows.last ?? -1) < limit
  }

  /// Values kept in all.
  var count: Int { (rows?.count).map { $0 * (transposed ? inputs : width) } ?? storedRows * width }

  /// The kept places of one stored row: elements inside the row, and where in the kept values they start.
  private func part(of stored: Int) -> (columns: [Int]?, start: Int)? {
    guard let rows else { return (nil, stored * width) }
    if transposed {
      let (matrix, input) = stored.quotientAndRemainder(dividingBy: inputs)
      let first = rows.lowerBound(of: matrix * width)
      let last = rows.lowerBound(of: (matrix + 1) * width)
      guard first < last else { return nil }
      return (rows[first..<last].map { $0 - matrix * width }, first * inputs + input * (last - first))
    }
    let slot = rows.lowerBound(of: stored)
    return slot < rows.count && rows[slot] == stored ? (nil, slot * width) : nil
  }

  /// Hands out the kept values in order.
  func gather(
    _ bytes: UnsafeRawBufferPointer, size: Int, _ emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for stored in rowsToVisit(0..<storedRows) {
      guard let part = part(of: stored) else { continue }
      let row = UnsafeRawBufferPointer(
        rebasing: bytes[(stored * width * size)..<((stored + 1) * width * size)])
      if let columns = part.columns {
        var picked: [UInt8] = []
        picked.reserveCapacity(columns.count * size)
        for column in columns { picked.append(contentsOf: row[(column * size)..<((column + 1) * size)]) }
        try picked.withUnsafeBytes { try emit($0) }
      } else {
        try emit(row)
      }
    }
  }

  /// Puts kept values back into a block of stored rows.
  func scatter(
    _ kept: UnsafeRawBufferPointer, size: Int, into block: UnsafeMutableRawBufferPointer, _ range: Range<Int>
  ) {
    for stored in rowsToVisit(range) {
      guard let part = part(of: stored) else { continue }
      let place = (stored - range.lowerBound) * width * size
      if let columns = part.columns {
        for (index, column) in columns.enumerated() {
          for byte in 0..<size {
            block[place + column * size + byte] = kept[(part.start + index) * size + byte]
          }
        }
      } else {
        let from = kept[(part.start * size)..<((part.start + width) * size)]
        UnsafeMutableRawBufferPointer(rebasing: block[place..<(place + width * size)]).copyBytes(from: from)
      }
    }
  }

  private func rowsToVisit(_ range: Range<Int>) -> [Int] {
    guard let rows, !transposed else { return Array(range) }
    return Array(rows[rows.lowerBound(of: range.lowerBound)..<rows.lowerBound(of: range.upperBound)])
  }
}

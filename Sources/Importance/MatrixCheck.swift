import Architectures
import Layers
import Synchronization
import Tensors

/// What a matrix must be before its weights are ranked.
enum MatrixCheck {
  /// - Throws: ``ImportanceError/allZero(role:tensor:)``. Stops at the first weight that is not zero.
  static func requireWeights(_ matrix: PrunableMatrix) throws(ImportanceError) {
    let size = matrix.weight.dtype.size
    var found = false
    for line in 0..<matrix.weight.storedLines where !found {
      matrix.weight.forEachStoredRun(lines: line..<line + 1) { bytes, count in
        let raw = UnsafeRawBufferPointer(start: bytes, count: count * size)
        // The sign is in the last byte of a number: -0 is zero too.
        found =
          found || raw.indices.contains { $0 % size == size - 1 ? raw[$0] & 0x7f != 0 : raw[$0] != 0 }
      }
    }
    if !found, matrix.count > 0 {
      throw .allZero(role: matrix.role.description, tensor: matrix.bound.tensor)
    }
  }

  /// - Throws: ``ImportanceError/weightNotFinite(tensor:role:row:column:)``.
  /// - Complexity: one pass over the matrix.
  static func requireFinite(_ matrix: PrunableMatrix) throws(ImportanceError) {
    if let (row, column) = firstNotFinite(matrix) {
      throw .weightNotFinite(
        tensor: matrix.bound.tensor, role: matrix.role.description, row: row, column: column)
    }
  }

  /// The error for scores that are not finite: the first weight that is not, or else the score itself.
  static func notFinite(_ score: Score, _ matrix: PrunableMatrix) -> ImportanceError {
    do {
      try requireFinite(matrix)
      return .scoreNotFinite(score: score.description, role: matrix.role.description)
    } catch {
      return error
    }
  }

  private static func firstNotFinite(_ matrix: PrunableMatrix) -> (row: Int, column: Int)? {
    let first = Mutex(Int.max)
    let weights = MatrixScore(matrix) { rows, out in matrix.weight.copyFloats(rows: rows, to: out) }
    weights.forEachPiece { rows, values in
      var bad: UInt32 = 0
      let count = rows.count * matrix.inputs
      for i in 0..<count { bad |= values[i].bitPattern & 0x7fff_ffff >= 0x7f80_0000 ? 1 : 0 }
      guard bad != 0 else { return }
      if let place = (0..<count).first(where: { !values[$0].isFinite }) {
        first.withLock { $0 = min($0, rows.lowerBound * matrix.inputs + place) }
      }
    }
    let place = first.withLock { $0 }
    return place == .max ? nil : (place / matrix.inputs, place % matrix.inputs)
  }
}

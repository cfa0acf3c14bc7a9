import CKernels
import Layers
import Tensors

/// The scores of one matrix, computed some rows at a time.
public struct MatrixScore: Sendable {
  /// The matrix.
  public let matrix: PrunableMatrix
  /// Set where weights are stored in 16 bits and the score is a function of the magnitude alone: the score of each of
  /// the 32,768 magnitudes, by its bits without the sign.
  let byMagnitude: [Float]?
  private let compute: @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void

  init(
    _ matrix: PrunableMatrix, byMagnitude: [Float]? = nil,
    compute: @escaping @Sendable (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    self.matrix = matrix
    self.byMagnitude = byMagnitude
    self.compute = compute
  }

  /// Writes the scores of some rows, row-major, to memory for `rows.count · K` floats. Safe on several threads.
  public func fill(rows: Range<Int>, to out: UnsafeMutablePointer<Float>) { compute(rows, out) }

  /// All scores, `[N, K]`; for tests and small matrices.
  public func values() -> [Float] {
    [Float](unsafeUninitializedCapacity: matrix.count) { buffer, used in
      if let base = buffer.baseAddress { fill(rows: 0..<matrix.outputs, to: base) }
      used = matrix.count
    }
  }

  /// Weights that a thread scores at a time: 64 Ki, which stay in its cache.
  static let piece = 1 << 16

  /// Rows that are scored at a time.
  var rowsAtATime: Int { max(1, Self.piece / max(1, matrix.inputs)) }

  /// Calls `body` with the scores of pieces that tile the rows, on all threads; each piece once.
  func forEachPiece(_ body: (_ rows: Range<Int>, _ scores: UnsafeMutablePointer<Float>) -> Void) {
    let step = rowsAtATime
    let pieces = (matrix.outputs + step - 1) / step
    Parallel.forEach(pieces, grain: 1) { range in
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: step * matrix.inputs)
      defer { scratch.deallocate() }
      for piece in range {
        let rows = piece * step..<min((piece + 1) * step, matrix.outputs)
        fill(rows: rows, to: scratch)
        body(rows, scratch)
      }
    }
  }
}

extension MatrixScore {
  /// A score that a row has as a whole.
  init(_ matrix: PrunableMatrix, rows scores: [Float]) {
    precondition(scores.count == matrix.outputs)
    self.init(matrix) { rows, out in
      for (place, row) in rows.enumerated() {
        (out + place * matrix.inputs).update(repeating: scores[row], count: matrix.inputs)
      }
    }
  }

  /// A score that a column has as a whole.
  init(_ matrix: PrunableMatrix, columns scores: [Float]) {
    precondition(scores.count == matrix.inputs)
    self.init(matrix) { rows, out in
      for place in 0..<rows.count { (out + place * matrix.inputs).update(from: scores, count: scores.count) }
    }
  }
}

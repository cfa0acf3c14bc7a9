import Layers

extension ScoreKind {
  /// w_ij² / U_jj² (arXiv 2301.00774, equation 4), U the upper Cholesky factor of H⁻¹: what the layer's squared error
  /// grows by when the weight goes and those to the right of it make up for it. A dead channel (given as U_jj = 0)
  /// scores 0. SparseGPT itself changes weights between blocks of columns; this is the score before the first change.
  public static let obs = ScoreKind(
    name: "obs", summary: "w² over the squared pivot of the inverse Hessian (SparseGPT's score)",
    reference: "arXiv 2301.00774", needs: .gram
  ) { matrix, evidence, score in
    let factors = try evidence.required(\.factorDiagonal, score, matrix).map {
      $0 == 0 ? Float(0) : Float(1 / ($0 * $0))
    }
    return MatrixScore(matrix) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      factors.withUnsafeBufferPointer { factors in
        for place in 0..<rows.count {
          let line = out + place * matrix.inputs
          for k in 0..<factors.count { line[k] = line[k] * line[k] * factors[k] }
        }
      }
    }
  }
}

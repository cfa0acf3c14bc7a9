import Layers

extension ScoreKind {
  /// |w_ij| · ‖X_j‖₂ (arXiv 2306.11695, equation 1). A dead channel (Σ x² = 0) scores 0 in every row: its weights go
  /// first, lower indices before higher ones.
  public static let wanda = ScoreKind(
    name: "wanda", summary: "|w| times the norm of what it multiplies", reference: "arXiv 2306.11695",
    needs: .activations
  ) { matrix, evidence, score in
    let norms = try evidence.required(\.inputEnergy, score, matrix).map { Float($0.squareRoot()) }
    return MatrixScore(matrix) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      norms.withUnsafeBufferPointer { norms in
        for place in 0..<rows.count {
          let line = out + place * matrix.inputs
          for k in 0..<norms.count { line[k] = abs(line[k]) * norms[k] }
        }
      }
    }
  }
}

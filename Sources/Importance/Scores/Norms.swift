import Layers
import Runtime

extension ScoreKind {
  private static let normParameter = MethodParameter(
    "norm", "l2: root of the sum of squares; l1: sum of magnitudes", .choice(["l2", "l1"], standard: "l2"))

  /// The length of each row: what an output can receive.
  public static let rowNorm = ScoreKind(
    name: "row-norm", summary: "the length of the weight's row", reference: "Li et al., arXiv 1608.08710",
    finest: .row, parameters: [normParameter]
  ) { matrix, _, score in
    let sums = try LineSums.of(matrix, squares: score.settings.choice("norm") == "l2")
    return MatrixScore(matrix, rows: sums.rows.map(Float.init))
  }

  /// The length of each column: what an input can give.
  public static let columnNorm = ScoreKind(
    name: "column-norm", summary: "the length of the weight's column",
    reference: "Li et al., arXiv 1608.08710",
    finest: .column, parameters: [normParameter]
  ) { matrix, _, score in
    let sums = try LineSums.of(matrix, squares: score.settings.choice("norm") == "l2")
    return MatrixScore(matrix, columns: sums.columns.map(Float.init))
  }
}

/// Norms of all rows and columns of a matrix; sums in f64.
enum LineSums {
  /// - Throws: ``ImportanceError/weightNotFinite(tensor:role:row:column:)``.
  /// - Complexity: one pass over the matrix.
  static func of(
    _ matrix: PrunableMatrix, squares: Bool
  ) throws(ImportanceError) -> (rows: [Double], columns: [Double]) {
    try MatrixCheck.requireFinite(matrix)
    let weights = MatrixScore(matrix) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      for i in 0..<rows.count * matrix.inputs { out[i] = squares ? out[i] * out[i] : abs(out[i]) }
    }
    let sums = LineAggregate(weights)
    return squares
      ? (sums.rowSums.map { $0.squareRoot() }, sums.columnSums.map { $0.squareRoot() })
      : (sums.rowSums, sums.columnSums)
  }
}

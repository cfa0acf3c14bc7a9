/// Which scores and groups make sense together; the others are refused by name. Budgets refuse groups in
/// ``Budget/counts(for:group:evidence:progress:)``.
enum Combination {
  /// - Throws: ``ImportanceError/combination(what:reason:suggestion:)``.
  static func check(_ score: Score, _ group: ComparisonGroup) throws(ImportanceError) {
    let reason: String
    let suggestion: String
    switch (score.kind.finest, group) {
    case (.row, .row), (.row, .keep):
      (reason, suggestion) = (
        "all weights of a row have the same score, so nothing competes", "--group tensor, layer or global"
      )
    case (.column, .column):
      (reason, suggestion) = (
        "all weights of a column have the same score, so nothing competes", "--group row or tensor"
      )
    case (.matrix, _):
      (reason, suggestion) = (
        "all weights of a matrix have the same score",
        "--budget owl, which spreads the sparsity by outliers, with another score"
      )
    default: return
    }
    throw .combination(
      what: "score \(score.kind.name) with group \(group)", reason: reason, suggestion: suggestion)
  }
}

/// Which scores, groups and budgets make sense together; the others are refused by name.
enum Combination {
  /// - Throws: ``ImportanceError/combination(what:reason:suggestion:)``.
  static func check(_ score: Score, _ group: ComparisonGroup) throws(ImportanceError) {
    let kind = score.kind
    if kind.finest == .row {
      switch group {
      case .row, .keep:
        throw .combination(
          what: "score \(kind.name) with group \(group)",
          reason: "all weights of a row have the same score, so nothing competes",
          suggestion: "--group tensor, layer or global")
      default: break
      }
    }
    if !kind.comparesMatrices && !group.isWithinMatrix {
      throw .combination(
        what: "score \(kind.name) with group \(group)",
        reason: "its numbers mean something within one matrix only", suggestion: "--group tensor")
    }
  }
}

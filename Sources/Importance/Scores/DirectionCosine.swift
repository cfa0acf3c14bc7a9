import Architectures
import Layers
import Runtime

extension ScoreKind {
  /// The cosine of a weight's row with a probe's direction: how much the row carries a behaviour. Model Surgery edits the
  /// rows that point against the direction (arXiv 2407.08770, equation 4), so these score highest by `against`.
  public static let cosine = ScoreKind(
    name: "cosine", summary: "the cosine of the weight's row with a probe's direction",
    reference: "arXiv 2407.08770", needs: .direction, finest: .row,
    parameters: [
      MethodParameter(
        "sign",
        "which rows count: against the direction (those that Model Surgery edits), along it, or either",
        .choice(["against", "along", "either"], standard: "against"))
    ]
  ) { matrix, evidence, score in
    let role = matrix.role.description
    guard let direction = evidence.direction else {
      throw ImportanceError.missingEvidence(score: score.kind.name, need: .direction, role: role)
    }
    guard direction.vector.count == matrix.inputs else {
      throw ImportanceError.evidenceWidth(
        what: "the direction", role: role, found: direction.vector.count, expected: matrix.inputs)
    }
    try MatrixCheck.requireFinite(matrix)
    let cosines = RowCosines.of(matrix.weight, gain: direction.gain, direction: direction.vector)
    let sign = score.settings.choice("sign")
    return MatrixScore(
      matrix,
      rows: cosines.map { sign == "against" ? -$0.cosine : sign == "along" ? $0.cosine : abs($0.cosine) })
  }
}

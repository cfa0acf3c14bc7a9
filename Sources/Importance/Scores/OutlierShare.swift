import Runtime
import Synchronization

/// OWL's outlier ratio (arXiv 2310.05175, equation 1): the share of a block's Wanda scores that exceed a multiple of
/// their mean.
public enum OutlierShare {
  /// The share of the scores of some matrices together that lie above `multiple` times their mean, 0…1.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  /// - Complexity: two passes over the scores.
  public static func of(
    _ matrices: [PrunableMatrix], multiple: Double, score: Score, evidence: EvidenceSource
  ) throws -> Double {
    var sum = 0.0
    for matrix in matrices {
      try Cancellation.check()
      let own = LineAggregate(try score.of(matrix, evidence(matrix))).rowSums.reduce(0, +)
      guard own.isFinite else { throw MatrixCheck.notFinite(score, matrix) }
      sum += own
    }
    let count = matrices.reduce(0) { $0 + $1.count }
    guard count > 0 else { return 0 }
    let limit = Float(multiple * sum / Double(count))
    var above = 0
    for matrix in matrices {
      let (below, equal) = try score.of(matrix, evidence(matrix)).counts(at: limit)
      above += matrix.count - below - equal
    }
    return Double(above) / Double(count)
  }
}

extension ScoreKind {
  /// The outlier ratio of a matrix as a score of the whole matrix.
  public static let outlierShare = ScoreKind(
    name: "outlier-share",
    summary: "the share of a matrix's Wanda scores above a multiple of their mean (OWL)",
    reference: "arXiv 2310.05175", needs: .activations, finest: .matrix,
    parameters: [outlierMultiple]
  ) { matrix, evidence, score in
    let share = try OutlierShare.of(
      [matrix], multiple: score.settings.number("multiple") ?? 5, score: Score(.wanda),
      evidence: { _ in evidence })
    return MatrixScore(matrix, rows: [Float](repeating: Float(share), count: matrix.outputs))
  }

  static let outlierMultiple = MethodParameter(
    "multiple", "a score is an outlier above so many times the mean", .number(1...100, standard: 5))
}

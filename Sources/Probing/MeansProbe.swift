import Runtime
import Tensors

/// The difference of the classes' means, in raw coordinates.
enum MeansProbe {
  static let kind = ProbeKind(
    name: "means",
    summary: "difference of the two classes' means; scale and threshold by a one-dimensional logistic fit",
    reference: "mass-mean probe, arXiv 2310.06824; Platt 1999",
    parameters: [],
    fit: fit)

  private static func fit(_ problem: SiteProblem, _ settings: MethodSettings) throws -> LinearFit {
    let (positive, negative) = classMeans(problem)
    let direction = zip(positive, negative).map { $0 - $1 }
    let scores = problem.features.project(direction, rows: problem.split.train)
    let (scale, bias) = ScoreCalibration.platt(scores: scores, labels: problem.trainLabels)
    return LinearFit(direction: direction, scale: scale, bias: bias)
  }

  /// The mean of each class over the training texts, `[D]` each.
  static func classMeans(_ problem: SiteProblem) -> (positive: [Double], negative: [Double]) {
    let features = problem.features
    var sums = [[Double]](repeating: Array(repeating: 0, count: features.width), count: 2)
    var counts = [0.0, 0.0]
    for row in problem.split.train {
      let label = problem.labels[row] ? 1 : 0
      counts[label] += 1
      let x = features.row(row)
      for j in 0..<features.width { sums[label][j] += Double(x[j]) }
    }
    return (sums[1].map { $0 / counts[1] }, sums[0].map { $0 / counts[0] })
  }
}

import Runtime
import Statistics
import Transformers

/// How well a model knows what it knows: the probability of its most likely next token against how often that token
/// comes (arXiv 1706.04599), on the windows of a perplexity test.
public struct NextTokenCalibration: Sendable {
  /// Losses, with KL from the reference where one was given.
  public let divergence: Divergence
  /// Sums in 10 bins (as PS-KD and others state the error), documents being the groups.
  public let tenths: CalibrationSums
  /// Sums in 15 bins (as arXiv 1706.04599 does).
  public let fifteenths: CalibrationSums

  /// Runs all windows of a test.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public init(
    _ test: PerplexityTest, _ side: PerplexityTest.Side, reference: PerplexityTest.Side? = nil,
    progress: ProgressSink = ignoreProgress
  ) throws {
    var tenths = CalibrationSums(groups: test.documents, bins: 10)
    var fifteenths = CalibrationSums(groups: test.documents, bins: 15)
    divergence = try test.run(side, reference: reference, progress: progress) { scores, document in
      for score in scores {
        tenths.add(confidence: score.confidence, correct: score.correct, group: document)
        fifteenths.add(confidence: score.confidence, correct: score.correct, group: document)
      }
    }
    (self.tenths, self.fifteenths) = (tenths, fifteenths)
  }

  /// Loss, calibration errors, Brier score, accuracy and confidence, with intervals over documents.
  public func metrics(seed: UInt64) -> [Metric] {
    let documents = divergence.counts.count { $0 > 0 }
    let bootstrap = Bootstrap(count: divergence.counts.count, seed: seed, stream: "calibration")
    func metric(_ name: String, _ unit: String, better: Bool?, _ of: ([Double]?) -> Double?) -> Metric {
      Metric(
        name: name, value: of(nil), unit: unit, n: documents, higherIsBetter: better,
        interval: bootstrap.interval { of($0) })
    }
    let sizes = divergence.counts.map(Double.init)
    return [
      metric("nll", "nats", better: false) { weights in
        let weights = weights ?? sizes.map { _ in 1 }
        let total = zip(sizes, weights).reduce(0) { $0 + $1.0 * $1.1 }
        return total > 0 ? zip(divergence.losses, weights).reduce(0) { $0 + $1.0 * $1.1 } / total : nil
      },
      metric("ece_10", "fraction", better: false) { tenths.expectedError(weights: $0) },
      metric("ece_15", "fraction", better: false) { fifteenths.expectedError(weights: $0) },
      metric("brier", "score", better: false) { tenths.brier(weights: $0) },
      metric("top1_accuracy", "fraction", better: true) { tenths.accuracy(weights: $0) },
      metric("mean_confidence", "fraction", better: nil) { tenths.confidence(weights: $0) },
    ]
  }
}

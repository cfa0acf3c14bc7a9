import Architectures
import Runtime
import Statistics
import Tensors
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
  /// Every prediction by itself, in the order of the windows; nil where they were not kept.
  public let predictions: ClassPredictions?

  /// Runs all windows of a test; `keeping` its predictions takes 56 bytes a token.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public init(
    _ test: PerplexityTest, _ side: PerplexityTest.Side, reference: PerplexityTest.Side? = nil,
    keeping: Bool = false,
    progress: ProgressSink = ignoreProgress
  ) throws {
    var tenths = CalibrationSums(groups: test.documents, bins: 10)
    var fifteenths = CalibrationSums(groups: test.documents, bins: 15)
    var labels: [Int] = [], answers: [ClassPredictions.Answer] = []
    divergence = try test.run(side, reference: reference, progress: progress) { scores, stretch in
      for score in scores {
        tenths.add(confidence: score.confidence, correct: score.correct, group: stretch.document)
        fifteenths.add(confidence: score.confidence, correct: score.correct, group: stretch.document)
      }
      guard keeping else { return }
      labels += stretch.targets.map(Int.init)
      answers += Self.answers(stretch)
    }
    (self.tenths, self.fifteenths) = (tenths, fifteenths)
    predictions =
      keeping
      ? ClassPredictions(labels: labels, classes: side.model.network.vocabulary, answers: answers) : nil
  }

  /// The answers of a stretch, each by itself, in parallel.
  private static func answers(_ stretch: PerplexityTest.Stretch) -> [ClassPredictions.Answer] {
    let width = stretch.logits.rowCount
    let nothing = ClassPredictions.Answer(predicted: 0, confidence: 0, rank: 0, loss: 0, brier: 0)
    let slots = Slots(repeating: nothing, count: stretch.targets.count)
    Parallel.forEach(stretch.targets.count, grain: 4) { range in
      for row in range {
        let logits = UnsafeBufferPointer(start: stretch.logits.f32 + row * width, count: width)
        slots[row] = .init(logits.lazy.map(Double.init), label: Int(stretch.targets[row]))
      }
    }
    return slots.values
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

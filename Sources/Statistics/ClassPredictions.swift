import Glibc

/// What a classifier says of `n` items with `K` classes, an item at a time: enough for every score of
/// ``ClassScores``, without the logits.
///
/// Probabilities are the softmax of logits / temperature in f64. Equal logits: the lower class is predicted, and a
/// class stands behind the lower ones of equal logit.
public struct ClassPredictions: Sendable, Equatable {
  /// Classes, `K`.
  public let classes: Int
  /// True classes, `[n]`.
  public let labels: [Int]
  /// Predicted classes, `[n]`.
  public let predicted: [Int]
  /// The predicted class's probability, `[n]`.
  public let confidence: [Double]
  /// How many classes stand before the true one, `[n]`: 0 where the answer is right.
  public let rank: [Int]
  /// −log p(true class) in nats, `[n]`.
  public let loss: [Double]
  /// Σ_k (p_k − y_k)², `[n]`, 0…2 (Brier 1950).
  public let brier: [Double]

  /// One answer: what is kept of an item.
  public struct Answer: Sendable, Equatable {
    /// As ``ClassPredictions/predicted``, ``ClassPredictions/confidence``, ``ClassPredictions/rank``,
    /// ``ClassPredictions/loss`` and ``ClassPredictions/brier``.
    public var predicted: Int, confidence: Double, rank: Int, loss: Double, brier: Double

    /// An answer whose numbers are known.
    public init(predicted: Int, confidence: Double, rank: Int, loss: Double, brier: Double) {
      (self.predicted, self.confidence, self.rank) = (predicted, confidence, rank)
      (self.loss, self.brier) = (loss, brier)
    }

    /// The answer of one item's logits `[K]`.
    public init(_ logits: some RandomAccessCollection<Double>, label: Int, temperature: Double = 1) {
      var top = -Double.infinity, best = 0, before = 0
      let own = logits[logits.index(logits.startIndex, offsetBy: label)]
      for (k, value) in logits.enumerated() {
        if value > top { (top, best) = (value, k) }
        if value > own || (value == own && k < label) { before += 1 }
      }
      var sum = 0.0, squares = 0.0
      for value in logits {
        let e = exp((value - top) / temperature)
        sum += e
        squares += e * e
      }
      let distance = (own - top) / temperature
      let p = exp(distance) / sum
      self.init(
        predicted: best, confidence: 1 / sum, rank: before, loss: log(sum) - distance,
        brier: squares / (sum * sum) - 2 * p + 1)
    }
  }

  /// Items, `n`.
  public var count: Int { labels.count }
  /// Whether each answer is right, `[n]`.
  public var isCorrect: [Bool] { rank.map { $0 == 0 } }

  /// Reads items one by one: `row` fills a buffer of `K` logits with those of an item.
  /// - Precondition: every label is a class, and the temperature is positive.
  /// - Complexity: O(n·K).
  public init(
    labels: [Int], classes: Int, temperature: Double = 1,
    row: (_ item: Int, _ logits: UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    precondition(temperature > 0, "a temperature that is not positive")
    precondition(labels.allSatisfy { (0..<classes).contains($0) }, "a label that is no class")
    var buffer = [Double](repeating: 0, count: classes)
    let answers = labels.enumerated().map { item, label in
      buffer.withUnsafeMutableBufferPointer { row(item, $0) }
      return Answer(buffer, label: label, temperature: temperature)
    }
    self.init(labels: labels, classes: classes, answers: answers)
  }

  /// Answers that are known, one a label.
  public init(labels: [Int], classes: Int, answers: [Answer]) {
    precondition(labels.count == answers.count, "one answer a label")
    self.classes = classes
    self.labels = labels
    predicted = answers.map(\.predicted)
    confidence = answers.map(\.confidence)
    rank = answers.map(\.rank)
    loss = answers.map(\.loss)
    brier = answers.map(\.brier)
  }
}

/// The scores that papers on self-distillation report (arXiv 2006.12000, section 4), and Brier's, of one set of answers.
///
/// Every score takes weights of items, so that a bootstrap sorts and bins once.
public struct ClassScores: Sendable {
  /// The scores in the order in which they are reported.
  public enum Name: String, Sendable, CaseIterable {
    /// Share of wrong answers.
    case top1Error = "top1_error"
    /// Share of items whose class is not among the five most probable.
    case top5Error = "top5_error"
    /// Mean −log p(true class), nats.
    case nll
    /// Expected calibration error over 10 right-closed bins of equal width, a fraction (published in percent).
    case ece10 = "ece_10"
    /// The same over 15 bins of equal mass.
    case ece15Mass = "ece_15_mass"
    /// Mean Σ_k (p_k − y_k)².
    case brier
    /// Area under the risk–coverage curve × 1000, equal confidences averaged.
    case aurc
    /// What of it lies above the best order of the same answers, × 1000.
    case excessAURC = "e_aurc"
    /// Mean probability of the predicted class minus the share of right answers: above 0 is over-confident.
    case overconfidence

    /// The unit of the score.
    public var unit: String {
      switch self {
      case .nll: "nats"
      case .aurc, .excessAURC: "1e-3"
      case .brier: "squared error"
      default: "fraction"
      }
    }
  }

  /// What is scored.
  public let predictions: ClassPredictions
  private let isCorrect: [Bool]
  private let width10, mass15: Reliability
  private let order: RiskCoverage.Order

  /// Sorts and bins once.
  public init(_ predictions: ClassPredictions) {
    self.predictions = predictions
    isCorrect = predictions.isCorrect
    width10 = Reliability(confidence: predictions.confidence, outcome: isCorrect, bins: 10)
    mass15 = Reliability(
      confidence: predictions.confidence, outcome: isCorrect, bins: 15, binning: .equalMass)
    order = RiskCoverage.Order(confidence: predictions.confidence, correct: isCorrect)
  }

  /// A score; nil for no items, and for the top-5 error of five classes or fewer.
  public func value(_ name: Name, weights: [Double]? = nil) -> Double? {
    switch name {
    case .top1Error: mean(weights) { isCorrect[$0] ? 0 : 1 }
    case .top5Error: predictions.classes > 5 ? mean(weights) { predictions.rank[$0] < 5 ? 0 : 1 } : nil
    case .nll: mean(weights) { predictions.loss[$0] }
    case .ece10: width10.expectedError(weights: weights)
    case .ece15Mass: mass15.expectedError(weights: weights)
    case .brier: mean(weights) { predictions.brier[$0] }
    case .aurc: order.areas(weights: weights).map { $0.area * 1000 }
    case .excessAURC: order.areas(weights: weights).map { ($0.area - $0.best) * 1000 }
    case .overconfidence: mean(weights) { predictions.confidence[$0] - (isCorrect[$0] ? 1 : 0) }
    }
  }

  /// The reliability diagram's bins.
  public func bins(_ binning: Calibration.Binning) -> [Calibration.Bin] {
    binning == .equalWidth ? width10.bins() : mass15.bins()
  }

  private func mean(_ weights: [Double]?, _ value: (Int) -> Double) -> Double? {
    var total = 0.0, weight = 0.0
    for item in 0..<predictions.count {
      let w = weights?[item] ?? 1
      total += w * value(item)
      weight += w
    }
    return weight > 0 ? total / weight : nil
  }
}

/// Two sets of answers to the same items.
public struct ClassComparison: Sendable {
  /// The answers compared.
  public let first, second: ClassScores

  /// Answers to the same items in the same order.
  public init(_ first: ClassScores, _ second: ClassScores) {
    precondition(first.predictions.labels == second.predictions.labels, "answers to other items")
    (self.first, self.second) = (first, second)
  }

  /// The first's score minus the second's.
  public func difference(_ name: ClassScores.Name) -> Double? {
    guard let a = first.value(name), let b = second.value(name) else { return nil }
    return a - b
  }

  /// Whether one is right more often, over the items on which they differ.
  public var mcNemar: McNemar {
    McNemar(first: first.predictions.isCorrect, second: second.predictions.isCorrect)
  }
}

import Glibc

/// Scores that are best, on average, for the true probability.
public enum ProperScores {
  /// log(1 + eˣ) without overflow.
  public static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// 1 / (1 + e⁻ˣ) without overflow.
  public static func sigmoid(_ x: Double) -> Double {
    if x >= 0 { return 1 / (1 + exp(-x)) }
    let e = exp(x)
    return e / (1 + e)
  }

  /// The mean of −log p(label) in nats, from logits `[n]` of the positive class; nil for no weight.
  public static func logLoss(logits: [Double], labels: [Bool], weights: [Double]? = nil) -> Double? {
    precondition(logits.count == labels.count, "one label a logit")
    return mean(count: labels.count, weights) { softplus(labels[$0] ? -logits[$0] : logits[$0]) }
  }

  /// The mean of −log p(label) in nats, from probabilities `[n]` of the positive class. A certain answer that
  /// is wrong costs infinity: nothing is clipped.
  public static func logLoss(probabilities: [Double], labels: [Bool], weights: [Double]? = nil) -> Double? {
    precondition(probabilities.count == labels.count, "one label a probability")
    return mean(count: labels.count, weights) {
      labels[$0] ? -log(probabilities[$0]) : -log1p(-probabilities[$0])
    }
  }

  /// The mean squared difference between probability and outcome (Brier 1950, one class of two; 0…1).
  public static func brier(probabilities: [Double], labels: [Bool], weights: [Double]? = nil) -> Double? {
    precondition(probabilities.count == labels.count, "one label a probability")
    return mean(count: labels.count, weights) {
      let difference = probabilities[$0] - (labels[$0] ? 1 : 0)
      return difference * difference
    }
  }

  /// The log-loss of always answering with the share of positive items, in nats: the entropy of the labels.
  public static func baselineLogLoss(labels: [Bool]) -> Double? {
    guard !labels.isEmpty else { return nil }
    let share = Double(labels.count { $0 }) / Double(labels.count)
    return Entropy.of([share, 1 - share])
  }

  private static func mean(count: Int, _ weights: [Double]?, _ loss: (Int) -> Double) -> Double? {
    precondition(weights.map { $0.count == count } ?? true, "one weight an item")
    var total = 0.0, weight = 0.0
    for item in 0..<count {
      let w = weights?[item] ?? 1
      if w == 0 { continue }
      total += w * loss(item)
      weight += w
    }
    return weight > 0 ? total / weight : nil
  }
}

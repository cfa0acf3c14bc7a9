import Statistics
import Tensors

/// The numbers by which a probe is judged on texts it was not fitted on.
public enum ProbeMetrics {
  /// Metrics of logits `[n]` against labels `[n]`, each with an interval from resampled groups.
  ///
  /// In order: `auroc`, `balanced_accuracy`, `accuracy`, `majority_accuracy` (what always answering with the larger class
  /// gives), `log_loss` and `baseline_log_loss` (the labels' entropy) in nats, `ece` (15 bins of equal width on the
  /// positive class's probability), `brier`, `recall_at_1_percent_fpr`. The decision is probability above one half.
  /// Shapes: groups `[n]`, numbers that stand for groups.
  public static func of(
    logits: [Double], labels: [Bool], groups: [Int], resamples: Int = 1000, seed: UInt64 = 0,
    level: Double = 0.95
  ) -> [Metric] {
    precondition(logits.count == labels.count && groups.count == labels.count, "one label and group a logit")
    let n = labels.count
    let bootstrap = Bootstrap(count: n, groups: groups, resamples: resamples, seed: seed)
    let probabilities = logits.map(ProperScores.sigmoid)
    let losses = zip(logits, labels).map { ProperScores.softplus($1 ? -$0 : $0) }
    let squares = zip(probabilities, labels).map { ($0 - ($1 ? 1 : 0)) * ($0 - ($1 ? 1 : 0)) }
    let decisions = logits.map { $0 > 0 }
    let auroc = AUROC(scores: logits, labels: labels)
    let hasNaN = logits.contains(where: \.isNaN)
    let reliability = hasNaN ? nil : Reliability(confidence: probabilities, outcome: labels)

    // One pass over the resamples serves all metrics.
    typealias Row = [Double?]
    func row(_ weights: [Double]?) -> Row {
      let confusion = Confusion(decisions: decisions, labels: labels, weights: weights)
      let weights = weights ?? Array(repeating: 1, count: n)
      return [
        auroc.value(weights: weights), confusion.balancedAccuracy, confusion.accuracy,
        Descriptive.mean(losses, weights: weights), reliability?.expectedError(weights: weights),
        Descriptive.mean(squares, weights: weights),
      ]
    }
    let slots = Slots(repeating: Row(), count: resamples)
    Parallel.forEach(resamples, grain: 16) { range in
      for resample in range { slots[resample] = row(bootstrap.weights(resample)) }
    }
    let table = slots.values
    let value = row(nil)
    let confusion = Confusion(decisions: decisions, labels: labels)
    let reason = confusion.positives > 0 && confusion.negatives > 0 ? nil : "one class only"
    func metric(_ name: String, _ column: Int, _ unit: String, higher: Bool) -> Metric {
      Metric(
        name: name, value: value[column], unit: unit, n: n, higherIsBetter: higher,
        interval: bootstrap.interval(of: table.map { $0[column] }, level: level),
        reason: value[column] == nil ? (hasNaN ? "a score is NaN" : reason) : nil)
    }
    return [
      metric("auroc", 0, "fraction", higher: true), metric("balanced_accuracy", 1, "fraction", higher: true),
      metric("accuracy", 2, "fraction", higher: true),
      Metric(name: "majority_accuracy", value: confusion.majority, unit: "fraction", n: n),
      metric("log_loss", 3, "nats", higher: false),
      Metric(
        name: "baseline_log_loss", value: ProperScores.baselineLogLoss(labels: labels), unit: "nats", n: n),
      metric("ece", 4, "fraction", higher: false), metric("brier", 5, "squared fraction", higher: false),
      Metric(
        name: "recall_at_1_percent_fpr",
        value: RecallAtFalsePositiveRate.value(scores: logits, labels: labels, limit: 0.01), unit: "fraction",
        n: n,
        higherIsBetter: true, reason: confusion.negatives < 100 ? "fewer than 100 negative texts" : reason),
    ]
  }
}

extension [Metric] {
  /// The value of a metric by name.
  public func value(_ name: String) -> Double? { first { $0.name == name }?.value }
}

/// Counts of a two-class decision.
public struct Confusion: Sendable, Equatable {
  /// Positive items decided positive.
  public var truePositives: Double
  /// Negative items decided positive.
  public var falsePositives: Double
  /// Negative items decided negative.
  public var trueNegatives: Double
  /// Positive items decided negative.
  public var falseNegatives: Double

  /// Counts of decisions `score > threshold`, `[n]` each, with optional weights.
  public init(scores: [Double], labels: [Bool], threshold: Double, weights: [Double]? = nil) {
    self.init(decisions: scores.map { $0 > threshold }, labels: labels, weights: weights)
  }

  /// Counts of decisions against labels, `[n]` each, with optional weights.
  public init(decisions: [Bool], labels: [Bool], weights: [Double]? = nil) {
    precondition(decisions.count == labels.count, "one label a decision")
    precondition(weights.map { $0.count == labels.count } ?? true, "one weight a decision")
    var table = [0.0, 0.0, 0.0, 0.0]
    for item in labels.indices {
      table[(labels[item] ? 2 : 0) + (decisions[item] ? 1 : 0)] += weights?[item] ?? 1
    }
    trueNegatives = table[0]
    falsePositives = table[1]
    falseNegatives = table[2]
    truePositives = table[3]
  }

  /// Weight of the positive items.
  public var positives: Double { truePositives + falseNegatives }
  /// Weight of the negative items.
  public var negatives: Double { trueNegatives + falsePositives }

  /// The fraction decided rightly; nil for no items.
  public var accuracy: Double? {
    let total = positives + negatives
    return total > 0 ? (truePositives + trueNegatives) / total : nil
  }

  /// The mean of the two classes' recalls, 0.5 for any constant answer; nil when a class is missing.
  public var balancedAccuracy: Double? {
    guard positives > 0, negatives > 0 else { return nil }
    return (truePositives / positives + trueNegatives / negatives) / 2
  }

  /// The accuracy of always answering with the larger class: what `accuracy` must be read beside.
  public var majority: Double? {
    let total = positives + negatives
    return total > 0 ? max(positives, negatives) / total : nil
  }

  /// The fraction of positive items found; nil when there are none.
  public var recall: Double? { positives > 0 ? truePositives / positives : nil }

  /// The fraction of negative items called positive; nil when there are none.
  public var falsePositiveRate: Double? { negatives > 0 ? falsePositives / negatives : nil }

  /// The fraction of positive decisions that are right; nil when there are none.
  public var precision: Double? {
    let decided = truePositives + falsePositives
    return decided > 0 ? truePositives / decided : nil
  }
}

/// The largest share of positive items that a threshold finds while it calls at most a given share of the
/// negative ones positive.
public enum RecallAtFalsePositiveRate {
  /// The recall of the best threshold with `falsePositiveRate` at most `limit` (fraction).
  ///
  /// Items of one score are taken or left together. Nil when a class is missing or a score is NaN.
  public static func value(scores: [Double], labels: [Bool], limit: Double) -> Double? {
    precondition(scores.count == labels.count, "one label a score")
    let positives = labels.count { $0 }
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0, !scores.contains(where: \.isNaN) else { return nil }
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var found = 0, wrong = 0, best = 0
    for (place, item) in order.enumerated() {
      if labels[item] { found += 1 } else { wrong += 1 }
      let isBlockEnd = place + 1 == order.count || scores[order[place + 1]] != scores[item]
      if Double(wrong) > limit * Double(negatives) { break }
      if isBlockEnd { best = found }
    }
    return Double(best) / Double(positives)
  }
}

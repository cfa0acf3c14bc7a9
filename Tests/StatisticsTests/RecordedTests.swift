import JSON
import Statistics
import Testing

/// One recorded sample and what scikit-learn, SciPy and NumPy say about it (record_statistics.py).
@Suite struct RecordedTests {
  let sample: JSONValue
  let labels: [Bool]
  let logits: [Double]
  let weights: [Double]
  let other: [Double]
  let distinct: [Double]
  let correct: [Bool]

  init() throws {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    let sample = try JSONValue(file: here + "/Fixtures/statistics.json")
    func numbers(_ key: String) throws -> [Double] { try #require(sample[key]?.array).compactMap(\.double) }
    self.sample = sample
    labels = try #require(sample["label"]?.array).compactMap(\.bool)
    correct = try #require(sample["correct"]?.array).compactMap(\.bool)
    logits = try numbers("logit")
    weights = try numbers("weight")
    other = try numbers("other")
    distinct = try numbers("distinct")
  }

  private func check(_ name: String, _ value: Double?, tolerance: Double = 1e-12) throws {
    let expected = try #require(sample["expected"]?[name]?.double)
    let value = try #require(value)
    #expect(abs(value - expected) <= tolerance, "\(name): \(value), recorded \(expected)")
  }

  @Test func discrimination() throws {
    let auroc = AUROC(scores: logits, labels: labels)
    try check("auroc", auroc.value())
    try check("auroc_weighted", auroc.value(weights: weights))
    let confusion = Confusion(scores: logits, labels: labels, threshold: 0)
    try check("accuracy", confusion.accuracy)
    try check("balanced_accuracy", confusion.balancedAccuracy)
    try check("precision", confusion.precision)
    try check(
      "balanced_accuracy_weighted",
      Confusion(scores: logits, labels: labels, threshold: 0, weights: weights).balancedAccuracy)
    try check(
      "recall_at_5_percent", RecallAtFalsePositiveRate.value(scores: logits, labels: labels, limit: 0.05))
  }

  @Test func properScores() throws {
    let probabilities = logits.map(ProperScores.sigmoid)
    try check("log_loss", ProperScores.logLoss(logits: logits, labels: labels))
    try check("log_loss", ProperScores.logLoss(probabilities: probabilities, labels: labels))
    try check("log_loss_weighted", ProperScores.logLoss(logits: logits, labels: labels, weights: weights))
    try check("brier", ProperScores.brier(probabilities: probabilities, labels: labels))
  }

  @Test func calibration() throws {
    let probabilities = logits.map(ProperScores.sigmoid)
    try check("ece_width_15", Calibration.expectedError(confidence: probabilities, outcome: labels))
    try check("ece_width_10", Calibration.expectedError(confidence: probabilities, outcome: labels, bins: 10))
    try check(
      "ece_mass_15", Calibration.expectedError(confidence: distinct, outcome: correct, binning: .equalMass))
    try check("aurc", RiskCoverage(confidence: distinct, correct: correct).area)
  }

  @Test func tests() throws {
    let mcnemar = McNemar(onlyFirst: 9, onlySecond: 21)
    try check("mcnemar_exact", mcnemar.exactP)
    try check("mcnemar_mid", mcnemar.midP)
    let differences = try #require(sample["differences"]?.array).compactMap(\.double)
    let result = try #require(PermutationTest.paired(differences))
    #expect(result.isExact && result.permutations == 1 << differences.count)
    try check("permutation_p", result.p)
    let wilson = try #require(Wilson.interval(successes: 9, total: 40, level: 0.9))
    let expected = try #require(sample["expected"]?["wilson_9_40"]?.array).compactMap(\.double)
    #expect(abs(wilson.lower - expected[0]) < 1e-12 && abs(wilson.upper - expected[1]) < 1e-12)
  }

  @Test func description() throws {
    try check("pearson", Correlation.pearson(logits, other))
    try check("spearman", Correlation.spearman(logits, other))
    try check("entropy", Entropy.of(counts: try #require(sample["counts"]?.array).compactMap(\.double)))
    try check("quantile_0.1", Descriptive.quantile(other, 0.1))
    try check("quantile_0.975", Descriptive.quantile(other, 0.975))
    try check("standard_error", Descriptive.estimate(other)?.standardError)
  }
}

import Evaluation
import JSON
import Recipes
import Runtime
import Statistics
import Surgery

/// Everything an operation found, on its way into the report.
struct OperationOutcome {
  let operation: Operation
  let probes: ProbeStage
  let sweep: SweepStage
  let edit: EditStage
  let test: TestStage
  let stages: [(name: String, seconds: Double)]

  /// Whether the run started from the files of an earlier one.
  var resumed: Bool { operation.folder.resumed }
  /// Metrics of the report, the test's differences with their paired intervals among them.
  var metrics: [Metric] { differences + levels }
  /// The questions of the operation with what was measured.
  var answers: [Answer] { Answer.all(self) }

  /// Paired differences edited − base on the same test prompts.
  var differences: [Metric] {
    let (before, after) = (test.base.rates, test.edited.rates)
    let names = operation.recipe.behaviour
    func paired(_ name: String, higherIsBetter: Bool, _ holds: (Verdict.Outcome) -> Bool) -> Metric {
      let changes = zip(after.replies, before.replies).map {
        (holds($0.verdict.outcome) ? 1.0 : 0) - (holds($1.verdict.outcome) ? 1.0 : 0)
      }
      return Metric(
        name: name, value: changes.reduce(0, +) / Double(changes.count), unit: "fraction", n: changes.count,
        higherIsBetter: higherIsBetter,
        interval: Bootstrap(count: changes.count, seed: operation.recipe.seed).mean(changes))
    }
    return [
      paired("\(names.name)_change", higherIsBetter: false) { $0 == .behaviour },
      paired("\(names.opposite)_change", higherIsBetter: true) { $0 == .wanted },
      paired("garbled_change", higherIsBetter: false) { $0 == .mixed || $0 == .broken },
      perplexityRise, factsChange,
    ].compactMap { $0 }
  }

  private var perplexityRise: Metric {
    let neutral = test.edited.neutral
    let bootstrap = Bootstrap(count: neutral.counts.count, seed: operation.recipe.seed)
    func mean(_ losses: [Double], _ weights: [Double]) -> Double {
      let tokens = zip(neutral.counts, weights).reduce(0) { $0 + Double($1.0) * $1.1 }
      return zip(losses, weights).reduce(0) { $0 + $1.0 * $1.1 } / tokens
    }
    let logRatio = bootstrap.difference({ mean(neutral.losses, $0) }, { mean(neutral.baseLosses, $0) })
    return Metric(
      name: "neutral_perplexity_rise", value: neutral.perplexityRise, unit: "fraction",
      n: neutral.counts.count,
      higherIsBetter: false,
      interval: logRatio.map {
        Interval(
          lower: Maths.exp($0.lower) - 1, upper: Maths.exp($0.upper) - 1, level: $0.level, method: $0.method)
      })
  }

  private var factsChange: Metric? {
    guard let after = test.edited.facts, let before = test.base.facts else { return nil }
    let changes = zip(after, before).map { ($0 ? 1.0 : 0) - ($1 ? 1.0 : 0) }
    return Metric(
      name: "facts_change", value: changes.reduce(0, +) / Double(changes.count), unit: "fraction",
      n: changes.count,
      higherIsBetter: true,
      interval: Bootstrap(count: changes.count, seed: operation.recipe.seed).mean(changes))
  }

  private var levels: [Metric] {
    let names = operation.recipe.behaviour
    var metrics: [Metric] = []
    for (who, rates) in [("base", test.base.rates), ("edited", test.edited.rates)] {
      metrics.append(rates.metric(.behaviour, name: "\(names.name)_rate_\(who)", higherIsBetter: false))
      metrics.append(rates.metric(.wanted, name: "\(names.opposite)_rate_\(who)", higherIsBetter: true))
      metrics.append(rates.metric(.mixed, name: "mixed_rate_\(who)", higherIsBetter: false))
      metrics.append(rates.metric(.broken, name: "broken_rate_\(who)", higherIsBetter: false))
    }
    let neutral = test.edited.neutral
    metrics.append(
      Metric(
        name: "neutral_kl_mean", value: neutral.meanKL, unit: "nats/token", n: neutral.counts.count,
        higherIsBetter: false))
    metrics.append(
      Metric(
        name: "neutral_top1_agreement", value: neutral.topAgreement, unit: "fraction",
        n: neutral.counts.count,
        higherIsBetter: true))
    return metrics
  }

  /// Wanted rate of the best control above the base's, with its name.
  var bestControl: (name: String, gain: Double)? {
    let before = test.base.rates.rate(.wanted)
    return test.controls.map { ("\($0.name) \($0.draw + 1)", $0.measurement.rates.rate(.wanted) - before) }
      .max { $0.1 < $1.1 }.map { (name: $0.0, gain: $0.1) }
  }

  /// Writes base and edited replies of all test prompts, a line each.
  /// - Throws: ``FileError``.
  func writeSamples(to path: String) throws {
    var text = ""
    let kinds =
      [(operation.data.targetName, test.base.rates, test.edited.rates)]
      + test.others.map { ($0.name, $0.base, $0.edited) }
    for (kind, before, after) in kinds {
      for (first, second) in zip(before.replies, after.replies) {
        let line: JSONValue = [
          "kind": .string(kind), "prompt": .string(first.prompt),
          "before": .string(first.reply), "verdict_before": .string(first.verdict.outcome.rawValue),
          "hits_before": .strings(first.verdict.hits),
          "after": .string(second.reply), "verdict_after": .string(second.verdict.outcome.rawValue),
          "hits_after": .strings(second.verdict.hits),
        ]
        text += try line.text() + "\n"
      }
    }
    try Files.write(text, to: path)
  }
}

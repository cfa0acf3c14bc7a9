import Evaluation
import Glibc
import JSON
import Runtime
import Statistics
import Surgery

enum Maths { static func exp(_ x: Double) -> Double { Glibc.exp(x) } }

/// One question that an operation answers, whichever way it comes out.
struct Answer {
  /// Stable name.
  var id: String
  /// The question.
  var question: String
  /// Whether the limit holds; nil where nothing was asked of it.
  var passed: Bool?
  /// What was measured.
  var value: Double?
  /// `fraction`, `points` or `ratio`.
  var unit: String
  /// Uncertainty.
  var interval: Interval?
  /// `<=` or `>=`.
  var comparison: String?
  /// The limit.
  var threshold: Double?
  /// More in words.
  var detail: String?

  var json: JSONValue {
    var json: JSONValue = [
      "id": .string(id), "question": .string(question), "passed": passed.map(JSONValue.bool) ?? .null,
      "value": value.map(JSONValue.number) ?? .null, "unit": .string(unit),
    ]
    if let interval {
      json["interval"] = [
        "lower": .number(interval.lower), "upper": .number(interval.upper), "level": .number(interval.level),
        "method": .string(interval.method),
      ]
    }
    if let comparison { json["comparison"] = .string(comparison) }
    if let threshold { json["threshold"] = .number(threshold) }
    if let detail { json["detail"] = .string(detail) }
    return json
  }
}

extension Answer {
  /// The questions of the issue that the tool was built for, on test data.
  static func all(_ outcome: OperationOutcome) -> [Answer] {
    let names = outcome.operation.recipe.behaviour
    let test = outcome.test
    let (before, after) = (test.base.rates, test.edited.rates)
    let differences = Dictionary(uniqueKeysWithValues: outcome.differences.map { ($0.name, $0) })
    func limited(
      _ id: String, _ question: String, _ value: Double?, _ unit: String, _ comparison: String,
      _ threshold: Double,
      interval: Interval? = nil, detail: String? = nil
    ) -> Answer {
      let passed = value.map { comparison == "<=" ? $0 <= threshold : $0 >= threshold }
      return Answer(
        id: id, question: question, passed: passed, value: value, unit: unit, interval: interval,
        comparison: comparison, threshold: threshold, detail: detail)
    }
    func percent(_ value: Double) -> String { Format.percent(value) }
    let baseRate = before.rate(.behaviour)
    let wantedGain = differences["\(names.opposite)_change"]
    let control = outcome.bestControl
    var answers = [
      limited(
        "behaviour_ratio", "Is the \(names.name) rate at most 0.6 of the base's?",
        baseRate == 0 ? nil : after.rate(.behaviour) / baseRate, "ratio", "<=", 0.6,
        detail: "\(percent(baseRate)) → \(percent(after.rate(.behaviour))) of \(after.count) replies"),
      limited(
        "wanted_gain", "Does the \(names.opposite) rate rise by at least 20 points?", wantedGain?.value,
        "points",
        ">=", 0.2, interval: wantedGain?.interval,
        detail: "\(percent(before.rate(.wanted))) → \(percent(after.rate(.wanted)))"),
      limited(
        "garbled_rise", "Do mixed and broken replies stay within 12 points of the base's?",
        differences["garbled_change"]?.value, "points", "<=", 0.12,
        interval: differences["garbled_change"]?.interval,
        detail: "mixed \(percent(before.rate(.mixed))) → \(percent(after.rate(.mixed))), "
          + "broken \(percent(before.rate(.broken))) → \(percent(after.rate(.broken)))"),
      limited(
        "neutral_perplexity_rise", "Does neutral perplexity rise by at most 5 %?",
        test.edited.neutral.perplexityRise,
        "fraction", "<=", 0.05, interval: differences["neutral_perplexity_rise"]?.interval,
        detail: "\(Format.significant(test.edited.neutral.basePerplexity, 4)) → "
          + "\(Format.significant(test.edited.neutral.perplexity, 4)), KL \(Format.significant(test.edited.neutral.meanKL)) nats a token"
      ),
    ]
    if let facts = differences["facts_change"], let known = test.base.factsKnown {
      answers.append(
        limited(
          "facts_drop", "Are at most 2 points of the known facts lost?", facts.value.map { -$0 }, "points",
          "<=",
          0.02,
          interval: facts.interval.map {
            Interval(lower: -$0.upper, upper: -$0.lower, level: $0.level, method: $0.method)
          },
          detail: "\(percent(known)) → \(percent(test.edited.factsKnown ?? 0)) of \(facts.n)"))
    }
    if let control, let gain = wantedGain?.value {
      answers.append(
        limited(
          "gain_over_controls",
          "Is the \(names.opposite) gain at least 15 points above the best control's at equal damage?",
          gain - control.gain, "points", ">=", 0.15,
          detail:
            "best of \(test.controls.count) controls: \(control.name), \(Format.signed(control.gain * 100, 1)) points"
        ))
    }
    for other in test.others {
      answers.append(
        Answer(
          id: "prompts_\(other.name)", question: "What happens to \(other.name) prompts?", passed: nil,
          value: other.edited.rate(.behaviour) - other.base.rate(.behaviour), unit: "points",
          detail:
            "\(names.name) \(percent(other.base.rate(.behaviour))) → \(percent(other.edited.rate(.behaviour))), "
            + "mixed and broken \(percent(other.base.garbled)) → \(percent(other.edited.garbled))"))
    }
    if let arm = outcome.sweep.arm, let point = outcome.sweep.chosen {
      let without = test.leftOut.max { ($0.value, -$0.key) < ($1.value, -$1.key) }
      answers.append(
        Answer(
          id: "carrier", question: "Which space, direction, rows and blocks carry it?", passed: nil,
          value: point.strength, unit: "strength",
          detail:
            "\(arm.plan.edit.name), \(arm.plan.facts.space), \(arm.direction), \(arm.plan.facts.rows) of "
            + "\(arm.plan.facts.candidates) rows"
            + (without.map {
              "; most is lost without block \($0.key) (\(percent($0.value)) \(names.name) on validation)"
            }
              ?? "")))
    }
    for entry in test.comparisons {
      let rates = entry.measurement.rates
      answers.append(
        Answer(
          id: "comparison", question: "How does \(entry.name) at \(entry.site ?? "") compare?", passed: nil,
          value: rates.rate(.wanted) - before.rate(.wanted), unit: "points",
          detail:
            "\(names.name) \(percent(rates.rate(.behaviour))), \(names.opposite) \(percent(rates.rate(.wanted))), "
            + "mixed and broken \(percent(rates.garbled)), perplexity \(Format.signed(entry.measurement.neutral.perplexityRise * 100, 1)) %"
        ))
    }
    return answers
  }
}

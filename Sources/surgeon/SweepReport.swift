import JSON
import Reports
import Runtime
import Statistics
import Surgery

/// A sweep as its report and its table say it.
extension PlanSweep.Outcome {
  var json: JSONValue {
    [
      "base": sweep.base.measurement,
      "points": .array(sweep.points.indices.map(point)),
      "pareto": .integers(sweep.pareto),
      "controls": .array(
        controls.map { control in
          var json = control.summary.measurement
          json["control"] = .string(control.control.kind.rawValue.replacing("-", with: "_"))
          json["draw"] = .integer(control.control.draw)
          json["strength"] = .number(control.strength)
          json["rows"] = .integer(control.control.plan.facts.rows)
          return json
        }),
      "chosen": .optional(sweep.chosen),
    ]
  }

  private func point(_ index: Int) -> JSONValue {
    let point = sweep.points[index]
    let arm = sweep.arms[point.arm]
    var json = point.summary.measurement
    json["label"] = .string(arm.name)
    let facts = arm.plan.facts
    json["edit"] = .string(arm.plan.edit.name)
    json["space"] = .string(facts.space)
    json["direction"] = .string(arm.direction)
    json["strength"] = .number(point.strength)
    json["alpha"] = .optional(arm.plan.factor(strength: point.strength))
    json["rows"] = .integer(facts.rows)
    json["rows_fraction"] = .number(Double(facts.rows) / Double(max(1, facts.candidates)))
    json["passed"] = .bool(point.passes)
    json["chosen"] = .bool(sweep.chosen == index)
    return json
  }

  /// The chosen point's numbers; without values where no point passes.
  var metrics: [Metric] {
    let summary = sweep.chosen.map { sweep.points[$0].summary }
    let reason = summary == nil ? "no point keeps every gate" : nil
    func metric(_ name: String, _ value: Double?, _ unit: String, _ higher: Bool?) -> Metric {
      Metric(
        name: name, value: value, unit: unit, n: sweep.base.prompts, higherIsBetter: higher, reason: reason)
    }
    return [
      metric("base_behaviour_rate", sweep.base.behaviour, "fraction", nil),
      metric("behaviour_rate", summary?.behaviour, "fraction", false),
      metric("wanted_rate", summary?.wanted, "fraction", true),
      metric("neutral_perplexity_rise", summary?.perplexityRise, "fraction", false),
      metric("neutral_kl", summary?.kl, "nats", false),
    ] + (sweep.base.task == nil ? [] : [metric("task_accuracy", summary?.task, "fraction", true)]) + [
      metric("strength", sweep.chosen.map { sweep.points[$0].strength }, "ratio", nil)
    ]
  }

  var table: Table {
    var table = Table(
      [
        .init("Edit"), .init("Strength", numeric: true), .init("Behaviour", numeric: true),
        .init("Wanted", numeric: true),
        .init("Mixed", numeric: true), .init("Broken", numeric: true), .init("Perplexity", numeric: true),
        .init("Rise", key: "perplexity_rise", numeric: true), .init("KL", numeric: true),
      ] + (sweep.base.task == nil ? [] : [.init("Task", numeric: true)]) + [.init("Gates")])
    func add(_ name: String, _ strength: Double?, _ summary: EditSummary, _ gates: String) {
      table.add(
        [
          .text(name), .number(strength, 3), .percent(summary.behaviour), .percent(summary.wanted),
          .percent(summary.mixed), .percent(summary.broken), .number(summary.perplexity),
          .percent(summary.perplexityRise), .number(summary.kl, 3),
        ] + (sweep.base.task == nil ? [] : [.percent(summary.task)]) + [.text(gates)])
    }
    add("base", nil, sweep.base, "")
    for (index, point) in sweep.points.enumerated() {
      let missed = point.missed.map(\.gate.quantity.rawValue).joined(separator: ", ")
      let verdict = sweep.chosen == index ? "chosen" : point.passes ? "kept" : "missed: \(missed)"
      add(sweep.arms[point.arm].name, point.strength, point.summary, verdict)
    }
    for control in controls {
      add(
        "control: \(control.control.kind.rawValue) \(control.control.draw)", control.strength,
        control.summary, "")
    }
    return table
  }

  /// The command that makes the chosen point's patch.
  func next(model: String, plan: String, budgets: [RowBudget]) -> [String] {
    guard let point = sweep.chosen.map({ sweep.points[$0] }) else { return [] }
    let rows = budgets.isEmpty ? "" : " --rows \(budgets[point.arm])"
    return [
      "use with: surgeon edit build \(model) --plan \(plan)\(rows) --strength \(point.strength) -o PATCH"
    ]
  }

  var closing: String {
    guard let chosen = sweep.chosen else {
      guard let nearest = sweep.nearest else { return "no point was measured" }
      let misses = nearest.missed.map { "\($0.gate.quantity.rawValue) \(Format.significant($0.value))" }
      return
        "no point keeps every gate; nearest: \(sweep.arms[nearest.arm].name) at \(nearest.strength) misses "
        + misses.joined(separator: ", ")
    }
    let point = sweep.points[chosen]
    return "chosen: \(sweep.arms[point.arm].name) at strength \(Format.significant(point.strength))"
  }
}

extension EditSummary {
  /// The numbers under the names of the report's measurements, on validation prompts.
  fileprivate var measurement: JSONValue {
    [
      "split": "validation", "n": .integer(prompts), "behaviour_rate": .number(behaviour),
      "wanted_rate": .number(wanted), "mixed_rate": .number(mixed), "broken_rate": .number(broken),
      "on_topic_rate": .optional(onTopic), "facts_accuracy": .optional(facts),
      "task_accuracy": .optional(task),
      "perplexity": .number(perplexity),
      "perplexity_rise": .number(perplexityRise), "kl_mean": .number(kl), "kl_p99": .number(klP99),
      "top1_agreement": .number(topAgreement),
    ]
  }
}

import Architectures
import Checkpoints
import Evaluation
import JSON
import Probing
import Runtime
import Statistics
import Surgery
import Tensors
import Transformers

/// The outcome in the shape of `surgeon schema operate`.
extension OperationOutcome {
  /// The report's results.
  var json: JSONValue {
    let recipe = operation.recipe
    var json: JSONValue = [
      "behaviour": [
        "name": .string(recipe.behaviour.name), "wanted": .string(recipe.behaviour.opposite),
        "prompts": .string(operation.data.targetName), "model": .string(recipe.model),
        "judge": [
          "kind": .string(operation.data.judge.kind), "detail": .string(operation.data.judge.summary),
        ],
      ],
      "question_answers": .array(answers.map(\.json)),
      "base": [
        "validation": tagged(sweep.outcome.base.json, "validation"),
        "test": tagged(test.base.summary.json, "test"),
      ],
      "chosen": chosen, "layer_curve": probes.curve ?? .null,
      "sweep": .array(sweep.outcome.points.indices.map(point)),
      "pareto": .integers(sweep.outcome.pareto),
      "controls": .array(test.controls.map(control)),
      "comparisons": .array(test.comparisons.map(comparison)),
      "test": [
        "edited": tagged(test.edited.summary.json, "test"), "base_greedy": rates(test.baseGreedy),
        "edited_greedy": rates(test.editedGreedy),
      ],
      "prompt_kinds": .array(promptKinds), "samples": .array(samples),
      "rows_per_block": .array(rowsPerBlock), "rounding": rounding,
      "checks": .array(
        edit.checks.map {
          ["id": .string($0.name), "passed": .bool($0.passed), "detail": .string($0.detail)]
        }),
      "stages": .array(
        stages.map { ["name": .string($0.name), "seconds": .number($0.seconds), "resumed": .bool(resumed)] }),
    ]
    if let wanted = test.wantedTexts {
      json["wanted_texts"] = [
        "perplexity_base": .number(wanted.basePerplexity), "perplexity": .number(wanted.perplexity),
        "texts": .integer(wanted.counts.count),
      ]
    }
    return json
  }

  private func tagged(_ json: JSONValue, _ split: String) -> JSONValue {
    var json = json
    json["split"] = .string(split)
    return json
  }

  private func rates(_ rates: BehaviourRates) -> JSONValue {
    [
      "n": .integer(rates.count), "behaviour_rate": .number(rates.rate(.behaviour)),
      "wanted_rate": .number(rates.rate(.wanted)), "mixed_rate": .number(rates.rate(.mixed)),
      "broken_rate": .number(rates.rate(.broken)),
      "on_topic_rate": rates.onTopic.map(JSONValue.number) ?? .null,
    ]
  }

  private var chosen: JSONValue {
    guard let point = sweep.chosen, let arm = sweep.arm else { return .null }
    let facts = arm.plan.facts
    return [
      "edit": .string(arm.plan.edit.name), "space": .string(facts.space), "direction": .string(arm.direction),
      "site": .string(arm.plan.site),
      "pooling": .string(operation.recipe.probe.directionPooling.rawValue),
      "strength": .number(point.strength),
      "alpha": arm.plan.factor(strength: point.strength).map(JSONValue.number) ?? .null,
      "rows": .integer(facts.rows), "rows_total": .integer(facts.candidates),
      "rows_fraction": .number(Double(facts.rows) / Double(max(1, facts.candidates))),
      "role": .string(facts.role),
      "blocks": .string(arm.plan.blocks.map(String.init).joined(separator: ",")),
      "sweep_index": sweep.outcome.chosen.map { .integer($0) } ?? .null,
      "reason": .string(
        "the smallest strength of its arm that keeps every gate on validation data, and of those the highest "
          + "\(operation.recipe.behaviour.opposite) rate"),
    ]
  }

  private func point(_ index: Int) -> JSONValue {
    let point = sweep.outcome.points[index]
    let arm = sweep.outcome.arms[point.arm]
    var json = tagged(point.summary.json, "validation")
    json["label"] = .string(arm.name)
    let facts = arm.plan.facts
    json["edit"] = .string(arm.plan.edit.name)
    json["space"] = .string(facts.space)
    json["direction"] = .string(arm.direction)
    json["strength"] = .number(point.strength)
    json["alpha"] = arm.plan.factor(strength: point.strength).map(JSONValue.number) ?? .null
    json["rows"] = .integer(facts.rows)
    json["rows_fraction"] = .number(Double(facts.rows) / Double(max(1, facts.candidates)))
    json["passed"] = .bool(point.passes)
    json["chosen"] = .bool(sweep.outcome.chosen == index)
    return json
  }

  private func control(_ entry: TestStage.Entry) -> JSONValue {
    var json = tagged(entry.measurement.summary.json, "test")
    json["control"] = .string(entry.name.replacing("-", with: "_"))
    json["draw"] = .integer(entry.draw)
    json["strength"] = entry.strength.map(JSONValue.number) ?? .null
    json["rows"] = .integer(sweep.arm?.plan.facts.rows ?? 0)
    // Paired over the same prompts: how often only the edit gives a wanted reply, and how often only the control.
    let edited = test.edited.rates.replies.map { $0.verdict.outcome == .wanted }
    let other = entry.measurement.rates.replies.map { $0.verdict.outcome == .wanted }
    let test = McNemar(first: edited, second: other)
    json["paired"] = [
      "only_edit": .integer(test.onlyFirst), "only_control": .integer(test.onlySecond),
      "p": .number(test.midP),
      "test": "McNemar, mid-p, wanted replies on the same prompts",
    ]
    return json
  }

  private func comparison(_ entry: TestStage.Entry) -> JSONValue {
    var json = tagged(entry.measurement.summary.json, "test")
    json["method"] = .string(entry.name)
    json["site"] = .string(entry.site ?? "")
    json["strength"] = entry.strength.map(JSONValue.number) ?? .null
    return json
  }

  private var promptKinds: [JSONValue] {
    [
      [
        "name": .string(operation.data.targetName), "is_target": true, "base": rates(test.base.rates),
        "edited": rates(test.edited.rates),
      ]
    ]
      + test.others.map {
        ["name": .string($0.name), "is_target": false, "base": rates($0.base), "edited": rates($0.edited)]
      }
  }

  /// A few replies of every change of verdict, the first of each in prompt order: nothing is picked by hand.
  private var samples: [JSONValue] {
    var seen: [String: Int] = [:]
    var result: [JSONValue] = []
    for (before, after) in zip(test.base.rates.replies, test.edited.rates.replies) {
      let change = "\(before.verdict.outcome)-\(after.verdict.outcome)"
      seen[change, default: 0] += 1
      guard seen[change, default: 0] <= 3 else { continue }
      result.append([
        "kind": .string(operation.data.targetName), "prompt": .string(before.prompt),
        "before": .string(before.reply), "after": .string(after.reply),
        "verdict_before": .string(before.verdict.outcome.rawValue),
        "verdict_after": .string(after.verdict.outcome.rawValue),
        "hits_before": hits(before), "hits_after": hits(after),
      ])
    }
    return result
  }

  private func hits(_ reply: JudgedReply) -> JSONValue {
    .array(
      HitFinder.places(of: reply.verdict.hits, in: reply.reply).map {
        [
          "start": .integer($0.lowerBound), "end": .integer($0.upperBound),
          "class": .string(hitClass($0, reply)),
        ]
      })
  }

  private func hitClass(_ place: Range<Int>, _ reply: JudgedReply) -> String {
    let bytes = Array(reply.reply.utf8)[place]
    let word = String(decoding: bytes, as: UTF8.self)
    return reply.verdict.wantedHits.contains(word) ? "wanted" : "behaviour"
  }

  private var rowsPerBlock: [JSONValue] {
    guard let plan = sweep.arm?.plan else { return [] }
    return plan.facts.perBlock.map { part in
      [
        "block": .integer(part.block), "rows": .integer(part.rows),
        "of": .integer(part.of ?? operation.base.network.mlpWidth),
        "cosine_min": part.cosines.map { .number(Double($0.lowerBound)) } ?? .null,
        "cosine_max": part.cosines.map { .number(Double($0.upperBound)) } ?? .null,
        "behaviour_rate_without": test.leftOut[part.block].map(JSONValue.number) ?? .null,
      ]
    }
  }

  private var rounding: JSONValue {
    let effects = edit.effects
    let edited = effects.reduce(0) { $0 + $1.edited }
    let changed = effects.reduce(0) { $0 + $1.changed }
    let asked = effects.reduce(0) { $0 + $1.asked }
    return [
      "dtype": .string(edit.patch.touched.first?.dtype.rawValue ?? ""), "values": .integer(edited),
      "values_unchanged": .integer(edited - changed),
      "rows_unchanged": .integer(effects.reduce(0) { $0 + $1.rows - $1.rowsChanged }),
      "strength_reached": asked > 0 ? .number(effects.reduce(0) { $0 + $1.projection } / asked) : .null,
    ]
  }
}

/// Finds the words that a judge named in a reply, as UTF-8 offsets.
enum HitFinder {
  static func places(of words: [String], in text: String) -> [Range<Int>] {
    let bytes = Array(text.utf8)
    var places: [Range<Int>] = []
    for word in Set(words) {
      let wanted = Array(word.utf8)
      guard !wanted.isEmpty, wanted.count <= bytes.count else { continue }
      for start in 0...(bytes.count - wanted.count)
      where bytes[start..<(start + wanted.count)].elementsEqual(wanted)
        && !(start > 0 && isLetter(bytes[start - 1]))
        && !(start + wanted.count < bytes.count && isLetter(bytes[start + wanted.count]))
      {
        places.append(start..<(start + wanted.count))
      }
    }
    return places.sorted { $0.lowerBound < $1.lowerBound }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 32) || byte >= 128 }
}

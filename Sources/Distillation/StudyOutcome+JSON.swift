import JSON
import OrderedCollections
import Statistics
import Training

extension StudyOutcome {
  /// Sentences that say what came out, computed from the numbers.
  public var sentences: [(setting: String, text: String)] { StudyVerdicts(outcome: self).sentences }

  /// Mean scores on the test items with Student's intervals over seeds, named `SETTING_ARM_SCORE`.
  public var metrics: [Metric] {
    settings.flatMap { setting, arms in
      arms.flatMap { arm in
        ClassScores.Name.allCases.compactMap { name -> Metric? in
          guard let estimate = Self.estimate(arm.scores["test"]?[name]) else { return nil }
          return Metric(
            name: "\(setting)_\(arm.arm.name)_\(name.rawValue)", value: estimate.mean, unit: name.unit,
            n: estimate.n, higherIsBetter: name == .overconfidence ? nil : false,
            interval: estimate.studentInterval())
        }
      }
    }
  }

  /// In the shape of `surgeon schema distill`.
  public var json: JSONValue {
    [
      "data": [
        "kind": .string(recipe.base.data.kind), "classes": .integer(data.train.classes),
        "train": .integer(data.train.count), "validation": .integer(data.validation?.count ?? 0),
        "test": .integer(data.test?.count ?? 0),
      ],
      "seeds": .array(recipe.base.seeds.map { .integer($0) }),
      "trainings": .integer(
        settings.values.reduce(0) { $0 + $1.filter(\.arm.isTrained).count } * recipe.base.seeds.count),
      "verdicts": .array(sentences.map { ["setting": .string($0.setting), "text": .string($0.text)] }),
      "settings": .array(settings.map { name, arms in json(name, arms) }),
    ]
  }

  private func json(_ setting: String, _ arms: [Arm]) -> JSONValue {
    let training = try? recipe.settings[setting]?.training.json()
    return [
      "name": .string(setting), "network": recipe.settings[setting]?.network.json ?? .null,
      "training": training ?? .null,
      "parameters": arms.first?.cells.first?["parameters"] ?? .null,
      "arms": .array(arms.map { json($0, in: setting) }),
    ]
  }

  private func json(_ arm: Arm, in setting: String) -> JSONValue {
    var members: OrderedDictionary<String, JSONValue> = [
      "name": .string(arm.arm.name), "arm": arm.arm.json,
      "past_true_probability": arm.pastTrueProbability.map(JSONValue.number) ?? .null,
      "temperature": Self.json(Self.estimate(arm.temperatures)),
      "epochs": Self.json(Self.estimate(arm.cells.map { $0["epochs"]?.double })),
    ]
    if let seconds = arm.seconds { members["seconds"] = .number(seconds) }
    for (key, scores) in [("scores", arm.scores), ("scaled_scores", arm.scaled)] {
      members[key] = .object(
        OrderedDictionary(
          uniqueKeysWithValues: ["validation", "test"].map { part in
            (part, Self.json(scores[part] ?? [:]))
          }))
    }
    members["against"] = .array(
      baselines(of: arm, in: setting).flatMap { other in
        ClassScores.Name.allCases.compactMap { name in
          Self.compare(arm, with: other, name).map { Self.json($0, other: other.arm.name) }
        }
      })
    members["reliability"] = .array(reliability(arm))
    members["risk_coverage"] = .array(risks(arm))
    if arm.arm.isTrained { members["learning"] = .array(learning(arm)) }
    return .object(members)
  }

  private static func json(_ scores: [ClassScores.Name: [Double?]]) -> JSONValue {
    .object(
      OrderedDictionary(
        uniqueKeysWithValues: ClassScores.Name.allCases.map { name in
          let values = scores[name] ?? []
          var json = Self.json(estimate(values))
          if json.object != nil { json["seeds"] = .array(values.map { $0.map(JSONValue.number) ?? .null }) }
          return (name.rawValue, json)
        }))
  }

  private static func json(_ estimate: MeanEstimate?) -> JSONValue {
    guard let estimate else { return .null }
    let interval = estimate.studentInterval()
    return [
      "mean": .number(estimate.mean), "lower": interval.map { .number($0.lower) } ?? .null,
      "upper": interval.map { .number($0.upper) } ?? .null, "n": .integer(estimate.n),
    ]
  }

  private static func json(_ comparison: Comparison, other: String) -> JSONValue {
    [
      "other": .string(other), "score": .string(comparison.score.rawValue),
      "difference": .number(comparison.estimate.mean),
      "lower": comparison.interval.map { .number($0.lower) } ?? .null,
      "upper": comparison.interval.map { .number($0.upper) } ?? .null, "n": .integer(comparison.estimate.n),
      "p": .number(comparison.p),
    ]
  }

  /// The ten bins over all seeds' test answers together.
  private func reliability(_ arm: Arm) -> [JSONValue] {
    let cells = arm.cells.compactMap { $0["answers"]?["test"]?[arm.answers]?["bins"]?.array }
    guard let bins = cells.map(\.count).min() else { return [] }
    return (0..<bins).map { bin in
      var items = 0.0, confidence = 0.0, accuracy = 0.0
      for cell in cells {
        let count = cell[bin]["items"]?.double ?? 0
        items += count
        confidence += count * (cell[bin]["confidence"]?.double ?? 0)
        accuracy += count * (cell[bin]["accuracy"]?.double ?? 0)
      }
      return [
        "items": .number(items), "confidence": items > 0 ? .number(confidence / items) : .null,
        "accuracy": items > 0 ? .number(accuracy / items) : .null,
      ]
    }
  }

  /// Risk at shares of the test items, the mean over seeds.
  private func risks(_ arm: Arm) -> [JSONValue] {
    let cells = arm.cells.compactMap { $0["answers"]?["test"]?[arm.answers]?["risks"]?.array }
    guard !cells.isEmpty else { return [] }
    return StudyScores.coverages.enumerated().map { place, coverage in
      let risk = cells.reduce(0.0) { $0 + ($1[place].double ?? 0) } / Double(cells.count)
      return ["coverage": .number(coverage), "risk": .number(risk)]
    }
  }

  /// Losses by epoch, the mean over the seeds that had the epoch; fifty epochs at most.
  private func learning(_ arm: Arm) -> [JSONValue] {
    let histories = arm.cells.compactMap { $0["history"]?.array }
    let epochs = histories.map(\.count).max() ?? 0
    let step = max(1, (epochs + 49) / 50)
    return stride(from: step - 1, to: epochs, by: step).map { epoch in
      let seen = histories.filter { $0.count > epoch }.map { $0[epoch] }
      func mean(_ key: String) -> JSONValue {
        Descriptive.mean(seen.compactMap { $0[key]?.double }).map(JSONValue.number) ?? .null
      }
      return [
        "epoch": .integer(epoch + 1), "loss": mean("loss"), "validation_loss": mean("validation_loss"),
        "validation_error": mean("validation_error"), "true_probability": mean("true_probability"),
      ]
    }
  }
}

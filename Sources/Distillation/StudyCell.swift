import Glibc
import JSON
import OrderedCollections
import Recipes
import Runtime
import Statistics
import Tensors
import Training

/// One training of a study: a setting, an arm and a seed.
struct StudyCell {
  let setting: String
  let arm: DistillationArm
  let seed: UInt64
  let network: NetworkDescription
  let plan: TrainingPlan

  init(_ setting: String, _ choice: StudyRecipe.Setting, _ arm: DistillationArm, seed: UInt64) {
    (self.setting, self.arm, self.seed) = (setting, arm, seed)
    network = choice.network
    plan = {
      var plan = choice.training
      plan.seed = seed
      return plan
    }()
  }

  /// Its files begin with this, in the run folder.
  var name: String { "cells/\(setting)/\(arm.name)/seed-\(seed)" }

  /// Whether its steps take a second forward pass.
  var hasSecondPass: Bool { (try? ArmKind.named(arm.kind).hasSecondPass(arm.settings)) ?? false }

  /// The training, not yet begun. `past` overrides how past answers are kept, `items` those of a step.
  func training(_ data: LabelledData, past: PastPredictions.Keeping? = nil, items: Int? = nil) throws
    -> Training
  {
    let network = try network.network(for: data, seed: seed)
    let context = ArmKind.Context(
      data: data, network: network, another: { try self.network.network(for: data, seed: seed) }, seed: seed)
    guard let make = try ArmKind.named(arm.kind).make else {
      preconditionFailure("an arm that is not trained has no cells")
    }
    let rule =
      try past.map { try ArmKind.selfDistillation(arm.settings, context, past: $0) }
      ?? make(arm.settings, context)
    var plan = plan
    if let items { (plan.batchSize, plan.accumulation) = (items, 1) }
    return try Training(network, plan: plan, data: data, rule: rule)
  }

  /// Trains, scores and leaves the cell's files; a cell that is there is left alone. Seconds go to a file of their own,
  /// so that the others have the same bytes in every run.
  func run(_ data: DataSplit, in folder: RunFolder, keepEvery: Int, seen: @escaping () -> Void) throws {
    guard !folder.has(name + ".json") else { return }
    let start = Machine.seconds
    let run = try TrainingRun(try training(data.train), validation: data.validation)
    let state = folder.file(name + ".state.safetensors")
    try Files.makeFolder(Files.folder(of: state))
    let recipe: JSONValue = [
      "network": network.json, "training": try plan.json(), "arm": arm.json, "seed": .integer(seed),
    ]
    let before = try run.run(keeping: state, every: keepEvery, recipe: recipe) { _ in seen() }
    let result = try run.withFinalWeights { try score($0, run: run, data, in: folder) }
    let times: JSONValue = [
      "seconds": .number(Machine.seconds - start), "epochs": .integer(run.history.count - before),
    ]
    try Files.makeFolder(Files.folder(of: folder.file("times/" + name)))
    try Files.write(times.text() + "\n", to: folder.file("times/\(name).json"))
    // The cell counts as done when this file is there.
    try Files.write(result.text(.pretty) + "\n", to: folder.file(name + ".json"))
    try Files.remove(state)
  }

  private func score(_ network: TrainableNetwork, run: TrainingRun, _ data: DataSplit, in folder: RunFolder)
    throws -> JSONValue
  {
    var members: OrderedDictionary<String, JSONValue> = [
      "setting": .string(setting), "arm": .string(arm.name), "seed": .integer(seed),
      "parameters": .integer(network.parameterCount), "epochs": .integer(run.history.count),
      "best_epoch": run.bestEpoch.map(JSONValue.integer) ?? .null,
    ]
    // What the last epoch's targets were mixed from is what the epoch before it said.
    let past = run.history.dropLast().last?.training.trueProbability
    members["past_true_probability"] = past.map(JSONValue.number) ?? .null
    var temperature: Double?
    var answers: OrderedDictionary<String, JSONValue> = [:]
    for (part, items) in [("validation", data.validation), ("test", data.test)] {
      guard let items else { continue }
      let logits = Training.logits(network, items)
      try AnswerFile.write(logits, labels: items.labels, to: folder.file("\(name).\(part).safetensors"))
      let table = try LogitTable(logits, labels: items.labels, source: "\(name).\(part)")
      if part == "validation" {
        do { temperature = try TemperatureScaling.fit(table) } catch {
          members["temperature_reason"] = .string(error.found)
        }
      }
      var scored: JSONValue = ["given": StudyScores.json(ClassScores(table.predictions()))]
      if let temperature {
        scored["scaled"] = StudyScores.json(ClassScores(table.predictions(temperature: temperature)))
      }
      answers[part] = scored
    }
    members["temperature"] = temperature.map(JSONValue.number) ?? .null
    members["answers"] = .object(answers)
    members["history"] = .array(run.history.map(\.json))
    return .object(members)
  }
}

/// The scores of one set of answers and the points of its curves, as cells keep them.
enum StudyScores {
  /// Shares of the items, most confident first, at which risk is kept.
  static let coverages = (1...20).map { Double($0) / 20 }

  static func json(_ scores: ClassScores) -> JSONValue {
    var values: OrderedDictionary<String, JSONValue> = [:]
    for name in ClassScores.Name.allCases {
      values[name.rawValue] = scores.value(name).map(JSONValue.number) ?? .null
    }
    let predictions = scores.predictions
    let risks = RiskCoverage(confidence: predictions.confidence, correct: predictions.isCorrect).risks
    return [
      "scores": .object(values),
      "bins": .array(
        scores.bins(.equalWidth).map {
          [
            "items": .number($0.count), "confidence": $0.confidence.map(JSONValue.number) ?? .null,
            "accuracy": $0.frequency.map(JSONValue.number) ?? .null,
          ]
        }),
      "risks": .numbers(
        coverages.map { risks[max(0, Int((Double(risks.count) * $0).rounded()) - 1)] }),
    ]
  }
}

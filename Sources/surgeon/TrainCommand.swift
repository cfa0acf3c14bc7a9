import ArgumentParser
import Distillation
import JSON
import OrderedCollections
import Recipes
import Reports
import Runtime
import Statistics
import Training

/// `surgeon train RECIPE.yaml -o RUN`.
struct TrainCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train one small network or language model from a recipe, in one run folder.",
    discussion: """
      RECIPE is YAML with the keys data, network, training, seed, keep_every; surgeon schema recipe.training prints
      its shape (recipe.language that of a decoder: keys data, network, training, steps, dtype), surgeon ls networks, data, optimisers, schedules and augmentations what there is. A second run of the
      same recipe resumes bit for bit; a finished one is verified.

      Example: surgeon train recipe.yaml -o runs/mlp
      """)
  static let kind = "train"

  @Argument(help: "Recipe in YAML.")
  var recipe: String

  @Option(name: .shortAndLong, help: "Run folder.")
  var output: String

  @Flag(help: "Time a few steps, say what the training would take, and write nothing.")
  var dryRun = false

  @Option(help: "Resamples of the bootstrap.")
  var resamples = 1000

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : output + "/report.json" }

  func validate() throws {
    if resamples < 1 { throw ValidationError("--resamples must be at least 1") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var reader = try RecipeFile.reader(recipe)
    if LanguageRecipe.isMeant(reader.members) { return try workOnLanguage(reader, &report, session) }
    var plan = try TrainingRecipe(&reader, folder: Files.folder(of: recipe))
    try reader.done()
    if common.seed != 0 { plan.seeds = [common.seed] }
    report.run.seed = plan.seeds[0]
    report.run.configuration = try plan.json()
    if dryRun {
      let estimate = try TrainingOperation.estimate(plan)
      report.results = estimate.json
      try session.show(report, heading: estimate.lines, tables: [])
      return
    }
    let operation = try TrainingOperation(plan, folder: output)
    for path in plan.data.storedFiles { try report.read(file: path, role: "data") }
    let start = Machine.seconds
    let outcome = try operation.run(progress: session.progress)
    let seconds = Machine.seconds - start
    if let files = outcome.verifiedFiles, !common.quiet {
      session.renderer.say("verified \(files) files of the finished run in \(output)")
    }
    var results = outcome.json
    results["data"] = operation.json
    results["seconds"] = .number(seconds)
    var scores: OrderedDictionary<String, JSONValue> = [:]
    for (name, part) in [("validation", operation.data.validation), ("test", operation.data.test)]
    where part != nil {
      let table = try LogitTable(reading: operation.folder.file(name + ".safetensors"))
      let answers = ClassScores(table.predictions())
      let bootstrap = Bootstrap(count: table.count, resamples: resamples, seed: plan.seeds[0])
      report.add(answers.metrics(bootstrap, prefix: name + "_"))
      scores[name] = answers.json
    }
    results["answers"] = .object(scores)
    report.results = results
    report.outputs.append(try Artefact(role: "run", at: output))
    try session.show(report, heading: outcome.lines(plan.training), tables: [Table(metrics: report.metrics)])
  }

  func publish(_ report: ReportEnvelope) throws {
    guard !dryRun else { return }
    try Files.write(HTMLReport.render(report: report.json), to: output + "/report.html")
    if !common.quiet { Terminal.complain("page: \(output)/report.html") }
  }
}

extension TrainingOperation {
  fileprivate var json: JSONValue {
    [
      "kind": .string(recipe.data.kind), "shape": .integers(data.train.shape),
      "classes": .integer(data.train.classes), "train": .integer(data.train.count),
      "validation": .integer(data.validation?.count ?? 0), "test": .integer(data.test?.count ?? 0),
    ]
  }
}

extension TrainingOperation.Outcome {
  private func weights(_ plan: TrainingPlan) -> String {
    if let bestEpoch { return "those after epoch \(bestEpoch + 1), of least validation loss" }
    return plan.averaging == nil ? "the last ones" : "the averaged ones"
  }

  fileprivate var json: JSONValue {
    [
      "parameters": .integer(parameters), "epochs": .integer(history.count),
      "resumed_epochs": .integer(resumedEpochs), "ended_early": .bool(endedEarly),
      "best_epoch": bestEpoch.map(JSONValue.integer) ?? .null, "history": .array(history.map(\.json)),
    ]
  }

  fileprivate func lines(_ plan: TrainingPlan) -> [String] {
    let last = history.last
    let loss = last.map { Format.significant($0.training.loss, 4) } ?? "–"
    let error = last.map { Format.percent($0.training.error) } ?? "–"
    return [
      "\(Format.count(parameters)) numbers, \(Format.count(history.count)) epochs"
        + (endedEarly ? " (ended early)" : "") + "; last: loss \(loss), \(error) wrong while training",
      "weights: \(weights(plan))",
    ]
  }
}

extension TrainingOperation.Estimate {
  fileprivate var json: JSONValue {
    [
      "parameters": .integer(parameters), "steps": .integer(steps),
      "seconds_per_step": .number(secondsPerStep), "estimated_seconds": .number(seconds),
      "state_bytes": .integer(stateBytes),
      "items": [
        "train": .integer(items.train), "validation": .integer(items.validation),
        "test": .integer(items.test),
      ],
    ]
  }

  fileprivate var lines: [String] {
    [
      "dry run: nothing was written",
      "\(Format.count(parameters)) numbers; \(Format.count(items.train)) items to learn from, "
        + "\(Format.count(items.validation)) that choose, \(Format.count(items.test)) that test",
      "\(Format.count(steps)) steps of \(Format.seconds(secondsPerStep)) each on this machine: "
        + "roughly \(Format.seconds(seconds)); a state takes \(Format.bytes(UInt64(stateBytes)))",
    ]
  }
}

import ArgumentParser
import Distillation
import JSON
import OrderedCollections
import Recipes
import Reports
import Runtime
import Statistics
import Tensors
import Training

/// `surgeon distill RECIPE.yaml|--demo`: the study.
struct DistillRunCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Train every arm with every seed in every setting, and compare them by seed.",
    discussion: """
      The word run may be left out. RECIPE is YAML with the keys data, network, training, seeds, keep_every, arms and
      settings; surgeon ls arms prints the arms. Trainings run beside one another, one a thread. A second run of the
      same recipe goes on training by training; a finished one is verified.

      Example: surgeon distill --demo -o runs/distill
      """)
  static let kind = "distill"

  @Argument(help: "Recipe in YAML.")
  var recipe: String?

  @Flag(help: "MNIST-1D and a dense network, over-confident and well calibrated.")
  var demo = false

  @Option(name: .shortAndLong, help: "Run folder.")
  var output: String

  @Flag(help: "Time a few steps of every arm, say what the study would take, and write nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : output + "/report.json" }

  func validate() throws {
    guard demo != (recipe != nil) else { throw ValidationError("give either a recipe or --demo") }
  }

  private func read() throws -> StudyRecipe {
    guard let recipe else { return try .demonstration() }
    var reader = try RecipeFile.reader(recipe)
    let study = try StudyRecipe(&reader, folder: Files.folder(of: recipe))
    try reader.done()
    return study
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let plan = try read()
    report.run.seed = plan.base.seeds[0]
    report.run.configuration = try plan.json()
    if dryRun {
      let estimate = try Study.estimate(plan, withPastCosts: true)
      report.results = estimate.json
      try session.show(
        report, heading: ["dry run: nothing was written"] + estimate.lines,
        tables: [estimate.table, .past(estimate.pastCosts)])
      return
    }
    let study = try Study(plan, folder: output)
    for path in plan.base.data.storedFiles { try report.read(file: path, role: "data") }
    var predicted: Double?
    if !study.folder.isFinished {
      let estimate = try Study.estimate(plan, within: 0.2)
      predicted = estimate.total
      let line =
        "\(estimate.cells) trainings, \(estimate.threads) at a time: roughly \(Format.seconds(estimate.total)) in all"
      if !common.quiet { session.renderer.say(line) }
    }
    let start = Machine.seconds
    let outcome = try study.run(progress: session.progress)
    let seconds = Machine.seconds - start
    if let files = outcome.verifiedFiles, !common.quiet {
      session.renderer.say("verified \(files) files of the finished run in \(output)")
    }
    let costs = try Study.pastCosts(plan, study.data)
    var results = outcome.json
    results["past_costs"] = .past(costs)
    results["estimated_seconds"] = predicted.map(JSONValue.number) ?? .null
    results["seconds"] = .number(seconds)
    report.results = results
    report.add(outcome.metrics)
    for (setting, arm, probability) in outcome.collapsed {
      report.warn(
        "TARGETS_COLLAPSED",
        "\(setting), \(arm): the kept answers gave the true class \(Format.percent(probability)) on average: targets are "
          + "as good as labels and the method is off; more augmentation or less training leaves it something to do"
      )
    }
    report.outputs.append(try Artefact(role: "run", at: output))
    try session.show(
      report,
      heading: ["\(Format.count(study.data.test?.count ?? 0)) test items, \(plan.base.seeds.count) seeds"],
      tables: outcome.tables + [.past(costs)],
      closing: outcome.sentences.map { "\($0.setting): \($0.text)" })
  }

  func publish(_ report: ReportEnvelope) throws {
    guard !dryRun else { return }
    try Files.write(HTMLReport.render(report: report.json), to: output + "/report.html")
    if !common.quiet { Terminal.complain("page: \(output)/report.html") }
  }
}

extension Study.Estimate {
  fileprivate var json: JSONValue {
    [
      "trainings": .integer(cells), "threads": .integer(threads), "parameters": .integer(parameters),
      "items": [
        "train": .integer(items.train), "validation": .integer(items.validation),
        "test": .integer(items.test),
      ],
      "estimated_seconds": .number(total),
      "by_arm": .array(
        seconds.map {
          ["setting": .string($0.setting), "arm": .string($0.arm), "seconds": .number($0.seconds)]
        }),
      "past_costs": .past(pastCosts),
    ]
  }

  fileprivate var lines: [String] {
    [
      "\(Format.count(parameters)) numbers; \(Format.count(items.train)) items to learn from, "
        + "\(Format.count(items.validation)) that choose, \(Format.count(items.test)) that test",
      "\(cells) trainings, \(threads) at a time: roughly \(Format.seconds(total)) on this machine",
    ]
  }

  fileprivate var table: Table {
    var table = Table([.init("setting"), .init("arm"), .init("one training", numeric: true)])
    for time in seconds {
      table.add([
        .text(time.setting), .text(time.arm),
        .init(Format.seconds(time.seconds), value: .number(time.seconds)),
      ])
    }
    return table
  }
}

extension JSONValue {
  /// What keeping past answers costs.
  fileprivate static func past(_ costs: [Study.PastCost]) -> JSONValue {
    .array(
      costs.map {
        [
          "past": .string($0.past.rawValue), "bytes": .integer($0.bytes),
          "epoch_seconds": .number($0.secondsPerEpoch),
        ]
      })
  }
}

extension Table {
  /// What keeping past answers costs.
  fileprivate static func past(_ costs: [Study.PastCost]) -> Table {
    var table = Table([
      .init("past answers"), .init("bytes", numeric: true), .init("an epoch", numeric: true),
    ])
    for cost in costs {
      table.add([
        .text(cost.past.rawValue), .init(Format.bytes(UInt64(cost.bytes)), value: .integer(cost.bytes)),
        .init(Format.seconds(cost.secondsPerEpoch), value: .number(cost.secondsPerEpoch)),
      ])
    }
    return table
  }
}

extension StudyOutcome {
  /// A table a setting: mean test scores over the seeds.
  fileprivate var tables: [Table] {
    let names: [(ClassScores.Name, String)] = [
      (.top1Error, "top-1 error"), (.top5Error, "top-5 error"), (.nll, "NLL"), (.ece10, "ECE"),
      (.ece15Mass, "ECE mass"), (.brier, "Brier"), (.aurc, "AURC"), (.excessAURC, "E-AURC"),
    ]
    return settings.map { setting, arms in
      var table = Table(
        [.init(setting)] + names.map { .init($0.1, numeric: true) } + [.init("T", numeric: true)])
      for arm in arms {
        let cells = names.map { name, _ -> Table.Cell in
          guard let mean = Self.estimate(arm.scores["test"]?[name])?.mean else { return .text("–") }
          let text = name.unit == "fraction" ? Format.percent(mean) : Format.significant(mean, 3)
          return .init(text, value: .number(mean))
        }
        let temperature = Self.estimate(arm.temperatures)?.mean
        table.add(
          [.text(arm.arm.name)] + cells + [
            .init(
              temperature.map { Format.fixed($0, 2) } ?? "–",
              value: temperature.map(JSONValue.number) ?? .null)
          ])
      }
      return table
    }
  }
}

import Architectures
import ArgumentParser
import JSON
import Probing
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon probe train MODEL … -o DIR`.
struct ProbeTrainCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract:
      "Trains probes at every site, chooses one on validation texts, tests it once, beside its controls.",
    discussion: """
      The site chosen is the earliest within one standard error of the best validation AUROC. Groups never lie in two
      splits. Hidden states are kept in DIR/cache: the same command resumes there. Examples with messages are written by
      the model's chat template; the pooling reply then takes the tokens of the last answer.

      Example: surgeon probe train models/llama -f labelled.jsonl --sites 'blocks.*.output' --pooling reply -o probe
      """)
  static let kind = "probe.train"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @OptionGroup var texts: LabelledTextOptions

  @OptionGroup var chats: ChatOptions

  @Option(help: "Sites; * for every block, negative numbers from the end.")
  var sites = "blocks.*.output"

  @Option(help: "One pooling: \(Pooling.allCases.map(\.rawValue).joined(separator: ", ")).")
  var pooling = "mean"

  @Option(help: "Kinds, in order of preference: \(ProbeKind.all.map(\.name).joined(separator: ", ")).")
  var kinds = "logistic,means"

  @Option(help: "What the behaviour is called.")
  var name = "behaviour"

  @Option(help: "Label permutations of the shuffled-labels control.")
  var permutations = 20

  @Option(help: "Tokens of a text at most; default: the context.")
  var maxTokens: Int?

  @Flag(help: "Keep the probe of every site and kind, in DIR/sites.")
  var keepAll = false

  @Option(name: .shortAndLong, help: "The probe's folder.")
  var output: String

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportWriter.path(inside: output) }

  func validate() throws {
    if try PoolingList.parse(pooling).count != 1 { throw ValidationError("--pooling takes one pooling here") }
    for kind in kinds.split(separator: ",") {
      do { _ = try ProbeKind.named(String(kind)) } catch { throw ValidationError("\(error)") }
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    if Files.exists("\(output)/probe.json") { throw FileError.exists(path: "\(output)/probe.json") }
    let labelled = try texts.read(into: &report)
    let opened = try OpenedModel(model, into: &report, session)
    let tokenizer = try opened.tokenizer(into: &report)
    var options = ProbeTraining.Options(
      sites: try Site.list(sites, blocks: opened.model.network.blocks),
      pooling: try PoolingList.parse(pooling)[0], cacheFolder: "\(output)/cache")
    options.name = name
    options.template = try chats.template(labelled, model, into: &report)
    options.maximumTokens = maxTokens
    options.sweep.seed = common.seed
    options.sweep.permutations = permutations
    options.sweep.kinds = kinds.split(separator: ",").map { (String($0), [:]) }
    let outcome = try ProbeTraining.run(
      opened.model, tokenizer: tokenizer, texts: labelled, options: options, progress: session.progress)
    try ProbeFile.write(outcome.probe, to: output)
    try report.wrote(file: "\(output)/probe.json", role: "probe")
    try report.wrote(file: "\(output)/probe.safetensors", role: "probe")
    if keepAll {
      for probe in outcome.all {
        try ProbeFile.write(probe, to: "\(output)/sites/\(probe.site)/\(probe.kind)")
      }
    }
    report.add(outcome.sweep.testMetrics)
    report.results = outcome.json(name: name, pooling: pooling)
    try session.show(
      report,
      heading: [
        "\(labelled.texts.count) texts (\(labelled.labels.count { $0 }) positive, \(labelled.groupCount) groups), "
          + outcome.split.method,
        outcome.sweep.reason,
      ],
      tables: [outcome.siteTable, outcome.testTable],
      closing: ["use with: surgeon locate \(model) --probe \(output) -o PLAN"])
  }
}

extension ProbeTraining.Outcome {
  fileprivate func json(name: String, pooling: String) -> JSONValue {
    let best = sweep.best
    return [
      "behaviour": .string(name), "pooling": .string(pooling),
      "chosen": ["kind": .string(best.kind), "site": .string(best.site), "why": .string(sweep.reason)],
      "split": [
        "method": .string(split.method), "train": .integer(split.train.count),
        "validation": .integer(split.validation.count), "test": .integer(split.test.count),
      ],
      "probes": .array(
        sweep.cells.map { cell in
          [
            "kind": .string(cell.kind), "site": .string(cell.site),
            "auroc": .optional(cell.metrics.value("auroc")),
            "interval": cell.metrics.first { $0.name == "auroc" }?.interval?.json ?? .null,
            "train_auroc": .optional(cell.trainAUROC), "split": "validation",
          ]
        }),
      "controls": .array(
        sweep.controls.map {
          [
            "name": .string($0.name), "summary": .string($0.summary),
            "metrics": .array($0.metrics.map(\.json)),
          ]
        }),
      "agreements": .array(
        sweep.agreements.map {
          [
            "site": .string($0.site), "first": .string($0.first), "second": .string($0.second),
            "cosine": .number($0.cosine),
          ]
        }),
    ]
  }

  fileprivate var siteTable: Table {
    var table = Table(
      [
        .init("Site"), .init("Kind"), .init("AUROC", numeric: true), .init("Interval"),
        .init("Train AUROC", numeric: true), .init(""),
      ], title: "Validation")
    for (index, cell) in sweep.cells.enumerated() {
      let area = cell.metrics.first { $0.name == "auroc" }
      table.add([
        .text(cell.site), .text(cell.kind), .fixed(area?.value, 3),
        .text(area?.interval.map { "\(Format.fixed($0.lower, 3)) … \(Format.fixed($0.upper, 3))" } ?? ""),
        .fixed(cell.trainAUROC, 3), .text(index == sweep.chosen ? "chosen" : ""),
      ])
    }
    return table
  }

  fileprivate var testTable: Table {
    var table = Table(
      [.init("Scores"), .init("AUROC", numeric: true), .init("Interval"), .init("What")], title: "Test")
    func add(_ name: String, _ metrics: [Metric], _ what: String) {
      let area = metrics.first { $0.name == "auroc" }
      table.add([
        .text(name), .fixed(area?.value, 3),
        .text(area?.interval.map { "\(Format.fixed($0.lower, 3)) … \(Format.fixed($0.upper, 3))" } ?? ""),
        .text(what),
      ])
    }
    add("probe", sweep.testMetrics, "\(sweep.best.kind) at \(sweep.best.site)")
    for control in sweep.controls { add(control.name, control.metrics, control.summary) }
    return table
  }
}

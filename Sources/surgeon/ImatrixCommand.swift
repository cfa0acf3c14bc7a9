import Architectures
import ArgumentParser
import Checkpoints
import Importance
import JSON
import OrderedCollections
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon imatrix MODEL --calibration TEXTS -o FILE.gguf`.
struct ImatrixCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "imatrix",
    abstract:
      "Writes llama.cpp's importance matrix: how strongly each input channel of every product is used.",
    discussion: """
      One pass over the calibration texts sums the squares of what every product reads. The GGUF file is what
      llama-quantize --imatrix takes, and what surgeon prune --imatrix takes in place of calibration texts.

      Example: surgeon imatrix models/llama --calibration texts.jsonl -o llama.imatrix.gguf
      """)
  static let kind = "imatrix"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @OptionGroup var texts: CalibrationOptions

  @Option(name: .shortAndLong, help: "The new file, such as X.imatrix.gguf.")
  var output: String

  @Flag(help: "Only say what would be read, written and held.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    if Files.exists(output) { throw FileError.exists(path: output) }
    let opened = try OpenedModel(model, into: &report, session)
    let (model, binding) = (opened.model, opened.model.binding)
    guard
      let calibration = try texts.draw(
        for: opened, wanted: true, score: "imatrix", seed: common.seed, into: &report)
    else { throw CalibrationError.missing(score: "imatrix") }
    let roles = try model.prunableMatrices().map(\.role)
    let floats = roles.reduce(0) { $0 + (binding.tensors[$1]?.shape.last ?? 0) }
    report.results = ["calibration": calibration.json(file: texts.calibration), "entries": []]
    if dryRun {
      let pass = DryRun(
        WorkEstimate(passing: calibration.tokens, in: calibration.texts.count, through: model),
        passing: calibration.tokens, through: model, writeBytes: 4 * floats, output: output)
      report.results["dry_run"] = pass.json
      return try session.show(report, heading: pass.lines, tables: [])
    }
    let statistics = try InputStatistics.collect(
      model, texts: calibration.texts, roles: roles, progress: session.progress)
    let file = try statistics.importanceMatrix(
      binding: binding, datasets: [texts.calibration.map { Files.name(of: $0) } ?? "texts"],
      chunks: (calibration.texts.count, calibration.length))
    try file.write(to: output)
    try report.wrote(file: output, role: "imatrix")
    let unreached = file.entries.reduce(0) { $0 + $1.value.counts.count { $0 == 0 } }
    if unreached > 0 {
      report.warn(
        "NO_CALIBRATION_TOKEN", "no calibration token reached \(unreached) matrices, such as an expert's")
    }
    report.results["entries"] = .array(
      file.entries.map { name, entry in
        [
          "name": .string(name), "channels": .integer(entry.width), "matrices": .integer(entry.counts.count),
          "tokens": .integer(Int(entry.counts.max() ?? 0)),
          "dead": .integer(entry.sums.count { $0 == 0 }),
        ]
      })
    report.add(
      Metric(
        name: "entries", value: Double(file.entries.count), unit: "count", n: calibration.tokens))
    try session.show(
      report,
      heading: [
        "\(output): \(Format.count(file.entries.count)) products over \(Format.count(calibration.tokens)) tokens"
      ], tables: [], closing: ["use with: llama-quantize --imatrix \(output) …"])
  }
}

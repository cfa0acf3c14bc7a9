import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Statistics

/// `surgeon edit verify MODEL [--patch P] [--base DIR]`.
struct EditVerifyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Whether an edited checkpoint is what its patch, its base and its own record say; exit 2 where not.",
    discussion: """
      With a patch every tensor it names must have its after-hash; with a base all differences are listed; with both
      nothing else may have moved. With neither the model hash must be the one that surgeon.edit.json records.

      Example: surgeon edit verify models/llama-calm --patch calm.patch.safetensors --base models/llama
      """)
  static let kind = "edit.verify"

  @Argument(help: "Edited checkpoint folder.")
  var model: String

  @Option(help: "The patch.")
  var patch: String?

  @Option(help: "The checkpoint it was made from.")
  var base: String?

  @Flag(help: "Only say what would be read.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    let patch = try self.patch.map { try Patch(file: $0) }
    let base = try self.base.map { try Checkpoint(folder: $0) }
    if let path = self.patch { try report.read(file: path, role: "patch") }
    if dryRun {
      let bytes = checkpoint.weightBytes + 2 * (base?.weightBytes ?? 0)
      let run = DryRun(
        readBytes: bytes, writeBytes: 0, holdBytes: 32 << 20, output: model, seconds: Double(bytes) / 1.5e9)
      report.results = ["passed": false, "checks": [], "dry_run": run.json]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let found = try checkpoint.verify(base: base, patch: patch, progress: session.progress)
    try report.read(checkpoint, progress: session.progress)
    if let base { try report.read(base, role: "base_model", progress: session.progress) }
    var checks = found.states.map { state in
      Check(state.tensor, state.state == .edited, "the tensor is \(state.state.rawValue)")
    }
    checks += found.problems.enumerated().map { Check("problem_\($0 + 1)", false, $1) }
    report.results = [
      "passed": .bool(found.agrees), "checks": .array(checks.map(\.json)),
      "model_hash": .string(found.modelHash),
      "tensors": .array(
        (found.difference?.changed ?? []).map {
          ["name": .string($0.tensor), "rows_changed": .integer($0.rows.count)]
        }),
    ]
    report.add(
      Metric(
        name: "problems", value: Double(found.problems.count), unit: "count", n: checkpoint.tensorNames.count,
        higherIsBetter: false))
    report.gates.append(try Gate(metric: "problems", requires: "<= 0").outcome(report.metrics))
    var lines =
      [found.agrees ? "\(model) agrees" : "\(model) does not agree:"] + found.problems.map { "  \($0)" }
    if let difference = found.difference {
      let rows = difference.changed.reduce(0) { $0 + $1.rows.count }
      lines.append(
        "\(difference.changed.count) tensors differ from the base in \(Format.count(rows)) rows, "
          + "\(difference.identical) are byte-identical")
    }
    try session.show(report, heading: lines + ["model hash \(found.modelHash)"], tables: [])
  }
}

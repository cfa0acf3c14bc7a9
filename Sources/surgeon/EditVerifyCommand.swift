import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Statistics
import Surgery
import Transformers

/// `surgeon edit verify MODEL [--patch P] [--base DIR]`.
struct EditVerifyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Whether an edited checkpoint is what its patch, its base and its own record say; exit 2 where not.",
    discussion: """
      With a patch every tensor it names must have its after-hash; with a base all differences are listed; with both
      nothing else may have moved, and ties, types, vocabulary, EOS ids and generation settings must be the base's. Canary
      texts run through both: they must be cut alike, and the logits must move as the patch predicts, bit for bit. With
      neither the model hash must be the one that surgeon.edit.json records.

      Example: surgeon edit verify models/llama-calm --patch calm.patch.safetensors --base models/llama
      """)
  static let kind = "edit.verify"

  @Argument(help: "Edited checkpoint folder.")
  var model: String

  @Option(help: "The patch.")
  var patch: String?

  @Option(help: "The checkpoint it was made from.")
  var base: String?

  @Option(help: "Canary texts to run through base and edited model, 0 to \(EditCheck.canaries.count).")
  var canaries = EditCheck.canaries.count

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
      var work = WorkEstimate()
      work.hashedBytes = Double(bytes)
      let run = DryRun(work, readBytes: bytes, writeBytes: 0, holdBytes: 32 << 20, output: model)
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
    var looked: [EditCheck] = []
    if let base {
      if let difference = found.difference { looked += EditCheck.bytes(difference, patch: patch) }
      looked += try EditCheck.settings(base: base, edited: checkpoint)
      looked += try EditCheck.canaries(
        base: base, edited: checkpoint, patch: patch,
        texts: Array(EditCheck.canaries.prefix(max(0, canaries))))
    }
    checks += looked.map { Check($0.id, $0.passed, $0.detail) }
    // What verify reports as a problem is not counted a second time.
    let covered: Set<String> = ["untouched_tensors", "dtypes", "side_files"]
    let failed = looked.filter { $0.passed == false && !(patch != nil && covered.contains($0.id)) }
    let problems = found.problems + failed.map { "\($0.id): \($0.detail)" }
    report.results = [
      "passed": .bool(problems.isEmpty), "checks": .array(checks.map(\.json)),
      "model_hash": .string(found.modelHash),
      "tensors": .array((found.difference?.changed ?? []).map(\.json)),
    ]
    report.add(
      Metric(
        name: "problems", value: Double(problems.count), unit: "count", n: checkpoint.tensorNames.count,
        higherIsBetter: false))
    report.gates.append(try Gate(metric: "problems", requires: "<= 0").outcome(report.metrics))
    var lines =
      [problems.isEmpty ? "\(model) agrees" : "\(model) does not agree:"] + problems.map { "  \($0)" }
    if let difference = found.difference {
      let rows = difference.changed.reduce(0) { $0 + $1.rows.count }
      lines.append(
        "\(difference.changed.count) tensors differ from the base in \(Format.count(rows)) rows, "
          + "\(difference.identical) are byte-identical")
    }
    try session.show(
      report, heading: lines + ["model hash \(found.modelHash)"],
      tables: [(found.difference?.changed ?? []).table, looked.table])
  }
}

extension [TensorDifference] {
  /// A line a tensor that moved: how much.
  fileprivate var table: Table {
    var table = Table([
      .init("Tensor"), .init("Rows changed", numeric: true), .init("Of", key: "rows", numeric: true),
      .init("Values changed", numeric: true), .init("Relative norm", numeric: true),
      .init("Cosine", numeric: true), .init("Largest", numeric: true),
    ])
    for tensor in self {
      table.add([
        .text(tensor.tensor), .count(tensor.rows.count), .count(tensor.rowCount),
        .count(tensor.valuesChanged),
        .percent(tensor.relativeNorm, 2), .fixed(tensor.cosine, 6), .number(tensor.largest, 3),
      ])
    }
    return table
  }
}

extension TensorDifference {
  fileprivate var json: JSONValue {
    [
      "name": .string(tensor), "rows_changed": .integer(rows.count), "rows": .integer(rowCount),
      "values_changed": .integer(valuesChanged), "relative_norm": .optional(relativeNorm),
      "cosine": .optional(cosine), "largest": .optional(largest),
    ]
  }
}

extension [EditCheck] {
  /// A line a check, for people.
  var table: Table {
    var table = Table([.init("Check"), .init("Holds"), .init("Detail")])
    for check in self { table.add([.text(check.id), .flag(check.passed), .text(check.detail)]) }
    return table
  }
}

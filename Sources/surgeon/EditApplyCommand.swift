import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Statistics
import Surgery

/// `surgeon edit apply MODEL --patch P -o OUT`.
struct EditApplyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Writes a copy of a checkpoint with a patch applied, and the undo file.",
    discussion: """
      Sharding, order, dtypes, metadata and side files stay byte for byte; only surgeon.edit.json is added. The patch
      fits by the hashes of the tensors it touches: twice, or on another base, it is refused. The copy is read back and
      compared before it gets its name. Then canary texts run through it: its logits must equal those of the patch at run time,
      bit for bit; without a tokenizer random tokens stand for texts.

      Example: surgeon edit apply models/llama --patch calm.patch.safetensors -o models/llama-calm
      """)
  static let kind = "edit.apply"

  @Argument(help: "Checkpoint folder; never written to.")
  var model: String

  @Option(help: "The patch.")
  var patch: String

  @Option(name: .shortAndLong, help: "The new checkpoint folder.")
  var output: String

  @Option(help: "Where the undo file goes, or none; default: OUTPUT.undo.safetensors.")
  var undo: String?

  @Option(help: "Canary texts to run through the written model, 0 to \(EditCheck.canaries.count).")
  var canaries = EditCheck.canaries.count

  @Flag(help: "Check everything, write nothing, and say what it would read, write and hold.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    let patch = try Patch(file: self.patch)
    try report.read(file: self.patch, role: "patch")
    let place: UndoPlace = undo.map { $0 == "none" ? .none : .file($0) } ?? .beside
    report.results = ["tensors": patch.tensorsJSON(), "checks": []]
    if dryRun {
      let (plan, effects) = try patch.plan(
        for: checkpoint, output: output, undo: place, progress: session.progress)
      report.results["tensors"] = patch.tensorsJSON(effects)
      report.results["rounding"] = effects.rounding(checkpoint)
      report.results["dry_run"] = DryRun(plan).json
      return try session.show(report, heading: DryRun(plan).lines, tables: [effects.table])
    }
    let applied = try patch.apply(to: checkpoint, output: output, undo: place, progress: session.progress)
    try report.read(checkpoint, role: "base_model", progress: session.progress)
    try report.wrote(checkpoint: applied.output, modelHash: applied.modelAfter)
    if let undo = applied.undo { try report.wrote(file: undo, role: "undo") }
    for note in applied.notes { report.warn("CHECKPOINT_NOTE", note) }
    let written = try Checkpoint(folder: applied.output)
    let looked =
      try EditCheck.settings(base: checkpoint, edited: written)
      + EditCheck.canaries(
        base: checkpoint, edited: written, patch: patch,
        texts: Array(EditCheck.canaries.prefix(max(0, canaries))))
    for check in looked where check.passed == false {
      report.warn("CHECK_FAILED", "\(check.id): \(check.detail)")
    }
    let checks = applied.checks + looked.map { Check($0.id, $0.passed, $0.detail) }
    report.results = [
      "tensors": patch.tensorsJSON(applied.effects), "checks": .array(checks.map(\.json)),
      "rounding": applied.effects.rounding(checkpoint), "undo": .optional(applied.undo),
      "patch_sha256": .string(applied.patchSHA256), "model_before": .string(applied.modelBefore),
      "model_after": .string(applied.modelAfter),
    ]
    report.add([
      Metric(
        name: "rows_changed", value: Double(applied.rowsChanged), unit: "count", n: patch.rowCount),
      Metric(
        name: "values_rounded_away", value: applied.roundedAway, unit: "fraction", n: applied.edited,
        higherIsBetter: false),
      Metric(
        name: "problems", value: Double(looked.count { $0.passed == false }), unit: "count", n: checks.count,
        higherIsBetter: false),
    ])
    report.gates.append(try Gate(metric: "problems", requires: "<= 0").outcome(report.metrics))
    try session.show(
      report,
      heading: [
        "\(output): \(Format.count(applied.rowsChanged)) of \(Format.count(patch.rowCount)) rows changed in "
          + "\(applied.effects.count) tensors, \(applied.outcome.untouchedTensors) tensors byte-identical"
      ], tables: [applied.effects.table, looked.table],
      closing: applied.undo.map { ["undo: surgeon edit revert \(output) --undo \($0) -o RESTORED"] } ?? [])
  }
}

extension ApplyReport {
  /// What was checked on the written copy before it got its name.
  fileprivate var checks: [Check] {
    [
      Check("touched_tensors", true, "\(effects.count) tensors have the hashes that the patch promises"),
      Check(
        "untouched_tensors", true, "\(outcome.untouchedTensors) tensors are byte-identical to the source"),
      Check("side_files", true, "\(outcome.files) files written, side files byte-identical to the source"),
      Check("something_changed", rowsChanged > 0, "\(rowsChanged) rows hold other numbers than before"),
    ]
  }
}

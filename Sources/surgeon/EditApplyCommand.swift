import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime
import Statistics

/// `surgeon edit apply MODEL --patch P -o OUT`.
struct EditApplyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Writes a copy of a checkpoint with a patch applied, and the undo file.",
    discussion: """
      Sharding, order, dtypes, metadata and side files stay byte for byte; only surgeon.edit.json is added. The patch
      fits by the hashes of the tensors it touches: twice, or on another base, it is refused. The copy is read back and
      compared before it gets its name; no tokenizer is needed.

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
    report.results = [
      "tensors": patch.tensorsJSON(applied.effects), "checks": .array(applied.checks.map(\.json)),
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
    ])
    try session.show(
      report,
      heading: [
        "\(output): \(Format.count(applied.rowsChanged)) of \(Format.count(patch.rowCount)) rows changed in "
          + "\(applied.effects.count) tensors, \(applied.outcome.untouchedTensors) tensors byte-identical"
      ], tables: [applied.effects.table],
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

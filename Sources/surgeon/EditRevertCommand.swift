import ArgumentParser
import Checkpoints
import JSON
import OrderedCollections
import Reports
import Runtime

/// `surgeon edit revert MODEL --undo U -o OUT`.
struct EditRevertCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "revert",
    abstract: "Writes a copy of an edited checkpoint with every byte of the edit taken back.",
    discussion: """
      Needs the undo file that edit apply wrote. Refused where a touched tensor moved since the edit.

      Example: surgeon edit revert models/llama-calm --undo models/llama-calm.undo.safetensors -o models/llama-again
      """)
  static let kind = "edit.revert"

  @Argument(help: "Edited checkpoint folder; never written to.")
  var model: String

  @Option(help: "The undo file.")
  var undo: String

  @Option(name: .shortAndLong, help: "The new checkpoint folder.")
  var output: String

  @Flag(help: "Check everything, write nothing, and say what it would read, write and hold.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    let undo = try Undo(file: self.undo)
    try report.read(file: self.undo, role: "undo")
    let tensors = JSONValue.array(
      undo.items.map { item in
        var json: JSONValue = [
          "name": .string(item.tensor), "sha256_before": .string(item.afterSHA256),
          "sha256_after": .string(item.beforeSHA256),
        ]
        if let rows = item.rows { json["rows"] = .integer(rows.count) }
        return json
      })
    report.results = ["tensors": tensors, "checks": []]
    if dryRun {
      let plan = try undo.plan(for: checkpoint, output: output, progress: session.progress)
      report.results["dry_run"] = DryRun(plan).json
      return try session.show(report, heading: DryRun(plan).lines, tables: [])
    }
    let reverted = try undo.revert(checkpoint, output: output, progress: session.progress)
    try report.read(checkpoint, progress: session.progress)
    try report.wrote(checkpoint: reverted.output, modelHash: reverted.modelAfter)
    let checks = [
      Check(
        "touched_tensors", true, "\(reverted.tensors.count) tensors have the hashes from before the edit"),
      Check("untouched_tensors", true, "\(reverted.outcome.untouchedTensors) tensors are byte-identical"),
      Check(
        "original_model", reverted.isOriginal ? true : nil,
        reverted.isOriginal
          ? "the model hash is the one from before the edit" : "another edit of other tensors is kept"),
    ]
    report.results["checks"] = .array(checks.map(\.json))
    report.results["model_before"] = .string(reverted.modelBefore)
    report.results["model_after"] = .string(reverted.modelAfter)
    try session.show(
      report,
      heading: [
        "\(output): \(reverted.tensors.count) tensors brought back"
          + (reverted.isOriginal ? ", the model is the original one" : "; another edit is kept")
      ], tables: [])
  }
}

import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime

/// `surgeon edit export MODEL --patch P --format peft -o DIR`.
struct EditExportCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a patch as a PEFT LoRA adapter for other programs.",
    discussion: """
      A row edit is exactly rank one per matrix and delta, an ablation exactly rank one per matrix (unless lines keep
      their length, which is refused, as are embeddings that are the output matrix too). Merging the adapter adds the same deltas to the same rows;
      the merging program's own rounding decides the last place.

      Example: surgeon edit export models/llama --patch calm.patch.safetensors --to peft -o calm-adapter
      """)
  static let kind = "edit.export"

  @Argument(help: "The patch's base: a checkpoint folder.")
  var model: String

  @Option(help: "The patch.")
  var patch: String

  @Option(help: "The format: peft.")
  var to = "peft"

  @Option(name: .shortAndLong, help: "The new adapter folder.")
  var output: String

  @Option(help: "Name of the base model in adapter_config.json; default: the folder as given.")
  var baseName: String?

  @Flag(help: "Check everything, write nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func validate() throws {
    if to != "peft" { throw ValidationError("--to \(to): the only format is peft") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    let patch = try Patch(file: self.patch)
    try report.read(file: self.patch, role: "patch")
    if Files.exists(output) { throw FileError.exists(path: output) }
    try patch.checkFits(checkpoint, progress: session.progress)
    try report.read(checkpoint, role: "base_model", hashing: false, progress: session.progress)
    report.results = ["format": .string(to), "tensors": patch.tensorsJSON()]
    if dryRun {
      let size = patch.touched.reduce(0) { sum, tensor in
        let ranks = tensor.isWhole ? 1 : Set(patch.edits(of: tensor.tensor).map(\.delta)).count
        return sum + 4 * ranks * tensor.shape.reduce(0, +)
      }
      let run = DryRun(readBytes: size, writeBytes: size, holdBytes: 2 * size, output: output, seconds: 0.1)
      report.results["dry_run"] = run.json
      return try session.show(report, heading: run.lines, tables: [])
    }
    try LoRAExport.write(patch, base: checkpoint, baseName: baseName, to: output)
    try report.wrote(file: output, role: "adapter")
    try session.show(
      report,
      heading: [
        "\(output): a LoRA adapter of \(patch.tensors.count) tensors",
        "use with: PeftModel.from_pretrained(model, \"\(output)\")",
      ], tables: [])
  }
}

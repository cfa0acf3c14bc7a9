import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime

/// `surgeon convert MODEL [--to sparse] -o OUT`.
struct ConvertCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Writes a folder's PyTorch state dicts (.bin, .pt) as safetensors, or a folder as a sparse file and back.",
    discussion: """
      The pickles are parsed, never run: only a dictionary of tensors is understood, everything else is refused by name.
      Types, names, sharding and every side file stay. The copy is read back and compared before it gets its name.

      --to sparse writes the weights as one model.sparse.safetensors in which zeros take no bytes: for pruned checkpoints, smaller
      on the disk only. Converting such a folder again gives the dense one back, byte for byte.

      Example: surgeon convert models/old -o models/old-safetensors
      Example: surgeon convert models/pruned --to sparse -o models/pruned-small
      """)
  static let kind = "convert"

  @Argument(help: "Checkpoint folder; never written to.")
  var model: String

  @Option(name: .shortAndLong, help: "The new checkpoint folder.")
  var output: String

  @Option(help: "The format: safetensors (also what a sparse file is expanded to), sparse.")
  var to = "safetensors"

  @Flag(help: "Only say what would be read and written.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func validate() throws {
    guard ["safetensors", "sparse"].contains(to) else {
      throw ValidationError("--to \(to): the formats are safetensors and sparse")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    if to == "sparse" { return try makeSparse(&report, session) }
    if SparseCheckpoint.isOne(model) { return try expand(&report, session) }
    let checkpoint = try Checkpoint(folder: model)
    try report.read(checkpoint, role: "source_model", hashing: false, progress: session.progress)
    if dryRun {
      let bytes = checkpoint.conversionBytes
      let run = DryRun(
        readBytes: 2 * bytes, writeBytes: bytes, holdBytes: 16 << 20, output: output,
        seconds: Double(bytes) / 3e8)
      report.results = ["files": [], "checks": [], "dry_run": run.json]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let converted = try checkpoint.convert(to: output, progress: session.progress)
    try report.wrote(checkpoint: converted.output, modelHash: converted.modelHash)
    let checks = [
      Check("tensors", true, "\(converted.tensors) tensors read back byte-identical"),
      Check("side_files", true, "all side files are byte-identical"),
    ]
    if !converted.shared.isEmpty {
      report.warn(
        "SHARED_TENSORS",
        "\(converted.shared.count) tensors shared memory with others and are written whole: "
          + converted.shared.prefix(6).joined(separator: ", "))
    }
    if !converted.dropped.isEmpty {
      report.warn(
        "KEYS_DROPPED",
        "keys without tensors are not written: \(converted.dropped.prefix(12).joined(separator: ", "))")
    }
    report.results = [
      "files": .array(converted.files.map { ["from": .string($0.from), "to": .string($0.to)] }),
      "tensors": .integer(converted.tensors), "shared": .strings(converted.shared),
      "dropped": .strings(converted.dropped), "model_hash": .string(converted.modelHash),
      "checks": .array(checks.map(\.json)),
    ]
    try session.show(
      report,
      heading: [
        "\(output): \(converted.tensors) tensors in \(converted.files.count) safetensors file"
          + (converted.files.count == 1 ? "" : "s")
      ], tables: [])
  }
}

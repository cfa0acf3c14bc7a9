import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime

/// `surgeon convert MODEL -o OUT`.
struct ConvertCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Writes a folder's PyTorch state dicts (.bin, .pt) as safetensors; every side file stays as it is.",
    discussion: """
      The pickles are parsed, never run: only a dictionary of tensors is understood, everything else is refused by name.
      Types, names and sharding stay. The copy is read back and compared before it gets its name.

      Example: surgeon convert models/old -o models/old-safetensors
      """)
  static let kind = "convert"

  @Argument(help: "Checkpoint folder; never written to.")
  var model: String

  @Option(name: .shortAndLong, help: "The new checkpoint folder.")
  var output: String

  @Flag(help: "Only say what would be read and written.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
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

import ArgumentParser
import Checkpoints
import JSON
import Reports
import Runtime

/// `surgeon edit compose MODEL P1 P2 … --scale … -o P`.
struct EditComposeCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "compose",
    abstract: "Puts patches together into one patch for their common base.",
    discussion: """
      Deltas that meet in a row are added before the weight is rounded once, so that the order of the patches hardly
      matters. A negative scale turns a patch round.

      Example: surgeon edit compose models/llama a.patch.safetensors b.patch.safetensors --scale 1 --scale 0.5 \\
      -o ab.patch.safetensors
      """)
  static let kind = "edit.compose"

  @Argument(help: "The common base: a checkpoint folder.")
  var model: String

  @Argument(help: "Patches, in order.")
  var patches: [String]

  @Option(
    parsing: .unconditionalSingleValue,
    help: "Factor of each patch's deltas, as often as there are patches; default 1.")
  var scale: [Double] = []

  @Option(name: .shortAndLong, help: "The new patch.")
  var output: String

  @Flag(help: "Build the patch, write nothing, and say what it would change.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func validate() throws {
    if !scale.isEmpty && scale.count != patches.count {
      throw ValidationError("\(scale.count) --scale for \(patches.count) patches: give one for each, or none")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let checkpoint = try Checkpoint(folder: model)
    if Files.exists(output) { throw FileError.exists(path: output) }
    var parts: [Patch.Part] = []
    for (index, path) in patches.enumerated() {
      parts.append(.init(try Patch(file: path), scale: scale.isEmpty ? 1 : scale[index]))
      try report.read(file: path, role: "patch")
    }
    let composed = try Patch.compose(parts, on: checkpoint, progress: session.progress)
    try report.read(checkpoint, role: "base_model", progress: session.progress)
    let effects = try composed.effects(on: checkpoint, progress: session.progress)
    report.results = ["patches": .integer(parts.count), "tensors": composed.tensorsJSON(effects)]
    var lines = [
      "\(parts.count) patches as one: \(composed.deltas.count) deltas, \(Format.count(composed.rowCount)) rows in "
        + "\(composed.tensors.count) tensors"
    ]
    if dryRun {
      let size = composed.deltas.reduce(0) { $0 + 4 * $1.count } + 8 * composed.rowCount + 4096
      let run = DryRun(
        readBytes: checkpoint.weightBytes, writeBytes: size, holdBytes: 2 * size + (32 << 20), output: output,
        seconds: Double(checkpoint.weightBytes) / 1.5e9)
      report.results["dry_run"] = run.json
      lines = run.lines + lines
    } else {
      try composed.write(to: output)
      try report.wrote(file: output, role: "patch")
      lines.append("use with: surgeon edit apply \(model) --patch \(output) -o OUT")
    }
    try session.show(report, heading: lines, tables: [effects.table])
  }
}

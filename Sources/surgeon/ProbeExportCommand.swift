import Architectures
import ArgumentParser
import Checkpoints
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime

/// `surgeon probe export --probe P … -o X.gguf`.
struct ProbeExportCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes probes of the residual stream as a llama.cpp control vector (GGUF).",
    discussion: """
      direction.N is a probe at blocks.N.output, N at least 1; give several probes for several blocks, or --layers to put
      one direction at more of them. Directions have length 1 times --strength.

      Example: surgeon probe export --probe probe --strength 4 -o calm.gguf
      """)
  static let kind = "probe.export"

  @Option(parsing: .upToNextOption, help: "Probe folders, each at another blocks.N.output.")
  var probe: [String]

  @Option(help: "Length of the exported directions; negative turns them round.")
  var strength = 1.0

  @Option(help: "The architecture's GGUF name, such as llama; default: the probe's family.")
  var modelHint: String?

  @Option(name: .shortAndLong, help: "The GGUF file.")
  var output: String

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var directions: [Int: [Float]] = [:]
    var blocks: Int?
    var family = modelHint
    for path in self.probe {
      let probe = try ProbeFile.read(path)
      try report.read(probe: path)
      guard case .blockOutput(let block) = try Site(parsing: probe.site) else {
        throw CheckpointError.cannotExport(
          tensor: probe.site, format: "a control vector",
          reason: "only sites blocks.N.output lie in llama.cpp's stream")
      }
      let length = probe.fit.norm
      directions[block] = probe.direction.map { Float(strength * Double($0) / length) }
      blocks = blocks ?? probe.provenance["blocks"]?.int
      family = family ?? probe.provenance["family"]?.string
    }
    try ControlVectorFile.write(
      directions, modelHint: family ?? "llama", layerCount: blocks.map { $0 - 1 }, to: output)
    try report.wrote(file: output, role: "control_vector")
    report.results = [
      "format": "gguf control vector",
      "directions": .array(
        directions.keys.sorted().map { ["block": .integer($0), "name": .string("direction.\($0)")] }),
    ]
    try session.show(
      report,
      heading: [
        "\(output): \(directions.count) directions of length \(Format.significant(abs(strength)))",
        "use with: llama-cli -m MODEL.gguf --control-vector \(output)",
      ], tables: [])
  }
}

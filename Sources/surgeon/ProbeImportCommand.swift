import Architectures
import ArgumentParser
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime

/// `surgeon probe import FILE -o PROBE`.
struct ProbeImportCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turns a probe of another program (.pt, .safetensors) into one of this program.",
    discussion: """
      Reads a two-row classifier (as published with Model Surgery: mlp.weight [2, D], mlp.bias), a one-row one, or a bare
      direction. A .pt file is parsed, never run. Such files do not record where they read: say it with --site.

      Example: surgeon probe import mistral.pt --site final_norm -o probe
      """)
  static let kind = "probe.import"

  @Argument(help: "The file.")
  var file: String

  @Option(name: .shortAndLong, help: "The probe's folder; made if need be.")
  var output: String

  @Option(help: "The site it reads. Default: final_norm, where the published probes read.")
  var site: String?

  @Option(help: "Pooling it was trained with. Default: mean+bos, as the published probes.")
  var pooling = "mean+bos"

  @Option(help: "What the behaviour is called. Default: the file's name.")
  var name: String?

  @Option(parsing: .upToNextOption, help: "Names of classes 0 and 1.")
  var classes: [String] = ["0", "1"]

  @Option(help: "The weights' tensor, where the file holds several that could be meant.")
  var tensor: String?

  @Option(
    help: "Direction of a two-row classifier: difference is (W1 - W0)/2, raw is W1 with its start's noise.")
  var row = "difference"

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output) }

  func validate() throws {
    if ProbeImport.Row(rawValue: row) == nil {
      throw ValidationError("--row \(row): known are difference, raw")
    }
    if classes.count != 2 { throw ValidationError("--classes needs two names") }
    if Pooling(rawValue: pooling) == nil {
      throw ValidationError(
        "--pooling \(pooling): known are \(Pooling.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let place = try Site(parsing: site ?? "final_norm")
    if Files.exists(output + "/probe.json") { throw FileError.exists(path: output + "/probe.json") }
    let found = try ProbeImport.read(file, tensor: tensor, row: ProbeImport.Row(rawValue: row) ?? .difference)
    try report.read(file: file, role: "foreign_probe")
    let probe = Probe(
      name: name ?? String(Files.name(of: file).split(separator: ".").first ?? "probe"), kind: found.kind,
      site: place.description, pooling: pooling, classNames: classes, fit: found.fit,
      provenance: [
        "imported": ["file": .string(Files.name(of: file)), "sha256": .string(try Files.sha256(file))]
      ])
    try ProbeFile.write(probe, to: output)
    try report.wrote(file: output, role: "probe")
    if site == nil {
      report.warn(
        "SITE_ASSUMED", "the file does not say where the probe reads: final_norm is assumed (see --site)")
    }
    let noise = found.fit.details["noise_share"]
    report.results = [
      "name": .string(probe.name), "site": .string(probe.site), "pooling": .string(pooling),
      "width": .integer(probe.width), "norm": .number(found.fit.norm), "bias": .number(found.fit.bias),
      "row": .string(row), "noise_share": noise ?? .null, "tensors": .strings(found.tensors),
    ]
    var lines = [
      "\(output): \(found.kind) probe of width \(Format.count(probe.width)) at \(probe.site), direction of length "
        + Format.significant(found.fit.norm, 5)
    ]
    if let noise = noise?.double {
      lines.append("\(Format.percent(noise)) of the raw row's length is noise of its random start")
    }
    try session.show(report, heading: lines, tables: [])
  }
}

import ArgumentParser
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime

/// `surgeon probe ls DIR …`.
struct ProbeListCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "Lists the probes in folders and below.",
    discussion: "Example: surgeon probe ls runs")
  static let kind = "probe.ls"

  @Argument(help: "Folders; default: the current one.")
  var folders: [String] = ["."]

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var table = Table([
      .init("Folder"), .init("Name"), .init("Kind"), .init("Site"), .init("Pooling"),
      .init("Width", numeric: true),
      .init("Test AUROC", key: "test_auroc", numeric: true),
    ])
    for path in try folders.flatMap({ try ProbeFile.find(in: $0) }) {
      let probe = try ProbeFile.read(path)
      table.add([
        .text(path), .text(probe.name), .text(probe.kind), .text(probe.site), .text(probe.pooling),
        .count(probe.width), .fixed(probe.metrics["test"]?.value("auroc"), 3),
      ])
    }
    report.results = ["probes": table.json]
    try session.show(
      report, heading: table.rows.isEmpty ? ["no probe in \(folders.joined(separator: ", "))"] : [],
      tables: [table])
  }
}

import ArgumentParser
import JSON
import Reports
import Runtime

/// `surgeon report render FILE -o X.html`.
struct ReportRenderCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Turns a JSON report into one HTML page that needs nothing else.",
    discussion: """
      The report is checked against its schema first. Figures and data are inside the page; no request leaves it.

      Example: surgeon report render RUN/report.json -o report.html
      """)
  static let kind = "report.render"

  @Argument(help: "A report in JSON.")
  var file: String

  @Option(name: .shortAndLong, help: "The page; an older one is replaced.")
  var output: String

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    try report.read(file: file, role: "report")
    let value = try JSONValue(file: file)
    try SchemaRegistry.validate(value, source: file)
    let page = try HTMLReport.render(report: value)
    try Files.makeFolder(Files.folder(of: output))
    try Files.write(page, to: output)
    try report.wrote(file: output, role: "page")
    report.results = ["rendered": .optional(value["kind"]?.string), "bytes": .integer(page.utf8.count)]
    try session.show(report, heading: ["\(output): \(Format.bytes(UInt64(page.utf8.count)))"], tables: [])
  }
}

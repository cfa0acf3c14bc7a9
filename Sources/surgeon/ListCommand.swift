import Architectures
import ArgumentParser
import JSON
import Reports
import Runtime

/// `surgeon ls KIND`.
struct ListCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "What there is: \(Listing.all.map(\.name).joined(separator: ", ")).",
    discussion: "Example: surgeon ls families")
  static let kind = "ls"

  @Argument(help: "The kind of thing; without one, the kinds themselves.")
  var what: String?

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    var listing = Listing.kinds
    if let what {
      // Families were called architectures once.
      let name = what == "architectures" ? "families" : what
      guard let found = Listing.all.first(where: { $0.name == name }) else {
        throw ProgramError.unknownName(what: "kind", name: what, known: Listing.all.map(\.name))
      }
      listing = found
    }
    let items = listing.items()
    report.results = [
      "what": .string(listing.name),
      "items": .array(
        items.map {
          var item: JSONValue = ["name": .string($0.name), "summary": .string($0.summary)]
          if let reference = $0.reference { item["reference"] = .string(reference) }
          return item
        }),
    ]
    let references = items.contains { $0.reference != nil }
    var table = Table([.init("Name"), .init("Summary")] + (references ? [.init("Reference")] : []))
    for item in items {
      table.add([.text(item.name), .text(item.summary)] + (references ? [.text(item.reference)] : []))
    }
    try session.show(report, tables: [table])
  }
}

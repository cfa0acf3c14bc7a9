import ArgumentParser
import JSON
import Reports

/// `surgeon schema KIND`.
struct SchemaCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON Schema of a kind of report, or of the recipe.",
    discussion: """
      Kinds are listed by surgeon ls schemas; "report" is the envelope that all reports share.

      Example: surgeon schema edit.apply > edit.apply.schema.json
      """)
  static let kind = "schema"

  @Argument(help: "The kind, such as operate, edit.apply, recipe or report.")
  var kind: String

  @Option(help: "Check a JSON file against the schema instead of printing it.")
  var check: String?

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let schema = try SchemaRegistry.schema(kind).root
    report.results = ["kind": .string(kind), "schema": schema]
    guard let check else { return session.show(try schema.text(.pretty)) }
    try report.read(file: check, role: "checked")
    try SchemaRegistry.validate(JSONValue(file: check), as: kind, source: check)
    session.show("\(check) is a valid \(kind)")
  }
}

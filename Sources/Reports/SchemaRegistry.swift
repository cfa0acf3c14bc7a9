import JSON
import OrderedCollections
import Runtime
import Synchronization

/// The JSON Schemas of every kind of report, and of the recipe.
///
/// A report's schema is the common envelope around the kind's `results`; the results of a run that is not `ok` may be
/// incomplete and are not checked.
public enum SchemaRegistry {
  /// One kind with its schema's text.
  struct Entry: Sendable {
    var kind: String
    /// What the kind is, in a line.
    var summary: String
    /// The schema of `results` (of the whole value for a kind that is no report), `$defs` included.
    var text: String
    /// Whether the value stands in an envelope.
    var isReport = true
  }

  static let entries: [Entry] =
    [OperateSchema.entry] + ModelSchemas.entries + EvaluationSchemas.entries + ProbeSchemas.entries
    + EditSchemas.entries + TrustSchemas.entries + PruneSchemas.entries
    + ImportanceSchemas.entries
    + TrainingSchemas.entries + StudySchemas.entries + RegimeSchemas.entries
    + ProgramSchemas.entries + BenchSchemas.entries + [RecipeSchema.entry] + TrainingRecipeSchema.entries

  /// The names of all kinds, those of reports first.
  public static var kinds: [String] { entries.map(\.kind) }

  /// What a kind is, in a line.
  public static func summary(_ kind: String) -> String? { entries.first { $0.kind == kind }?.summary }

  /// The `$id` of a kind's schema; also what a report says in `schema`.
  public static func identifier(_ kind: String) -> String { "urn:surgeon:schema:\(kind)" }

  private static let read = Mutex<[String: JSONSchema]>([:])

  /// The schema of a kind, or of any report for `report`.
  /// - Throws: ``ReportError/unknownName(what:name:known:)``.
  public static func schema(_ kind: String) throws -> JSONSchema {
    if let known = read.withLock({ $0[kind] }) { return known }
    let schema = try JSONSchema(try compose(kind))
    read.withLock { $0[kind] = schema }
    return schema
  }

  /// Checks a report against the schema of its kind; one of a kind that is not known, against the envelope alone.
  /// - Throws: ``ReportError/invalid(source:kind:violations:)``.
  public static func validate(_ report: JSONValue, source: String = "the report") throws {
    let kind = report["kind"]?.string ?? "report"
    let isKnown = entries.contains { $0.kind == kind && $0.isReport }
    try validate(report, as: isKnown ? kind : "report", source: source)
  }

  /// Checks a value against the schema of a kind.
  /// - Throws: ``ReportError/invalid(source:kind:violations:)``.
  public static func validate(_ value: JSONValue, as kind: String, source: String) throws {
    let violations = try schema(kind).violations(of: value)
    if !violations.isEmpty { throw ReportError.invalid(source: source, kind: kind, violations: violations) }
  }

  private static func compose(_ kind: String) throws -> JSONValue {
    let entry = entries.first { $0.kind == kind }
    guard entry != nil || kind == "report" else {
      throw ReportError.unknownName(what: "kind", name: kind, known: kinds + ["report"])
    }
    var own = try JSONValue(parsing: entry?.text ?? #"{"type": "object"}"#, source: "the schema of \(kind)")
    var schema: JSONValue = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "$id": .string(identifier(kind)),
      "title": .string(kind),
      "description": .string(entry?.summary ?? "Any report of this program"),
    ]
    guard entry?.isReport ?? true else {
      for (word, rule) in own.object ?? [:] { schema[word] = rule }
      return schema
    }
    let envelope = try JSONValue(parsing: EnvelopeSchema.text, source: "the schema of the envelope")
    var definitions = try JSONValue(parsing: EnvelopeSchema.definitions, source: "the envelope's definitions")
    for (name, definition) in own["$defs"]?.object ?? [:] { definitions[name] = definition }
    own["$defs"] = nil
    definitions["results"] = own
    for (word, rule) in envelope.object ?? [:] { schema[word] = rule }
    if entry != nil { schema["properties"]?["kind"] = ["const": .string(kind)] }
    schema["$defs"] = definitions
    return schema
  }
}

import Runtime

/// What can be wrong with a report, a schema, a gate or a way to show them.
public enum ReportError: SurgeonError {
  /// A `--fail-if` or recipe gate that cannot be read.
  case gateSyntax(text: String, reason: String)
  /// A gate names a metric that the report does not have.
  case unknownMetric(name: String, known: [String])
  /// A name of a report kind, mode or format that does not exist.
  case unknownName(what: String, name: String, known: [String])
  /// A schema uses a word that this validator does not know, or is malformed.
  case schema(path: String, reason: String)
  /// A report or recipe does not have the shape its schema asks for.
  case invalid(source: String, kind: String, violations: [SchemaViolation])

  public var code: String {
    switch self {
    case .gateSyntax: "GATE_SYNTAX"
    case .unknownMetric: "GATE_UNKNOWN_METRIC"
    case .unknownName: "UNKNOWN_NAME"
    case .schema: "SCHEMA_UNSUPPORTED"
    case .invalid: "SCHEMA_VIOLATION"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .gateSyntax, .unknownMetric, .unknownName: .usage
    case .schema: .internalError
    case .invalid: .badData
    }
  }
  public var found: String {
    switch self {
    case .gateSyntax(let text, let reason): "the gate \"\(text)\": \(reason)"
    case .unknownMetric(let name, _): "a gate on \(name), which this report does not measure"
    case .unknownName(let what, let name, _): "the \(what) \"\(name)\""
    case .schema(let path, let reason):
      "a schema that cannot be used, at \(path.isEmpty ? "its root" : path): \(reason)"
    case .invalid(let source, _, let violations):
      "\(source): "
        + violations.prefix(5).map(\.description).joined(separator: "; ")
        + (violations.count > 5 ? "; and \(violations.count - 5) more" : "")
    }
  }
  public var expected: String {
    switch self {
    case .gateSyntax: "metric, one of < <= > >= == !=, and a number with or without %: 'kl_mean>0.05'"
    case .unknownMetric(_, let known):
      known.isEmpty ? "a metric of the report, and it has none" : "one of \(known.joined(separator: ", "))"
    case .unknownName(_, _, let known): "one of \(known.joined(separator: ", "))"
    case .schema: "the part of JSON Schema 2020-12 that the module's README lists"
    case .invalid(_, let kind, _): "the shape of \(kind)"
    }
  }
  public var suggestion: String {
    switch self {
    case .gateSyntax: "quote the gate, or the shell reads < and > as redirections"
    case .unknownMetric(let name, let known): Suggestion.hint(for: name, in: known)
    case .unknownName(_, let name, let known):
      Suggestion.closest(to: name, in: known).map { "did you mean \($0)?" } ?? "choose one of those"
    case .schema: "this is a defect of the program: please report it"
    case .invalid(_, let kind, _): "see the whole shape with: surgeon schema \(kind)"
    }
  }
}

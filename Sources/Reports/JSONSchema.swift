import JSON
import OrderedCollections
import Runtime

/// One place where a value does not have the shape its schema asks for.
public struct SchemaViolation: Sendable, Equatable, CustomStringConvertible {
  /// Where in the value, as a JSON pointer; empty for the whole.
  public var path: String
  /// Where in the schema, as a JSON pointer.
  public var schemaPath: String
  /// What is wrong there.
  public var message: String

  public var description: String { "\(path.isEmpty ? "the whole" : path): \(message)" }
}

/// A schema out of the part of JSON Schema 2020-12 that this program's own schemas use.
///
/// Known words: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`, `minItems`,
/// `maxItems`, `minLength`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `allOf`, `anyOf`, `oneOf`,
/// `if`/`then`/`else`, `$ref` to `#` or `#/$defs/…`, `$defs`, and those that only describe. Any other word is an error when
/// the schema is read, so that nothing is left unchecked in silence.
public struct JSONSchema: Sendable {
  /// The schema as JSON.
  public let root: JSONValue

  private static let describing: Set<String> = [
    "$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated",
  ]
  private static let types: Set<String> = [
    "null", "boolean", "integer", "number", "string", "array", "object",
  ]

  /// Reads a schema and checks that every word in it is known and every reference leads somewhere.
  /// - Throws: ``ReportError/schema(path:reason:)``.
  public init(_ root: JSONValue) throws {
    self.root = root
    try check(root, at: "")
    for name in root["$defs"]?.object?.keys ?? [] { try checkEnds("#/$defs/\(name)", seen: []) }
  }

  /// Everything that is wrong with a value, in the order of the schema; empty when it fits.
  public func violations(of value: JSONValue) -> [SchemaViolation] {
    var found: [SchemaViolation] = []
    validate(value, root, at: "", schemaPath: "", &found)
    return found
  }

  // MARK: Reading

  private func check(_ schema: JSONValue, at path: String) throws {
    if schema.bool != nil { return }
    guard let members = schema.object else { throw fault(path, "neither an object nor a truth value") }
    for (word, value) in members {
      let here = "\(path)/\(word)"
      switch word {
      case _ where Self.describing.contains(word): break
      case "type":
        let names = value.array?.map(\.string) ?? [value.string]
        guard !names.isEmpty, names.allSatisfy({ $0.map(Self.types.contains) ?? false }) else {
          throw fault(here, "no type of JSON")
        }
      case "enum": guard value.array != nil else { throw fault(here, "no list") }
      case "const": break
      case "required":
        guard let names = value.array, names.allSatisfy({ $0.string != nil }) else {
          throw fault(here, "no list of names")
        }
      case "properties", "$defs":
        guard let schemas = value.object else { throw fault(here, "no object") }
        guard word == "properties" || path.isEmpty else { throw fault(here, "$defs below the root") }
        for (name, schema) in schemas { try check(schema, at: "\(here)/\(escaped(name))") }
      case "additionalProperties", "items", "if", "then", "else": try check(value, at: here)
      case "allOf", "anyOf", "oneOf":
        guard let schemas = value.array, !schemas.isEmpty else { throw fault(here, "no list of schemas") }
        for (index, schema) in schemas.enumerated() { try check(schema, at: "\(here)/\(index)") }
      case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
        guard value.double != nil else { throw fault(here, "no number") }
      case "minItems", "maxItems", "minLength":
        guard let count = value.int, count >= 0 else { throw fault(here, "no count") }
      case "$ref":
        guard let reference = value.string, resolve(reference) != nil else {
          throw fault(here, "a reference that leads nowhere")
        }
      default: throw fault(here, "the word \(word) is not supported")
      }
    }
  }

  /// Refuses definitions that come back to themselves without going into the value: checking would never end.
  private func checkEnds(_ reference: String, seen: [String]) throws {
    guard !seen.contains(reference) else {
      throw fault(String(reference.dropFirst()), "a reference to itself")
    }
    guard let schema = resolve(reference) else { return }
    for next in inPlace(schema) { try checkEnds(next, seen: seen + [reference]) }
  }

  private func inPlace(_ schema: JSONValue) -> [String] {
    var found = schema["$ref"]?.string.map { [$0] } ?? []
    for word in ["if", "then", "else"] { if let inner = schema[word] { found += inPlace(inner) } }
    for word in ["allOf", "anyOf", "oneOf"] {
      for inner in schema[word]?.array ?? [] { found += inPlace(inner) }
    }
    return found
  }

  private func resolve(_ reference: String) -> JSONValue? {
    if reference == "#" { return root }
    let prefix = "#/$defs/"
    guard reference.hasPrefix(prefix) else { return nil }
    return root["$defs"]?[String(reference.dropFirst(prefix.count))]
  }

  private func fault(_ path: String, _ reason: String) -> ReportError { .schema(path: path, reason: reason) }

  // MARK: Checking

  private func validate(
    _ value: JSONValue, _ schema: JSONValue, at path: String, schemaPath: String,
    _ found: inout [SchemaViolation]
  ) {
    if let allowed = schema.bool {
      if !allowed {
        found.append(.init(path: path, schemaPath: schemaPath, message: "nothing may stand here"))
      }
      return
    }
    for (word, rule) in schema.object ?? [:] {
      let here = "\(schemaPath)/\(word)"
      func wrong(_ message: String) {
        found.append(SchemaViolation(path: path, schemaPath: here, message: message))
      }
      switch word {
      case "type":
        let names = rule.array?.compactMap(\.string) ?? [rule.string ?? ""]
        if !names.contains(where: { value.hasType($0) }) {
          wrong("expected \(names.joined(separator: " or ")), found \(value.brief)")
        }
      case "enum":
        let allowed = rule.array ?? []
        if !allowed.contains(where: { $0.means(value) }) {
          wrong("expected one of \(allowed.map(\.brief).joined(separator: ", ")), found \(value.brief)")
        }
      case "const":
        if !rule.means(value) { wrong("expected \(rule.brief), found \(value.brief)") }
      case "required":
        guard let members = value.object else { continue }
        for name in rule.array?.compactMap(\.string) ?? [] where members[name] == nil {
          wrong("\(name) is missing")
        }
      case "properties":
        guard let members = value.object else { continue }
        for (name, schema) in rule.object ?? [:] {
          guard let member = members[name] else { continue }
          let place = escaped(name)
          validate(member, schema, at: "\(path)/\(place)", schemaPath: "\(here)/\(place)", &found)
        }
      case "additionalProperties":
        guard let members = value.object else { continue }
        let known = schema["properties"]?.object ?? [:]
        for (name, member) in members where known[name] == nil {
          if rule == false {
            let hint = Suggestion.closest(to: name, in: known.keys).map { ", did you mean \($0)?" } ?? ""
            wrong("\(name) is not known\(hint)")
          } else {
            validate(member, rule, at: "\(path)/\(escaped(name))", schemaPath: here, &found)
          }
        }
      case "items":
        for (index, element) in (value.array ?? []).enumerated() {
          validate(element, rule, at: "\(path)/\(index)", schemaPath: here, &found)
        }
      case "minItems":
        if let list = value.array, let least = rule.int, list.count < least {
          wrong("expected at least \(least) elements, found \(list.count)")
        }
      case "maxItems":
        if let list = value.array, let most = rule.int, list.count > most {
          wrong("expected at most \(most) elements, found \(list.count)")
        }
      case "minLength":
        if let text = value.string, let least = rule.int, text.unicodeScalars.count < least {
          wrong("expected at least \(least) letters, found \(value.brief)")
        }
      case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
        guard let number = value.double, let bound = rule.double else { continue }
        if !fits(number, word, bound) { wrong("\(word) is \(rule.brief), found \(value.brief)") }
      case "allOf":
        for (index, schema) in (rule.array ?? []).enumerated() {
          validate(value, schema, at: path, schemaPath: "\(here)/\(index)", &found)
        }
      case "anyOf", "oneOf":
        let tries = (rule.array ?? []).enumerated().map { index, schema in
          attempt(value, schema, at: path, schemaPath: "\(here)/\(index)")
        }
        let fitting = tries.count { $0.isEmpty }
        if fitting == 0 {
          wrong("fits none of \(tries.count) shapes; nearest: \(nearest(tries))")
        } else if word == "oneOf" && fitting > 1 {
          wrong("fits \(fitting) shapes where exactly one is meant")
        }
      case "if":
        let branch = attempt(value, rule, at: path, schemaPath: here).isEmpty ? "then" : "else"
        if let schema = schema[branch] {
          validate(value, schema, at: path, schemaPath: "\(schemaPath)/\(branch)", &found)
        }
      case "$ref":
        if let reference = rule.string, let schema = resolve(reference) {
          validate(value, schema, at: path, schemaPath: String(reference.dropFirst()), &found)
        }
      default: break
      }
    }
  }

  private func attempt(
    _ value: JSONValue, _ schema: JSONValue, at path: String, schemaPath: String
  ) -> [SchemaViolation] {
    var found: [SchemaViolation] = []
    validate(value, schema, at: path, schemaPath: schemaPath, &found)
    return found
  }

  /// The alternative whose first fault lies deepest: it went along with the value for longest.
  private func nearest(_ tries: [[SchemaViolation]]) -> String {
    func depth(_ found: [SchemaViolation]) -> Int { found.map { $0.path.count { $0 == "/" } }.max() ?? 0 }
    let best = tries.max { (depth($0), -$0.count) < (depth($1), -$1.count) } ?? []
    // Of alternatives within alternatives only the innermost fault is worth reading.
    return best.prefix(2).map { violation in
      violation.description.split(separator: "; nearest: ").last.map(String.init) ?? ""
    }.joined(separator: "; ")
  }

  private func fits(_ number: Double, _ word: String, _ bound: Double) -> Bool {
    switch word {
    case "minimum": number >= bound
    case "maximum": number <= bound
    case "exclusiveMinimum": number > bound
    default: number < bound
    }
  }

  private func escaped(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1 == "~" ? "~0" : $1 == "/" ? "~1" : String($1) }
  }
}

extension JSONValue {
  /// Whether the value is of a type as JSON Schema means it: 1.0 is an integer.
  func hasType(_ name: String) -> Bool {
    switch (self, name) {
    case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"), (.object, "object"):
      true
    case (.int, "integer"), (.int, "number"), (.number, "number"): true
    case (.number(let value), "integer"): value.isFinite && value == value.rounded()
    default: false
    }
  }

  /// Equality as JSON Schema means it: numbers by what they are, objects whatever their order.
  func means(_ other: JSONValue) -> Bool {
    switch (self, other) {
    case (.int, .number), (.number, .int), (.number, .number): return double == other.double
    case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy { $0.means($1) }
    case (.object(let a), .object(let b)):
      return a.count == b.count && a.allSatisfy { key, value in b[key].map { value.means($0) } ?? false }
    default: return self == other
    }
  }

  /// A few words that say what the value is, for messages.
  var brief: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return String(value)
    case .number(let value): return Format.significant(value, 6)
    case .string(let value): return "\"\(TerminalText.cut(value, to: 40))\""
    case .array(let values): return "a list of \(values.count)"
    case .object(let members): return "an object with \(members.keys.prefix(4).joined(separator: ", "))"
    }
  }
}

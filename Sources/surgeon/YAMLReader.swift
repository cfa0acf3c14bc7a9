import JSON
import OrderedCollections
import Runtime
import Yams

/// A recipe or flag file that is no YAML.
enum YAMLError: SurgeonError {
  /// The text cannot be parsed.
  case syntax(source: String, reason: String)
  /// A mapping names a key twice.
  case duplicate(source: String, key: String)

  var code: String { "YAML_SYNTAX" }
  var exitCode: Runtime.ExitCode { .usage }
  var found: String {
    switch self {
    case .syntax(let source, let reason): "\(source): \(reason)"
    case .duplicate(let source, let key): "\(source): the key \"\(key)\" twice in one mapping"
    }
  }
  var expected: String { "YAML with text keys, each once" }
  var suggestion: String { "surgeon schema recipe prints what a recipe holds" }
}

/// YAML as the package's own value type, keys in the order of the file.
enum YAMLReader {
  /// - Throws: ``YAMLError``.
  static func value(_ text: String, source: String) throws -> JSONValue {
    do {
      guard let node = try Yams.compose(yaml: text) else { return .null }
      return try value(node, source: source)
    } catch let error as YAMLError {
      throw error
    } catch {
      throw YAMLError.syntax(source: source, reason: "\(error)")
    }
  }

  private static func value(_ node: Node, source: String) throws -> JSONValue {
    switch node {
    case .scalar(let scalar):
      if scalar.style == .plain || scalar.style == .any {
        if node.null != nil { return .null }
        if let truth = node.bool { return .bool(truth) }
        if let number = node.int { return .int(Int64(number)) }
        if let number = node.float, number.isFinite { return .number(number) }
      }
      return .string(scalar.string)
    case .sequence(let list): return .array(try list.map { try value($0, source: source) })
    case .mapping(let mapping):
      var members: OrderedDictionary<String, JSONValue> = [:]
      for (key, item) in mapping {
        let name = key.scalar?.string ?? ""
        guard members[name] == nil else { throw YAMLError.duplicate(source: source, key: name) }
        members[name] = try value(item, source: source)
      }
      return .object(members)
    default: throw YAMLError.syntax(source: source, reason: "aliases are not used here")
    }
  }
}

import ArgumentParser
import JSON
import OrderedCollections

/// The settings of a parsed command, from the command line, the config file and the defaults, as reports carry them.
enum ResolvedOptions {
  /// Every argument, option and flag of a command under its long name.
  static func json(_ command: some ParsableArguments) -> JSONValue {
    var result = JSONValue.object([:])
    add(command, to: &result)
    return result
  }

  private static func add(_ value: Any, to result: inout JSONValue) {
    for child in Mirror(reflecting: value).children {
      guard let label = child.label, let wrapper = child.value as? any ParsedWrapper else { continue }
      let parsed = wrapper.parsed
      if parsed is any ParsableArguments {
        add(parsed, to: &result)
      } else {
        result[kebab(label)] = json(parsed)
      }
    }
  }

  private static func json(_ value: Any) -> JSONValue {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional { return mirror.children.first.map { json($0.value) } ?? .null }
    switch value {
    case let value as Bool: return .bool(value)
    case let value as any BinaryInteger: return .integer(Int64(clamping: value))
    case let value as Double: return .number(value)
    case let value as String: return .string(value)
    case let values as [Any]: return .array(values.map(json))
    default: return .string(String(describing: value))
    }
  }

  /// `_batchSize` is the flag `batch-size`.
  private static func kebab(_ label: String) -> String {
    var name = ""
    for letter in label where letter != "_" {
      name += letter.isUppercase ? "-" + letter.lowercased() : String(letter)
    }
    return name
  }
}

/// The property wrappers of ArgumentParser, by what they hold after parsing.
private protocol ParsedWrapper {
  var parsed: Any { get }
}

extension Option: ParsedWrapper { var parsed: Any { wrappedValue } }
extension Argument: ParsedWrapper { var parsed: Any { wrappedValue } }
extension Flag: ParsedWrapper { var parsed: Any { wrappedValue } }
extension OptionGroup: ParsedWrapper { var parsed: Any { wrappedValue } }

import JSON
import OrderedCollections
import Runtime

extension KeyReader {
  /// The settings of a method that stand in this mapping, checked against its parameters.
  /// - Throws: ``RecipeError/value(path:reason:)`` for a value that a parameter does not take.
  public mutating func settings(
    of method: String, _ parameters: [MethodParameter]
  ) throws -> MethodSettings {
    var given: [String: MethodValue] = [:]
    for parameter in parameters {
      guard let json = value(parameter.name) else { continue }
      guard let value = parameter.value(json) else {
        throw error(parameter.name, "\((try? json.text()) ?? "this") is not \(parameter.range)")
      }
      given[parameter.name] = value
    }
    return try MethodSettings(given, for: method, parameters)
  }
}

extension MethodParameter {
  /// The value that a recipe gives, nil when it gives none that is taken. One number stands for a list of it.
  public func value(_ json: JSONValue) -> MethodValue? {
    let value: MethodValue?
    switch domain {
    case .number: value = json.double.map(MethodValue.number)
    case .integer: value = json.int.map(MethodValue.integer)
    case .integers: value = Self.all(json, \.int).map(MethodValue.integers)
    case .numbers: value = Self.all(json, \.double).map(MethodValue.numbers)
    case .choice, .word: value = json.string.map(MethodValue.choice)
    case .flag: value = json.bool.map(MethodValue.flag)
    }
    return value.flatMap { takes($0) ? $0 : nil }
  }

  private static func all<T>(_ json: JSONValue, _ read: (JSONValue) -> T?) -> [T]? {
    let items = json.array ?? [json]
    let values = items.compactMap(read)
    return values.count == items.count ? values : nil
  }
}

extension MethodSettings {
  /// A mapping of the kind and every setting, defaults included: what ``KeyReader/settings(of:_:)`` reads.
  public func json(kind: String) -> JSONValue {
    var members: OrderedDictionary<String, JSONValue> = ["kind": .string(kind)]
    for (name, value) in values { members[name] = value.json }
    return .object(members)
  }
}

extension MethodValue {
  /// The value as recipes and reports write it.
  public var json: JSONValue {
    switch self {
    case .number(let value): .number(value)
    case .integer(let value): .integer(value)
    case .integers(let values): .integers(values)
    case .numbers(let values): .numbers(values)
    case .choice(let value): .string(value)
    case .flag(let value): .bool(value)
    }
  }
}

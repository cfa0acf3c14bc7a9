import JSON
import OrderedCollections
import Runtime

/// Reads the keys of one mapping and knows afterwards which were not asked for.
///
/// Every reading method gives nil for a key that is absent or null, and throws ``RecipeError/value(path:reason:)`` for a
/// value of another kind.
public struct KeyReader {
  /// The mapping.
  public let members: OrderedDictionary<String, JSONValue>
  /// Its path in the recipe, empty at the root.
  public let path: String
  private var asked: [String] = []

  /// A reader of a mapping.
  /// - Throws: ``RecipeError/value(path:reason:)`` for anything else.
  public init(_ json: JSONValue, path: String) throws(RecipeError) {
    guard let members = json.object else { throw .value(path: path, reason: "not a mapping") }
    self.members = members
    self.path = path
  }

  /// The path of a key in the recipe.
  public func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value of a key, as it is.
  public mutating func value(_ key: String) -> JSONValue? {
    asked.append(key)
    guard let value = members[key], !value.isNull else { return nil }
    return value
  }

  /// An error about a key's value.
  public func error(_ key: String, _ reason: String) -> RecipeError {
    .value(path: name(key), reason: reason)
  }

  /// A text.
  public mutating func string(_ key: String) throws(RecipeError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.string else { throw error(key, "not a text") }
    return text
  }

  /// A whole number from 0.
  public mutating func int(_ key: String) throws(RecipeError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let number = value.int, number >= 0 else { throw error(key, "not a whole number from 0") }
    return number
  }

  /// A number.
  public mutating func number(_ key: String) throws(RecipeError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.double else { throw error(key, "not a number") }
    return number
  }

  /// True or false.
  public mutating func bool(_ key: String) throws(RecipeError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let truth = value.bool else { throw error(key, "not true or false") }
    return truth
  }

  /// One text or a list; numbers count as their text (`rows: [512, 2%]`).
  public mutating func strings(_ key: String) throws(RecipeError) -> [String]? {
    guard let value = value(key) else { return nil }
    var texts: [String] = []
    for item in value.array ?? [value] {
      if let text = item.string {
        texts.append(text)
      } else if let number = item.int {
        texts.append(String(number))
      } else {
        throw error(key, "not a text or a list of texts")
      }
    }
    return texts
  }

  /// One number or a list.
  public mutating func numbers(_ key: String) throws(RecipeError) -> [Double]? {
    guard let value = value(key) else { return nil }
    let items = value.array ?? [value]
    let numbers = items.compactMap(\.double)
    guard numbers.count == items.count else { throw error(key, "not numbers") }
    return numbers
  }

  /// One whole number from 0 or a list.
  public mutating func ints(_ key: String) throws(RecipeError) -> [Int]? {
    guard let value = value(key) else { return nil }
    let items = value.array ?? [value]
    let numbers = items.compactMap(\.int).filter { $0 >= 0 }
    guard numbers.count == items.count else { throw error(key, "not whole numbers from 0") }
    return numbers
  }

  /// A number, a list of numbers, or a text: the text that says the same.
  public mutating func factors(_ key: String) throws(RecipeError) -> String? {
    guard let value = value(key) else { return nil }
    if let text = value.string { return text }
    let numbers = (value.array ?? [value]).compactMap(\.double)
    guard numbers.count == value.array?.count ?? 1 else { throw error(key, "not a text or numbers") }
    return numbers.map { "\($0)" }.joined(separator: ",")
  }

  /// A mapping.
  public mutating func part(_ key: String) throws(RecipeError) -> KeyReader? {
    guard let value = value(key) else { return nil }
    return try KeyReader(value, path: name(key))
  }

  /// A list of mappings; one alone counts as a list of it. A bare word `x` stands for `{kind: x}`.
  public mutating func parts(_ key: String) throws(RecipeError) -> [KeyReader]? {
    guard let value = value(key) else { return nil }
    var parts: [KeyReader] = []
    for (index, item) in (value.array ?? [value]).enumerated() {
      let path = value.array == nil ? name(key) : "\(name(key))[\(index)]"
      parts.append(try Self.choice(item, path: path))
    }
    return parts
  }

  /// A mapping with a `kind`; a bare word `x` stands for `{kind: x}`.
  public mutating func choice(_ key: String) throws(RecipeError) -> KeyReader? {
    guard let value = value(key) else { return nil }
    return try Self.choice(value, path: name(key))
  }

  private static func choice(_ value: JSONValue, path: String) throws(RecipeError) -> KeyReader {
    if let word = value.string { return try KeyReader(["kind": .string(word)], path: path) }
    return try KeyReader(value, path: path)
  }

  /// - Throws: ``RecipeError/unknownKey(path:suggestion:)`` for a key that nobody asked for.
  public func done() throws(RecipeError) {
    for key in members.keys where !asked.contains(key) {
      throw .unknownKey(path: name(key), suggestion: Suggestion.closest(to: key, in: asked))
    }
  }
}

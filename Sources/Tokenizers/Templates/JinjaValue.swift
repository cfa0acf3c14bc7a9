import JSON
import OrderedCollections

/// A value of the template's language: Python's values as far as templates meet them.
enum JinjaValue {
  /// What is not there; the text says why, for the error when it is used.
  case undefined(String)
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(JinjaText)
  /// A text marked as safe: it can be printed, joined and compared; its arithmetic would escape the other side.
  case markup(JinjaText)
  case list([JinjaValue])
  case tuple([JinjaValue])
  case dict(JinjaDict)
  case range(JinjaRange)
  case view(JinjaDict, JinjaDict.Part)
  /// A generator: gives its elements once.
  case iterator(JinjaIterator)
  case namespace(JinjaNamespace)
  case loop(JinjaLoop)
  case macro(JinjaMacro)
  case function(JinjaFunction)

  static func text(_ text: String) -> JinjaValue { .text(JinjaText(text)) }

  /// A value of JSON. Objects keep their order.
  init(_ json: JSONValue) {
    self =
      switch json {
      case .null: .none
      case .bool(let value): .bool(value)
      case .int(let value): .int(Int(value))
      case .number(let value): .float(value)
      case .string(let value): .text(JinjaText(value))
      case .array(let values): .list(values.map(JinjaValue.init))
      case .object(let members):
        .dict(JinjaDict(members.map { (.text(JinjaText($0.key)), JinjaValue($0.value)) }))
      }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// What Python calls the value's type.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .text: "str"
    case .markup: "Markup"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .range: "range"
    case .view(_, let part): "dict_\(part.rawValue)"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .macro: "Macro"
    case .function: "function"
    }
  }

  /// Whether a condition takes the value for true.
  func truth(_ budget: JinjaBudget) throws -> Bool {
    switch self {
    case .undefined, .none: return false
    case .bool(let value): return value
    case .int(let value): return value != 0
    case .float(let value): return value != 0
    case .text(let value), .markup(let value): return !value.isEmpty
    case .list(let values), .tuple(let values): return !values.isEmpty
    case .dict(let value), .view(let value, _): return value.count > 0
    case .range(let range): return range.count > 0
    case .loop(let loop): return try loop.length(budget) > 0
    case .iterator, .namespace, .macro, .function: return true
    }
  }

  /// The whole number, where a truth value counts as one.
  var integer: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The number as a double.
  var double: Double? {
    if case .float(let value) = self { return value }
    return integer.map(Double.init)
  }
}

/// A dictionary in the order of insertion. Keys are texts, numbers, truth values and none.
struct JinjaDict {
  enum Part: String { case keys, values, items }

  /// A key by what decides Python's equality: `1`, `1.0` and `True` are one key.
  enum Key: Hashable {
    case none
    case int(Int)
    case float(Double)
    case text(JinjaText)

    init(_ value: JinjaValue) throws {
      switch value {
      case .none: self = .none
      case .bool(let flag): self = .int(flag ? 1 : 0)
      case .int(let number): self = .int(number)
      case .float(let number): self = Int(exactly: number).map(Key.int) ?? .float(number)
      case .text(let text), .markup(let text): self = .text(text)
      case .list, .dict: throw JinjaFault.failed("unhashable type: '\(value.typeName)'")
      default: throw JinjaFault.unsupported("a key of the type \(value.typeName)")
      }
    }
  }

  private var members: OrderedDictionary<Key, (key: JinjaValue, value: JinjaValue)> = [:]

  init() {}

  /// Members whose keys are texts.
  init(_ pairs: [(JinjaValue, JinjaValue)]) {
    for (key, value) in pairs { try? set(key, value) }
  }

  var count: Int { members.count }
  var pairs: [(key: JinjaValue, value: JinjaValue)] { Array(members.values) }
  var keys: [JinjaValue] { members.values.map(\.key) }
  var values: [JinjaValue] { members.values.map(\.value) }

  subscript(text: JinjaText) -> JinjaValue? { members[.text(text)]?.value }

  func get(_ key: JinjaValue) throws -> JinjaValue? { members[try Key(key)]?.value }

  /// Sets a member; an equal key keeps its first spelling and place.
  mutating func set(_ key: JinjaValue, _ value: JinjaValue) throws {
    let name = try Key(key)
    members[name] = (members[name]?.key ?? key, value)
  }

  func list(_ part: Part) -> [JinjaValue] {
    switch part {
    case .keys: keys
    case .values: values
    case .items: pairs.map { .tuple([$0.key, $0.value]) }
    }
  }
}

/// What `range` gives.
struct JinjaRange {
  var start: Int
  var stop: Int
  var step: Int

  var count: Int {
    let distance = step > 0 ? stop - start : start - stop
    return distance <= 0 ? 0 : (distance - 1) / abs(step) + 1
  }

  subscript(index: Int) -> Int { start + index * step }
  var values: [JinjaValue] { (0..<count).map { .int(self[$0]) } }
}

/// Gives elements once.
final class JinjaIterator {
  private var produce: () throws -> JinjaValue?

  init(_ next: @escaping () throws -> JinjaValue?) { produce = next }

  /// Over a list.
  init(_ values: [JinjaValue]) {
    var place = 0
    produce = {
      guard place < values.count else { return nil }
      defer { place += 1 }
      return values[place]
    }
  }

  func next() throws -> JinjaValue? { try produce() }
}

/// What `namespace()` gives: the only thing that a template can change.
final class JinjaNamespace {
  var members: [String: JinjaValue] = [:]
}

/// Arguments of a call.
struct JinjaArguments {
  var positional: [JinjaValue] = []
  var named: [(name: String, value: JinjaValue)] = []

  subscript(name: String) -> JinjaValue? { named.first { $0.name == name }?.value }

  /// The values of named parameters in their order; nil where none was given.
  func bind(_ names: [String], required: Int = 0, in function: String) throws -> [JinjaValue?] {
    guard positional.count <= names.count else {
      throw JinjaFault.failed(
        "\(function) takes at most \(names.count) arguments (\(positional.count) were given)")
    }
    var result: [JinjaValue?] = positional + Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in named {
      guard let place = names.firstIndex(of: name) else {
        throw JinjaFault.failed("\(function) has no argument \"\(name)\"")
      }
      guard result[place] == nil else {
        throw JinjaFault.failed("\(function) got two values for the argument \"\(name)\"")
      }
      result[place] = value
    }
    if let missing = (0..<required).first(where: { result[$0] == nil }) {
      throw JinjaFault.failed("\(function) needs the argument \"\(names[missing])\"")
    }
    return result
  }
}

/// A function or bound method.
final class JinjaFunction {
  let name: String
  let call: (JinjaArguments) throws -> JinjaValue
  /// Attributes that can be read, such as `joiner`'s and `cycler`'s.
  var attributes: (String) throws -> JinjaValue? = { _ in nil }

  init(_ name: String, _ call: @escaping (JinjaArguments) throws -> JinjaValue) {
    self.name = name
    self.call = call
  }
}

/// What a rendering may use up. Every step of the interpreter and every copy of texts and lists is paid from it.
final class JinjaBudget {
  /// Steps of one rendering.
  static let steps = 5_000_000
  /// Scalars of one text, elements of one list.
  static let size = 4_000_000
  /// Statements and expressions inside of one another, over all calls.
  static let depth = 600

  private var left = JinjaBudget.steps
  private var depth = 0

  /// Pays for work.
  func spend(_ steps: Int = 1) throws {
    left -= steps
    if left < 0 {
      throw JinjaFault.limit("the template does more than \(Self.steps) steps")
    }
  }

  /// Pays for a text or list of a size.
  func allow(_ count: Int, of what: String = "text") throws { try allow(count, adding: count, of: what) }

  /// Pays for what is added to a text or list that then has a size.
  func allow(_ count: Int, adding part: Int, of what: String = "text") throws {
    guard count <= Self.size else {
      throw JinjaFault.limit("a \(what) of \(count) elements; at most \(Self.size) are made")
    }
    try spend(1 + part / 16)
  }

  /// Goes one level deeper for the time of the work.
  func deeper<T>(_ work: () throws -> T) throws -> T {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depth else {
      throw JinjaFault.limit("more than \(Self.depth) levels inside of one another")
    }
    return try work()
  }
}

import OrderedCollections

/// A JSON value. Objects keep their insertion order, so that reports are stable byte for byte.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction or exponent that fits 64 bits.
  case int(Int64)
  /// Any other number.
  case number(Double)
  /// A text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Keys and values in order.
  case object(OrderedDictionary<String, JSONValue>)
}

extension JSONValue {
  /// The member of an object, nil for anything else.
  public subscript(key: String) -> JSONValue? {
    get { if case .object(let members) = self { members[key] } else { nil } }
    set {
      var members = self.object ?? [:]
      members[key] = newValue
      self = .object(members)
    }
  }

  /// The text, where this is one.
  public var string: String? { if case .string(let value) = self { value } else { nil } }

  /// The truth value, where this is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The number as an integer, where it is one.
  public var int: Int? {
    switch self {
    case .int(let value): Int(value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The number, where this is one.
  public var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The elements, where this is a list.
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

  /// The members, where this is an object.
  public var object: OrderedDictionary<String, JSONValue>? {
    if case .object(let value) = self { value } else { nil }
  }

  /// Whether this is `null`.
  public var isNull: Bool { self == .null }

  /// `null` for nil.
  public static func optional(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

  /// `null` for nil.
  public static func optional(_ value: (some BinaryInteger)?) -> JSONValue {
    if let value { .integer(value) } else { .null }
  }

  /// `null` for nil and for what is not finite.
  public static func optional(_ value: Double?) -> JSONValue {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }

  /// A whole number.
  public static func integer(_ value: some BinaryInteger) -> JSONValue { .int(Int64(value)) }

  /// A list of texts.
  public static func strings(_ values: some Sequence<String>) -> JSONValue {
    .array(values.map(JSONValue.string))
  }

  /// A list of whole numbers.
  public static func integers(_ values: some Sequence<Int>) -> JSONValue {
    .array(values.map { .int(Int64($0)) })
  }

  /// A list of numbers.
  public static func numbers(_ values: some Sequence<Double>) -> JSONValue {
    .array(values.map(JSONValue.number))
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(OrderedDictionary(elements, uniquingKeysWith: { $1 }))
  }
  public init(nilLiteral: ()) { self = .null }
}

/// A setting of a method: its name, what it does, and which values it takes.
public struct MethodParameter: Sendable, Equatable {
  /// Which values a setting takes, and the one it has when nothing is said (nil: the method finds one itself).
  public enum Domain: Sendable, Equatable {
    /// A number in a range, the ends included.
    case number(ClosedRange<Double>, standard: Double?)
    /// A whole number in a range, the ends included.
    case integer(ClosedRange<Int>, standard: Int?)
    /// Some whole numbers, each in a range.
    case integers(ClosedRange<Int>, standard: [Int])
    /// Some numbers, each in a range.
    case numbers(ClosedRange<Double>, standard: [Double])
    /// One of some words.
    case choice([String], standard: String)
    /// Any word.
    case word(standard: String)
    /// Yes or no.
    case flag(standard: Bool)
  }

  /// The name, in snake case.
  public let name: String
  /// One line: what it does, with the unit.
  public let summary: String
  /// Which values it takes.
  public let domain: Domain

  /// A setting.
  public init(_ name: String, _ summary: String, _ domain: Domain) {
    self.name = name
    self.summary = summary
    self.domain = domain
  }

  /// The value used when nothing is said; nil where the method finds one itself.
  public var standard: MethodValue? {
    switch domain {
    case .number(_, let value): value.map(MethodValue.number)
    case .integer(_, let value): value.map(MethodValue.integer)
    case .integers(_, let values): .integers(values)
    case .numbers(_, let values): .numbers(values)
    case .choice(_, let value), .word(let value): .choice(value)
    case .flag(let value): .flag(value)
    }
  }

  /// The values in words, such as `0…1` or `newton, lbfgs`.
  public var range: String {
    switch domain {
    case .number(let range, _): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .integer(let range, _): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .integers(let range, _): "whole numbers from \(range.lowerBound) to \(range.upperBound)"
    case .numbers(let range, _): "numbers from \(range.lowerBound) to \(range.upperBound)"
    case .choice(let words, _): "one of \(words.joined(separator: ", "))"
    case .word: "a word"
    case .flag: "true or false"
    }
  }

  /// Whether the value is one of those taken; a whole number passes as a number.
  public func takes(_ value: MethodValue) -> Bool {
    switch (domain, value) {
    case (.number(let range, _), .number(let number)): range.contains(number)
    case (.number(let range, _), .integer(let number)): range.contains(Double(number))
    case (.integer(let range, _), .integer(let number)): range.contains(number)
    case (.integers(let range, _), .integers(let numbers)): numbers.allSatisfy(range.contains)
    case (.numbers(let range, _), .numbers(let numbers)): numbers.allSatisfy(range.contains)
    case (.numbers(let range, _), .integers(let numbers)): numbers.allSatisfy { range.contains(Double($0)) }
    case (.choice(let words, _), .choice(let word)): words.contains(word)
    case (.word, .choice(let word)): !word.isEmpty
    case (.flag, .flag): true
    default: false
    }
  }

  /// The value a text says, nil when it says none that is taken.
  public func value(_ text: String) -> MethodValue? {
    let value: MethodValue?
    switch domain {
    case .number: value = Double(text).map(MethodValue.number)
    case .integer: value = Int(text).map(MethodValue.integer)
    case .integers: value = Self.list(text, Int.init).map(MethodValue.integers)
    case .numbers: value = Self.list(text, Double.init).map(MethodValue.numbers)
    case .choice, .word: value = .choice(text)
    case .flag: value = Bool(text).map(MethodValue.flag)
    }
    return value.flatMap { takes($0) ? $0 : nil }
  }

  /// Values between commas; nil where one of them is none.
  private static func list<T>(_ text: String, _ read: (String) -> T?) -> [T]? {
    let words = text.split(separator: ",").map(String.init)
    let values = words.compactMap(read)
    return values.count == words.count ? values : nil
  }
}

/// A setting's value.
public enum MethodValue: Sendable, Equatable, CustomStringConvertible {
  /// A number.
  case number(Double)
  /// A whole number.
  case integer(Int)
  /// Some whole numbers.
  case integers([Int])
  /// Some numbers.
  case numbers([Double])
  /// A word.
  case choice(String)
  /// Yes or no.
  case flag(Bool)

  public var description: String {
    switch self {
    case .number(let value): value.description
    case .integer(let value): value.description
    case .integers(let values): values.map(\.description).joined(separator: ",")
    case .numbers(let values): values.map(\.description).joined(separator: ",")
    case .choice(let value): value
    case .flag(let value): value.description
    }
  }
}

/// Settings of a method that do not fit it.
public enum MethodError: SurgeonError, Equatable {
  /// A setting the method does not have.
  case unknownParameter(method: String, name: String, known: [String])
  /// A value the setting does not take.
  case badValue(method: String, name: String, value: String, range: String)

  public var code: String {
    switch self {
    case .unknownParameter: "UNKNOWN_PARAMETER"
    case .badValue: "BAD_PARAMETER"
    }
  }
  public var exitCode: ExitCode { .usage }
  public var found: String {
    switch self {
    case .unknownParameter(let method, let name, _): "the setting \(name) for \(method)"
    case .badValue(let method, let name, let value, _): "\(name) = \(value) for \(method)"
    }
  }
  public var expected: String {
    switch self {
    case .unknownParameter(let method, _, let known):
      known.isEmpty ? "no settings: \(method) has none" : "one of \(known.joined(separator: ", "))"
    case .badValue(_, _, _, let range): range
    }
  }
  public var suggestion: String {
    switch self {
    case .unknownParameter(_, let name, let known): known.isEmpty ? "" : Suggestion.hint(for: name, in: known)
    case .badValue: "leave it out for the standard value"
    }
  }
}

/// The settings of one use of a method, checked, with every standard value filled in.
public struct MethodSettings: Sendable, Equatable {
  /// Names and values in the order in which the method declares them; settings that the method finds are left out.
  public let values: [(name: String, value: MethodValue)]

  /// The settings of a method that has none.
  public static let none = MethodSettings(checked: [])

  private init(checked values: [(name: String, value: MethodValue)]) { self.values = values }

  /// Checks given settings against a method's.
  /// - Throws: ``MethodError``.
  public init(
    _ given: [String: MethodValue], for method: String, _ parameters: [MethodParameter]
  ) throws(MethodError) {
    for name in given.keys.sorted() where !parameters.contains(where: { $0.name == name }) {
      throw .unknownParameter(method: method, name: name, known: parameters.map(\.name))
    }
    var values: [(name: String, value: MethodValue)] = []
    for parameter in parameters {
      guard let value = given[parameter.name] ?? parameter.standard else { continue }
      guard parameter.takes(value) else {
        throw .badValue(
          method: method, name: parameter.name, value: value.description, range: parameter.range)
      }
      values.append((parameter.name, value))
    }
    self.values = values
  }

  /// The value of a setting, nil where the method is to find it.
  public subscript(name: String) -> MethodValue? { values.first { $0.name == name }?.value }

  /// A setting as a number.
  public func number(_ name: String) -> Double? {
    switch self[name] {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  /// A setting as a whole number.
  public func integer(_ name: String) -> Int? {
    if case .integer(let value) = self[name] { value } else { nil }
  }

  /// A setting as whole numbers.
  public func integers(_ name: String) -> [Int]? {
    if case .integers(let values) = self[name] { values } else { nil }
  }

  /// A setting as numbers.
  public func numbers(_ name: String) -> [Double]? {
    switch self[name] {
    case .numbers(let values): values
    case .integers(let values): values.map(Double.init)
    default: nil
    }
  }

  /// A setting as a word.
  public func choice(_ name: String) -> String? {
    if case .choice(let value) = self[name] { value } else { nil }
  }

  /// A setting as yes or no.
  public func flag(_ name: String) -> Bool? { if case .flag(let value) = self[name] { value } else { nil } }

  public static func == (a: MethodSettings, b: MethodSettings) -> Bool {
    a.values.count == b.values.count && zip(a.values, b.values).allSatisfy { $0 == $1 }
  }
}

/// The tests by name: what stands behind `is`.
enum JinjaTests {
  static let names: Set<String> = [
    "odd", "even", "divisibleby", "defined", "undefined", "filter", "test", "none", "boolean", "false",
    "true",
    "integer", "float", "lower", "upper", "string", "mapping", "number", "sequence", "iterable", "callable",
    "sameas", "escaped", "in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", "ge", ">=", "<",
    "lt", "lessthan", "<=", "le",
  ]

  /// - Throws: ``JinjaFault`` for a test that is not there.
  static func check(_ name: String, line: Int? = nil) throws {
    if !names.contains(name) { throw JinjaFault.syntax("No test named '\(name)'.", line: line) }
  }
}

extension JinjaInterpreter {
  /// Whether a test holds.
  func test(_ name: String, _ value: JinjaValue, _ arguments: JinjaArguments) throws -> Bool {
    guard JinjaTests.names.contains(name) else { throw JinjaFault.failed("No test named '\(name)'.") }
    func other(_ parameter: String = "other") throws -> JinjaValue {
      try arguments.bind([parameter], required: 1, in: "the test '\(name)'")[0] ?? .none
    }
    switch name {
    case "==", "eq", "equalto": return try compare(value, .equal, try other())
    case "!=", "ne": return try compare(value, .notEqual, try other())
    case ">", "gt", "greaterthan": return try compare(value, .greater, try other())
    case ">=", "ge": return try compare(value, .greaterOrEqual, try other())
    case "<", "lt", "lessthan": return try compare(value, .less, try other())
    case "<=", "le": return try compare(value, .lessOrEqual, try other())
    case "in": return try other("seq").contains(value, budget)
    case "divisibleby":
      let number = try other("num")
      return try JinjaArithmetic.apply(.modulo, value, number, budget).equals(.int(0), budget)
    case "sameas": return try isSame(value, try other())
    default: break
    }
    _ = try arguments.bind([], in: "the test '\(name)'")
    switch (name, value) {
    case ("odd", _): return try JinjaArithmetic.apply(.modulo, value, .int(2), budget).equals(.int(1), budget)
    case ("even", _):
      return try JinjaArithmetic.apply(.modulo, value, .int(2), budget).equals(.int(0), budget)
    case ("defined", _): return !value.isUndefined
    case ("undefined", _): return value.isUndefined
    case ("none", .none), ("boolean", .bool), ("true", .bool(true)), ("false", .bool(false)): return true
    case ("integer", .int), ("float", .float), ("number", .int), ("number", .float), ("number", .bool):
      return true
    case ("string", .text), ("string", .markup), ("mapping", .dict), ("escaped", .markup): return true
    case ("sequence", .text), ("sequence", .markup), ("sequence", .list), ("sequence", .tuple),
      ("sequence", .dict), ("sequence", .range), ("sequence", .undefined):
      return true
    case ("iterable", .none), ("iterable", .bool), ("iterable", .int), ("iterable", .float),
      ("iterable", .namespace), ("iterable", .macro), ("iterable", .function):
      return false
    case ("iterable", _): return true
    case ("callable", .undefined): return true
    case ("callable", .macro), ("callable", .function), ("callable", .loop): return true
    case ("lower", _): return try value.plainText(budget).isLower
    case ("upper", _): return try value.plainText(budget).isUpper
    case ("filter", .text(let text)):
      let name = text.string
      return JinjaFilters.names.contains(name) || JinjaFilters.refused.contains(name)
    case ("test", .text(let text)): return JinjaTests.names.contains(text.string)
    default: return false
    }
  }

  /// Python's `is`, for the values of which there is one.
  private func isSame(_ a: JinjaValue, _ b: JinjaValue) throws -> Bool {
    switch (a, b) {
    case (.none, .none): return true
    case (.bool(let x), .bool(let y)): return x == y
    case (.none, _), (_, .none), (.bool, _), (_, .bool): return false
    case (.namespace(let x), .namespace(let y)): return x === y
    case (.macro(let x), .macro(let y)): return x === y
    default:
      if a.typeName != b.typeName { return false }
      throw JinjaFault.unsupported("'sameas' between values of the type \(a.typeName)")
    }
  }
}

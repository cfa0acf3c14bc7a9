/// The filters by name.
enum JinjaFilters {
  static let names: Set<String> = [
    "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
    "first", "float", "format", "groupby", "indent", "int", "items", "join", "last", "length", "list",
    "lower",
    "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
    "selectattr",
    "slice", "sort", "string", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "wordcount",
  ]
  /// What Jinja has and this interpreter has not.
  static let refused: Set<String> = [
    "filesizeformat", "forceescape", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap",
    "xmlattr",
  ]

  /// - Throws: ``JinjaFault`` for a filter that is not there.
  static func check(_ name: String, line: Int? = nil) throws {
    if names.contains(name) { return }
    if refused.contains(name) { throw JinjaFault.unsupported("the filter '\(name)'", line: line) }
    throw JinjaFault.syntax("No filter named '\(name)'.", line: line)
  }
}

extension JinjaInterpreter {
  /// Applies a filter.
  func filter(_ name: String, _ value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue {
    guard JinjaFilters.names.contains(name) || JinjaFilters.refused.contains(name) else {
      throw JinjaFault.failed("No filter named '\(name)'.")
    }
    try JinjaFilters.check(name)
    if let result = try textFilter(name, value, arguments) { return result }
    if let result = try listFilter(name, value, arguments) { return result }
    func bound(_ names: [String], required: Int = 0) throws -> [JinjaValue?] {
      try arguments.bind(names, required: required, in: name)
    }
    switch name {
    case "default", "d":
      let given = try bound(["default_value", "boolean"])
      let replaces = try value.isUndefined || (given[1]?.truth(budget) == true && !value.truth(budget))
      return replaces ? given[0] ?? .text("") : value
    case "tojson": return .text(try JinjaJSON(arguments, budget).text(value))
    case "length", "count":
      _ = try bound([])
      return .int(try value.length(budget))
    case "abs":
      _ = try bound([])
      if let number = value.integer {
        guard number != Int.min else { throw JinjaFault.unsupported("a whole number beyond 64 bits") }
        return .int(abs(number))
      }
      guard case .float(let number) = value else {
        throw JinjaFault.failed("bad operand type for abs(): '\(value.typeName)'")
      }
      return .float(number.magnitude)
    case "int":
      let given = try bound(["default", "base"])
      return try whole(value, base: given[1]?.integer ?? 10) ?? given[0] ?? .int(0)
    case "float":
      let given = try bound(["default"])
      if case .undefined(let why) = value { throw JinjaFault.failed(why) }
      return number(value).map(JinjaValue.float) ?? given[0] ?? .float(0)
    case "round": return try rounded(value, try bound(["precision", "method"]))
    case "attr":
      let given = try bound(["name"], required: 1)
      guard let key = given[0] else { return .none }
      let attributeName = try key.exactText(name).string
      if case .dict = value, !JinjaMethods.dictNames.contains(attributeName) {
        return .undefined("'dict object' has no attribute '\(attributeName)'")
      }
      return try attribute(attributeName, of: value)
    default: throw JinjaFault.unsupported("the filter '\(name)'")
    }
  }

  /// Python's `int(value, base)` with the filter's detour over floats; nil where the default is taken.
  private func whole(_ value: JinjaValue, base: Int) throws -> JinjaValue? {
    switch value {
    case .undefined(let why): throw JinjaFault.failed(why)
    case .text(let text):
      if let number = try Self.whole(text, base: base) { return .int(number) }
    default: if let number = value.integer { return .int(number) }
    }
    guard let double = number(value), double.isFinite else { return nil }
    guard let number = Int(exactly: double.rounded(.towardZero)) else {
      throw JinjaFault.unsupported("a whole number beyond 64 bits")
    }
    return .int(number)
  }

  /// A whole number as Python reads it: spaces around, a sign, a prefix of the base, single underscores.
  private static func whole(_ text: JinjaText, base: Int) throws -> Int? {
    guard base == 0 || (2...36).contains(base) else { return nil }
    var body = text.stripped().string
    guard body.unicodeScalars.allSatisfy(\.isASCII) else {
      if text.stripped().isDecimal { throw JinjaFault.unsupported("digits beyond ASCII") }
      return nil
    }
    var sign = ""
    if let first = body.first, first == "-" || first == "+" { sign = String(body.removeFirst()) }
    var base = base
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where body.lowercased().hasPrefix(prefix) {
      guard base == radix || base == 0 else { continue }
      base = radix
      body = String(body.dropFirst(2))
      if body.hasPrefix("_") { body.removeFirst() }
      break
    }
    if base == 0 { base = 10 }
    guard !body.isEmpty, body.first != "_", body.last != "_", !body.contains("__") else { return nil }
    let digits = body.filter { $0 != "_" }
    guard digits.allSatisfy({ $0.isLetter || $0.isNumber }) else { return nil }
    if let number = Int(sign + digits, radix: base) { return number }
    let valid = digits.allSatisfy { Int(String($0), radix: base) != nil }
    if valid { throw JinjaFault.unsupported("a whole number beyond 64 bits") }
    return nil
  }

  /// Python's `float(value)`; nil where it would fail.
  private func number(_ value: JinjaValue) -> Double? {
    guard case .text(let text) = value else { return value.double }
    let body = text.stripped().string
    guard !body.hasPrefix("_"), !body.hasSuffix("_"), !body.contains("__"), !body.lowercased().contains("x"),
      !body.lowercased().contains("p")
    else { return nil }
    let plain = body.filter { $0 != "_" }
    switch plain.lowercased() {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    case "nan", "+nan", "-nan": return .nan
    default: return Double(plain)
    }
  }

  private func rounded(_ value: JinjaValue, _ arguments: [JinjaValue?]) throws -> JinjaValue {
    guard let precision = (arguments[0] ?? .int(0)).integer else {
      throw JinjaFault.failed("round: a precision that is no whole number")
    }
    let method = try arguments[1]?.exactText("round").string ?? "common"
    guard ["common", "ceil", "floor"].contains(method) else {
      throw JinjaFault.failed("method must be common, ceil or floor")
    }
    if case .undefined(let why) = value { throw JinjaFault.failed(why) }
    guard let number = value.double else {
      throw JinjaFault.failed("type \(value.typeName) doesn't define __round__ method")
    }
    if method == "common" {
      if let whole = value.integer {
        guard precision >= 0 else { throw JinjaFault.unsupported("a negative precision") }
        return .int(whole)
      }
      guard (0...300).contains(precision) else { throw JinjaFault.unsupported("this precision") }
      guard number.isFinite else { return .float(number) }
      return .float(Double(JinjaFormat.printed(number, precision: precision, kind: "f")) ?? number)
    }
    guard (0...15).contains(precision) else { throw JinjaFault.unsupported("this precision") }
    var factor = 1.0
    for _ in 0..<precision { factor *= 10 }
    let scaled = number * factor
    let result = scaled.rounded(method == "ceil" ? .up : .down)
    guard abs(result) < 0x1p53 else { throw JinjaFault.unsupported("rounding a number of this size") }
    return .float(result / factor)
  }
}

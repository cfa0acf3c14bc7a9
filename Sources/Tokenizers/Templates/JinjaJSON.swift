/// The filter `tojson` with the settings of transformers: Python's `json.dumps`, nothing escaped for HTML.
struct JinjaJSON {
  var escapesBeyondASCII = false
  /// What one level is indented by; nil writes one line.
  var indent: JinjaText?
  var itemSeparator: JinjaText
  var keySeparator: JinjaText
  var sortsKeys = false
  private let budget: JinjaBudget

  /// Settings as the filter's arguments give them.
  init(_ arguments: JinjaArguments, _ budget: JinjaBudget) throws {
    self.budget = budget
    let values = try arguments.bind(
      ["ensure_ascii", "indent", "separators", "sort_keys"], in: "tojson")
    escapesBeyondASCII = try values[0]?.truth(budget) ?? false
    sortsKeys = try values[3]?.truth(budget) ?? false
    switch values[1] ?? .none {
    case .none: break
    case .text(let text): indent = text
    case let value:
      guard let width = value.integer else {
        throw JinjaFault.failed("tojson: an indent that is neither a number nor a text")
      }
      try budget.allow(width)
      indent = JinjaText(String(repeating: " ", count: max(0, width)))
    }
    (itemSeparator, keySeparator) = (JinjaText(indent == nil ? ", " : ","), JinjaText(": "))
    switch values[2] ?? .none {
    case .none: break
    case let value:
      let parts = try value.elements(budget)
      guard parts.count == 2 else { throw JinjaFault.failed("tojson: separators are two texts") }
      itemSeparator = try parts[0].exactText("tojson")
      keySeparator = try parts[1].exactText("tojson")
    }
  }

  func text(_ value: JinjaValue) throws -> JinjaText {
    var result = JinjaText.empty
    try write(value, level: 0, to: &result)
    return result
  }

  private func write(_ value: JinjaValue, level: Int, to result: inout JinjaText) throws {
    try budget.spend()
    if result.count > JinjaBudget.size { try budget.allow(result.count) }
    switch value {
    case .none: result.scalars += "null".unicodeScalars
    case .bool(let flag): result.scalars += (flag ? "true" : "false").unicodeScalars
    case .int(let number): result.scalars += String(number).unicodeScalars
    case .float(let number): result.scalars += Self.number(number).unicodeScalars
    case .text(let text), .markup(let text): try write(text, to: &result)
    case .list(let values), .tuple(let values):
      try block("[", "]", values.count, level, &result) { place, result in
        try budget.deeper { try write(values[place], level: level + 1, to: &result) }
      }
    case .dict(let dict):
      var pairs = dict.pairs
      if sortsKeys {
        try pairs.sort { try $0.key.isLess(than: $1.key, "<", budget) }
      }
      try block("{", "}", pairs.count, level, &result) { place, result in
        try write(try Self.key(pairs[place].key), to: &result)
        result.scalars += keySeparator.scalars
        try budget.deeper { try write(pairs[place].value, level: level + 1, to: &result) }
      }
    default:
      throw JinjaFault.failed("Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private func block(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ count: Int, _ level: Int, _ result: inout JinjaText,
    _ element: (Int, inout JinjaText) throws -> Void
  ) throws {
    result.scalars.append(open)
    func newLine(_ level: Int, _ result: inout JinjaText) throws {
      guard let indent else { return }
      try budget.allow(indent.count * level)
      result.scalars.append("\n")
      for _ in 0..<level { result.scalars += indent.scalars }
    }
    for place in 0..<count {
      if place > 0 { result.scalars += itemSeparator.scalars }
      try newLine(level + 1, &result)
      try element(place, &result)
    }
    if count > 0 { try newLine(level, &result) }
    result.scalars.append(close)
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return JinjaValue.float(value)
  }

  private static func key(_ key: JinjaValue) throws -> JinjaText {
    switch key {
    case .text(let text), .markup(let text): return text
    case .none: return JinjaText("null")
    case .bool(let flag): return JinjaText(flag ? "true" : "false")
    case .int(let value): return JinjaText(String(value))
    case .float(let value): return JinjaText(number(value))
    default:
      throw JinjaFault.failed("keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }

  private func write(_ text: JinjaText, to result: inout JinjaText) throws {
    try budget.spend(text.count / 16)
    func escape(_ value: UInt32) {
      let digits = String(value, radix: 16)
      result.scalars += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
    }
    result.scalars.append("\"")
    for scalar in text.scalars {
      switch scalar {
      case "\"", "\\": result.scalars += ["\\", scalar]
      case "\n": result.scalars += ["\\", "n"]
      case "\r": result.scalars += ["\\", "r"]
      case "\t": result.scalars += ["\\", "t"]
      case "\u{8}": result.scalars += ["\\", "b"]
      case "\u{C}": result.scalars += ["\\", "f"]
      default:
        if scalar.value < 0x20 {
          escape(scalar.value)
        } else if escapesBeyondASCII && scalar.value > 0x7E {
          for unit in String(scalar).utf16 { escape(UInt32(unit)) }
        } else {
          result.scalars.append(scalar)
        }
      }
    }
    result.scalars.append("\"")
  }
}

/// Values as texts: Python's `str` and `repr`.
extension JinjaValue {
  /// What printing the value gives.
  func text(_ budget: JinjaBudget) throws -> JinjaText {
    switch self {
    case .text(let value), .markup(let value): return value
    case .undefined: return .empty
    default:
      var result = JinjaText.empty
      try write(to: &result, budget)
      return result
    }
  }

  /// The value's text for an operation on texts; a marked text would stay marked there.
  func plainText(_ budget: JinjaBudget) throws -> JinjaText {
    if case .markup = self { throw JinjaFault.unsupported("an operation on a text marked as safe") }
    return try text(budget)
  }

  /// The text itself, where the value is one.
  func exactText(_ what: String) throws -> JinjaText {
    switch self {
    case .text(let value): return value
    case .markup: throw JinjaFault.unsupported("an operation on a text marked as safe")
    default: throw JinjaFault.failed("\(what) needs a text and got a value of the type \(typeName)")
    }
  }

  /// Python's `repr`.
  func write(to result: inout JinjaText, _ budget: JinjaBudget) throws {
    try budget.spend()
    if result.count > JinjaBudget.size { try budget.allow(result.count) }
    func append(_ text: String) { result.scalars += text.unicodeScalars }
    func elements(_ values: [JinjaValue], _ open: String, _ close: String) throws {
      append(open)
      for (place, value) in values.enumerated() {
        if place > 0 { append(", ") }
        try budget.deeper { try value.write(to: &result, budget) }
      }
      append(close)
    }
    switch self {
    case .undefined: append("Undefined")
    case .none: append("None")
    case .bool(let value): append(value ? "True" : "False")
    case .int(let value): append(String(value))
    case .float(let value): append(Self.float(value))
    case .text(let value):
      try budget.spend(value.count / 16)
      result.scalars += value.quoted.scalars
    case .list(let values): try elements(values, "[", "]")
    case .tuple(let values): try elements(values, "(", values.count == 1 ? ",)" : ")")
    case .dict(let dict):
      append("{")
      for (place, pair) in dict.pairs.enumerated() {
        if place > 0 { append(", ") }
        try budget.deeper { try pair.key.write(to: &result, budget) }
        append(": ")
        try budget.deeper { try pair.value.write(to: &result, budget) }
      }
      append("}")
    case .range(let range):
      append("range(\(range.start), \(range.stop)\(range.step == 1 ? "" : ", \(range.step)"))")
    case .view(let dict, let part): try elements(dict.list(part), "dict_\(part.rawValue)([", "])")
    case .loop(let loop): append("<LoopContext \(loop.index0 + 1)/\(try loop.length(budget))>")
    case .markup, .iterator, .namespace, .macro, .function:
      throw JinjaFault.unsupported("printing a value of the type \(typeName)")
    }
  }

  /// A float as Python writes it: shortest digits, an exponent below 1e-4 and from 1e16.
  static func float(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    var (digits, exponent) = decimal(value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    // The point lies behind the first `exponent + 1` digits.
    if exponent < -4 || exponent >= 16 {
      let rest = digits.dropFirst()
      let power = (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
      return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + power
    }
    if exponent < 0 {
      return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
    }
    if digits.count < exponent + 2 {
      digits += String(repeating: "0", count: exponent + 2 - digits.count)
    }
    return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
  }

  /// The shortest digits that read back, without zeros at the ends, and the exponent of the first.
  private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
    let text = value.description
    let parts = text.split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = String(mantissa[0])
    exponent += digits.count - 1
    if mantissa.count > 1 { digits += mantissa[1] }
    while digits.count > 1 && digits.first == "0" {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.count > 1 && digits.last == "0" { digits.removeLast() }
    return digits == "0" ? ("0", 0) : (digits, exponent)
  }
}

import Glibc

/// `'%s' % value` and `'{}'.format(value)`.
enum JinjaFormat {
  /// Flags, width, precision and kind of one placeholder.
  struct Specification {
    var fill: Unicode.Scalar = " "
    /// `<`, `>`, `^` or `=`.
    var alignment: Unicode.Scalar?
    var sign: Unicode.Scalar = "-"
    var isAlternate = false
    var grouping: Unicode.Scalar?
    var width = 0
    var precision: Int?
    var kind: Unicode.Scalar?
  }

  /// Python's `%` on texts.
  static func percent(_ format: JinjaText, _ values: JinjaValue, _ budget: JinjaBudget) throws -> JinjaText {
    var result: [Unicode.Scalar] = []
    var place = 0
    var used = 0
    var list: [JinjaValue] = [values]
    if case .tuple(let several) = values { list = several }
    var usedName = false
    func next() throws -> JinjaValue {
      guard used < list.count else { throw JinjaFault.failed("not enough arguments for format string") }
      used += 1
      return list[used - 1]
    }
    let scalars = format.scalars
    while place < scalars.count {
      let scalar = scalars[place]
      place += 1
      guard scalar == "%" else {
        result.append(scalar)
        continue
      }
      var named: JinjaValue?
      if place < scalars.count, scalars[place] == "(" {
        guard let end = scalars[place...].firstIndex(of: ")") else {
          throw JinjaFault.failed("incomplete format key")
        }
        let name = JinjaText(scalars[(place + 1)..<end])
        guard case .dict(let dict) = values else { throw JinjaFault.failed("format requires a mapping") }
        guard let value = dict[name] else { throw JinjaFault.failed("the key '\(name.string)' is missing") }
        named = value
        usedName = true
        place = end + 1
      }
      var specification = Specification()
      while place < scalars.count,
        let flag = ["-", "+", " ", "0", "#"].first(where: { $0 == scalars[place] })
      {
        switch flag {
        case "-": specification.alignment = "<"
        case "0": specification.fill = "0"
        case "#": specification.isAlternate = true
        default: specification.sign = flag
        }
        place += 1
      }
      func number() throws -> Int? {
        if place < scalars.count, scalars[place] == "*" {
          place += 1
          guard let value = try next().integer else { throw JinjaFault.failed("* wants int") }
          return value
        }
        return try digits(scalars, &place)
      }
      let width = try number() ?? 0
      if width < 0 { specification.alignment = "<" }
      specification.width = abs(max(width, -Int.max))
      if place < scalars.count, scalars[place] == "." {
        place += 1
        specification.precision = try number() ?? 0
      }
      guard place < scalars.count else { throw JinjaFault.failed("incomplete format") }
      let kind = scalars[place]
      place += 1
      if kind == "%" {
        result.append("%")
        continue
      }
      let value = try named ?? next()
      let added = specification.width + (specification.precision ?? 0)
      try budget.allow(result.count + added, adding: added)
      result += try percent(kind, value, specification, budget)
    }
    var isMapping = false
    switch values {
    case .dict, .list: isMapping = true
    default: break
    }
    if !usedName && !isMapping && used < list.count {
      throw JinjaFault.failed("not all arguments converted during string formatting")
    }
    return JinjaText(result)
  }

  private static func digits(_ scalars: [Unicode.Scalar], _ place: inout Int) throws -> Int? {
    let start = place
    while place < scalars.count, ("0"..."9").contains(scalars[place]) { place += 1 }
    if start == place { return nil }
    guard let value = Int(String(String.UnicodeScalarView(scalars[start..<place]))), value <= JinjaBudget.size
    else {
      throw JinjaFault.limit("a width of more than \(JinjaBudget.size)")
    }
    return value
  }

  private static func percent(
    _ kind: Unicode.Scalar, _ value: JinjaValue, _ given: Specification, _ budget: JinjaBudget
  ) throws -> [Unicode.Scalar] {
    var specification = given
    switch kind {
    case "s", "r":
      var text = JinjaText.empty
      if kind == "s" { text = try value.plainText(budget) } else { try value.write(to: &text, budget) }
      if let precision = specification.precision { text = JinjaText(text.scalars.prefix(precision)) }
      specification.fill = " "
      specification.alignment = specification.alignment ?? ">"
      return padded(text.scalars, specification)
    case "d", "i", "u":
      var number: Int
      if case .float(let double) = value {
        guard let whole = Int(exactly: double.rounded(.towardZero)) else {
          throw JinjaFault.unsupported("a whole number beyond 64 bits")
        }
        number = whole
      } else {
        guard let whole = value.integer else {
          throw JinjaFault.failed("%\(kind) format: a real number is required, not \(value.typeName)")
        }
        number = whole
      }
      if specification.precision != nil { throw JinjaFault.unsupported("a precision of whole numbers") }
      specification.kind = "d"
      return try signed(number: .int(number), zeroPadded(specification), budget)
    case "x", "X", "o":
      guard let number = value.integer else {
        throw JinjaFault.failed("%\(kind) format: an integer is required, not \(value.typeName)")
      }
      if specification.precision != nil { throw JinjaFault.unsupported("a precision of whole numbers") }
      specification.kind = kind
      return try signed(number: .int(number), zeroPadded(specification), budget)
    case "f", "F", "e", "E", "g", "G":
      guard let number = value.double else {
        throw JinjaFault.failed("must be real number, not \(value.typeName)")
      }
      specification.kind = kind
      return try signed(number: .float(number), zeroPadded(specification), budget)
    case "c", "a": throw JinjaFault.unsupported("the format %\(kind)")
    default: throw JinjaFault.failed("unsupported format character '\(kind)'")
    }
  }

  private static func zeroPadded(_ given: Specification) -> Specification {
    var specification = given
    if specification.alignment == nil {
      specification.alignment = specification.fill == "0" ? "=" : ">"
    } else {
      specification.fill = " "
    }
    return specification
  }

  // MARK: Braces

  /// Python's `str.format`.
  static func braces(_ format: JinjaText, _ arguments: JinjaArguments, _ interpreter: JinjaInterpreter) throws
    -> JinjaText
  {
    var result: [Unicode.Scalar] = []
    let scalars = format.scalars
    var place = 0
    var counted = 0
    while place < scalars.count {
      let scalar = scalars[place]
      place += 1
      if scalar == "{" || scalar == "}" {
        if place < scalars.count, scalars[place] == scalar {
          result.append(scalar)
          place += 1
          continue
        }
        if scalar == "}" { throw JinjaFault.failed("Single '}' encountered in format string") }
        guard let end = scalars[place...].firstIndex(of: "}") else {
          throw JinjaFault.failed("expected '}' before end of string")
        }
        let field = JinjaText(scalars[place..<end])
        if field.scalars.contains("{") { throw JinjaFault.unsupported("a format inside of a format") }
        place = end + 1
        let text = try braced(field, arguments, &counted, interpreter)
        try interpreter.budget.allow(result.count + text.count, adding: text.count)
        result += text
      } else {
        result.append(scalar)
      }
    }
    return JinjaText(result)
  }

  private static func braced(
    _ field: JinjaText, _ arguments: JinjaArguments, _ counted: inout Int, _ interpreter: JinjaInterpreter
  ) throws -> [Unicode.Scalar] {
    let parts = field.split(JinjaText(":"), limit: 1)
    let conversion = parts[0].split(JinjaText("!"), limit: 1)
    let name = conversion[0].string
    let path = name.prefix { $0 != "." && $0 != "[" }
    guard path.count == name.count else { throw JinjaFault.unsupported("an attribute in a format field") }
    var value: JinjaValue
    if name.isEmpty || Int(name) != nil {
      let index = Int(name) ?? counted
      if name.isEmpty { counted += 1 }
      guard arguments.positional.indices.contains(index) else {
        throw JinjaFault.failed("Replacement index \(index) out of range for positional args tuple")
      }
      value = arguments.positional[index]
    } else {
      guard let named = arguments[name] else { throw JinjaFault.failed("the key '\(name)' is missing") }
      value = named
    }
    if conversion.count > 1 {
      switch conversion[1].string {
      case "s": value = .text(try value.plainText(interpreter.budget))
      case "r":
        var text = JinjaText.empty
        try value.write(to: &text, interpreter.budget)
        value = .text(text)
      default: throw JinjaFault.unsupported("the conversion !\(conversion[1].string)")
      }
    }
    guard parts.count > 1, !parts[1].isEmpty else { return try value.plainText(interpreter.budget).scalars }
    return try formatted(value, try specification(parts[1]), interpreter.budget)
  }

  private static func specification(_ text: JinjaText) throws -> Specification {
    var specification = Specification()
    let scalars = text.scalars
    var place = 0
    let alignments: [Unicode.Scalar] = ["<", ">", "^", "="]
    if scalars.count > 1, alignments.contains(scalars[1]) {
      specification.fill = scalars[0]
      specification.alignment = scalars[1]
      place = 2
    } else if let first = scalars.first, alignments.contains(first) {
      specification.alignment = first
      place = 1
    }
    func at(_ choices: [Unicode.Scalar]) -> Unicode.Scalar? {
      guard place < scalars.count, choices.contains(scalars[place]) else { return nil }
      place += 1
      return scalars[place - 1]
    }
    if let sign = at(["+", "-", " "]) { specification.sign = sign }
    if at(["#"]) != nil { specification.isAlternate = true }
    if at(["0"]) != nil, specification.alignment == nil {
      specification.fill = "0"
      specification.alignment = "="
    }
    specification.width = try digits(scalars, &place) ?? 0
    specification.grouping = at([",", "_"])
    if at(["."]) != nil {
      guard let precision = try digits(scalars, &place) else {
        throw JinjaFault.failed("Format specifier missing precision")
      }
      specification.precision = precision
    }
    if place < scalars.count {
      specification.kind = scalars[place]
      place += 1
    }
    guard place == scalars.count else { throw JinjaFault.failed("Invalid format specifier") }
    return specification
  }

  private static func formatted(_ value: JinjaValue, _ given: Specification, _ budget: JinjaBudget) throws
    -> [Unicode.Scalar]
  {
    var specification = given
    try budget.allow(specification.width + (specification.precision ?? 0))
    switch value {
    case .text(var text):
      guard specification.kind == nil || specification.kind == "s", specification.alignment != "=" else {
        throw JinjaFault.failed("Unknown format code for object of type 'str'")
      }
      if let precision = specification.precision { text = JinjaText(text.scalars.prefix(precision)) }
      return padded(text.scalars, specification)
    case .int, .float, .bool:
      if case .bool = value, specification.kind == nil {
        throw JinjaFault.unsupported("a format of a truth value")
      }
      specification.alignment = specification.alignment ?? ">"
      return try signed(number: value, specification, budget)
    default: throw JinjaFault.failed("unsupported format string passed to \(value.typeName).__format__")
    }
  }

  // MARK: Numbers

  private static func signed(number: JinjaValue, _ given: Specification, _ budget: JinjaBudget) throws
    -> [Unicode.Scalar]
  {
    var specification = given
    var digits: String
    let isNegative: Bool
    let kind = specification.kind
    let isWhole = kind == nil || ["d", "x", "X", "o", "b"].contains(kind)
    if let whole = number.integer, isWhole {
      if specification.precision != nil {
        throw JinjaFault.failed("Precision not allowed in integer format specifier")
      }
      isNegative = whole < 0
      let magnitude = whole.magnitude
      switch kind {
      case "x": digits = (specification.isAlternate ? "0x" : "") + String(magnitude, radix: 16)
      case "X":
        digits = (specification.isAlternate ? "0X" : "") + String(magnitude, radix: 16, uppercase: true)
      case "o": digits = (specification.isAlternate ? "0o" : "") + String(magnitude, radix: 8)
      case "b": digits = (specification.isAlternate ? "0b" : "") + String(magnitude, radix: 2)
      default: digits = String(magnitude)
      }
    } else {
      guard var value = number.double else { throw JinjaFault.failed("a number is required") }
      guard value.isFinite else { throw JinjaFault.unsupported("a format of a number that is not finite") }
      isNegative = value.sign == .minus
      value = value.magnitude
      switch kind {
      case "f", "F", "e", "E", "g", "G":
        digits = printed(value, precision: specification.precision ?? 6, kind: kind ?? "f")
      case "%": digits = printed(value * 100, precision: specification.precision ?? 6, kind: "f") + "%"
      case nil where specification.precision == nil: digits = JinjaValue.float(value)
      default: throw JinjaFault.unsupported("this format of a float")
      }
      if specification.isAlternate { throw JinjaFault.unsupported("the flag # of a float") }
    }
    if let grouping = specification.grouping {
      if specification.fill == "0" && specification.alignment == "=" && specification.width > digits.count {
        throw JinjaFault.unsupported("zeros in front of grouped digits")
      }
      guard isWhole && (kind == nil || kind == "d") || kind == "f" || kind == "F" else {
        throw JinjaFault.unsupported("grouping in this format")
      }
      let whole = Array(digits.prefix { $0 != "." })
      var grouped = ""
      for (place, digit) in whole.enumerated() {
        if place > 0 && (whole.count - place) % 3 == 0 { grouped.unicodeScalars.append(grouping) }
        grouped.append(digit)
      }
      digits = grouped + digits.dropFirst(whole.count)
    }
    let sign = isNegative ? "-" : specification.sign == "-" ? "" : String(specification.sign)
    if specification.alignment == "=" {
      let missing = max(0, specification.width - digits.count - sign.count)
      specification.width = 0
      digits = String(repeating: String(specification.fill), count: missing) + digits
    }
    return padded(Array((sign + digits).unicodeScalars), specification)
  }

  /// C's formatting of a double, which rounds like Python's.
  static func printed(_ value: Double, precision: Int, kind: Unicode.Scalar) -> String {
    var buffer = [CChar](repeating: 0, count: 400 + precision)
    let count = withVaList([Int32(precision), value]) {
      vsnprintf(&buffer, buffer.count, "%.*\(kind)", $0)
    }
    return String(decoding: buffer.prefix(Int(max(0, count))).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func padded(_ scalars: [Unicode.Scalar], _ specification: Specification) -> [Unicode.Scalar]
  {
    let missing = specification.width - scalars.count
    guard missing > 0 else { return scalars }
    let left =
      switch specification.alignment {
      case ">", "=": missing
      case "^": missing / 2
      default: 0
      }
    return Array(repeating: specification.fill, count: left) + scalars
      + Array(repeating: specification.fill, count: missing - left)
  }
}

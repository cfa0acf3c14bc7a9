/// Methods of Python's values.
enum JinjaMethods {
  /// The methods that change their object: the sandbox hides them.
  private static let changing: Set<String> = [
    "clear", "pop", "popitem", "setdefault", "update", "append", "reverse", "insert", "sort", "extend",
    "remove",
  ]

  private static func unsafe(_ name: String, _ type: String) -> JinjaValue {
    .undefined("access to attribute '\(name)' of '\(type)' object is unsafe.")
  }

  // MARK: Mappings and lists

  static let dictNames: Set<String> = [
    "get", "items", "keys", "values", "copy", "fromkeys", "clear", "pop", "popitem", "setdefault", "update",
  ]

  static func attribute(_ name: String, of dict: JinjaDict, _ interpreter: JinjaInterpreter) throws
    -> JinjaValue?
  {
    guard dictNames.contains(name) else { return nil }
    if changing.contains(name) { return unsafe(name, "dict") }
    return .function(
      JinjaFunction(name) { arguments in
        switch name {
        case "get":
          let given = try arguments.bind(["key", "default"], required: 1, in: "get")
          return try dict.get(given[0] ?? .none) ?? given[1] ?? .none
        case "items", "keys", "values":
          _ = try arguments.bind([], in: name)
          return .view(dict, JinjaDict.Part(rawValue: name) ?? .keys)
        case "copy":
          _ = try arguments.bind([], in: name)
          return .dict(dict)
        default: throw JinjaFault.unsupported("the method '\(name)' of a dict")
        }
      })
  }

  static func attribute(
    _ name: String, of values: [JinjaValue], isTuple: Bool, _ interpreter: JinjaInterpreter
  ) throws -> JinjaValue? {
    let budget = interpreter.budget
    let type = isTuple ? "tuple" : "list"
    switch name {
    case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort":
      return isTuple ? nil : unsafe(name, type)
    case "copy" where !isTuple: return .function(JinjaFunction(name) { _ in .list(values) })
    case "count":
      return .function(
        JinjaFunction(name) { arguments in
          let wanted = try arguments.bind(["value"], required: 1, in: name)[0] ?? .none
          return .int(try values.count { try $0.equals(wanted, budget) })
        })
    case "index":
      return .function(
        JinjaFunction(name) { arguments in
          let wanted = try arguments.bind(["value"], required: 1, in: name)[0] ?? .none
          guard let place = try values.firstIndex(where: { try $0.equals(wanted, budget) }) else {
            throw JinjaFault.failed("the value is not in \(type)")
          }
          return .int(place)
        })
    case "grouper", "list":
      if isTuple && values.count == 2 {
        throw JinjaFault.unsupported("the attribute '\(name)' of a group; unpack the pair instead:")
      }
      return nil
    default: return nil
    }
  }

  static func attribute(_ name: String, ofNumber number: JinjaValue) throws -> JinjaValue? {
    let names: Set<String> = [
      "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag",
      "numerator",
      "real", "to_bytes", "fromhex", "hex", "is_integer",
    ]
    if names.contains(name) {
      throw JinjaFault.unsupported("the attribute '\(name)' of a \(number.typeName)")
    }
    return nil
  }

  // MARK: Texts

  private static let unsupportedText: Set<String> = [
    "encode", "expandtabs", "translate", "maketrans", "isidentifier", "istitle", "isprintable", "format_map",
    "casefold",
  ]
  private static let textNames: Set<String> = [
    "capitalize", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isascii",
    "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "isupper", "join", "ljust", "lower", "lstrip",
    "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition",
    "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "zfill",
  ]

  static func attribute(_ name: String, of text: JinjaText, _ interpreter: JinjaInterpreter) throws
    -> JinjaValue?
  {
    if unsupportedText.contains(name) { throw JinjaFault.unsupported("the method '\(name)' of a text") }
    guard textNames.contains(name) else { return nil }
    return .function(
      JinjaFunction(name) { arguments in
        try interpreter.budget.spend(1 + text.count / 16)
        return try call(name, text, arguments, interpreter)
      })
  }

  private static func call(
    _ name: String, _ text: JinjaText, _ arguments: JinjaArguments, _ interpreter: JinjaInterpreter
  ) throws -> JinjaValue {
    let budget = interpreter.budget
    func bound(_ names: [String], required: Int = 0) throws -> [JinjaValue?] {
      try arguments.bind(names, required: required, in: "\(name)()")
    }
    func argument(_ value: JinjaValue?) throws -> JinjaText { try (value ?? .none).exactText("\(name)()") }
    func number(_ value: JinjaValue?) throws -> Int? {
      guard let value, !interpreter.isNone(value) else { return nil }
      guard let number = value.integer else { throw JinjaFault.failed("\(name)() needs a whole number") }
      return number
    }
    switch name {
    case "strip", "lstrip", "rstrip":
      let given = try bound(["chars"])[0]
      let set = try given.flatMap { interpreter.isNone($0) ? nil : try argument($0) }
      return .text(text.stripped(set, left: name != "rstrip", right: name != "lstrip"))
    case "upper", "lower", "capitalize", "title", "swapcase":
      _ = try bound([])
      return .text(
        name == "upper"
          ? text.uppercased
          : name == "lower"
            ? text.lowercased
            : name == "capitalize" ? text.capitalized : name == "title" ? text.titlecased : text.swappedCase)
    case "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace",
      "isupper":
      _ = try bound([])
      return .bool(has(name, text))
    case "startswith", "endswith":
      let given = try bound(["prefix", "start", "end"], required: 1)
      let part = text.part(try number(given[1]), try number(given[2]))
      var choices = [given[0] ?? .none]
      if case .tuple(let several)? = given[0] { choices = several }
      return .bool(
        try choices.contains {
          let affix = try argument($0)
          guard let part else { return false }
          return name == "startswith" ? part.hasPrefix(affix) : part.hasSuffix(affix)
        })
    case "find", "rfind", "index", "rindex", "count":
      let given = try bound(["sub", "start", "end"], required: 1)
      return try find(name, text, try argument(given[0]), try number(given[1]), try number(given[2]))
    case "split", "rsplit":
      let given = try bound(["sep", "maxsplit"])
      let limit = try number(given[1]) ?? -1
      guard let separator = given[0], !interpreter.isNone(separator) else {
        return .list(
          (name == "split" ? text.words(limit: limit) : text.wordsFromEnd(limit: limit)).map(JinjaValue.text))
      }
      let between = try argument(separator)
      if between.isEmpty { throw JinjaFault.failed("empty separator") }
      let pieces =
        name == "split" ? text.split(between, limit: limit) : text.splitFromEnd(between, limit: limit)
      return .list(pieces.map(JinjaValue.text))
    case "splitlines":
      let keeps = try bound(["keepends"])[0]?.truth(budget) ?? false
      return .list(text.lines(keepingEnds: keeps).map(JinjaValue.text))
    case "partition", "rpartition":
      let separator = try argument(try bound(["sep"], required: 1)[0])
      if separator.isEmpty { throw JinjaFault.failed("empty separator") }
      guard let place = name == "partition" ? text.find(separator) : text.findLast(separator) else {
        return .tuple(
          name == "partition"
            ? [.text(text), .text(.empty), .text(.empty)] : [.text(.empty), .text(.empty), .text(text)])
      }
      return .tuple([
        .text(JinjaText(text.scalars[..<place])), .text(separator),
        .text(JinjaText(text.scalars[(place + separator.count)...])),
      ])
    case "replace":
      let given = try bound(["old", "new", "count"], required: 2)
      return .text(
        try interpreter.replace(
          text, try argument(given[0]), try argument(given[1]), try number(given[2]) ?? -1))
    case "removeprefix":
      let affix = try argument(try bound(["prefix"], required: 1)[0])
      return .text(text.hasPrefix(affix) ? JinjaText(text.scalars.dropFirst(affix.count)) : text)
    case "removesuffix":
      let affix = try argument(try bound(["suffix"], required: 1)[0])
      return .text(text.hasSuffix(affix) ? JinjaText(text.scalars.dropLast(affix.count)) : text)
    case "join":
      let elements = try (try bound(["iterable"], required: 1)[0] ?? .none).elements(budget)
      var result = JinjaText.empty
      for (place, element) in elements.enumerated() {
        let part = try argument(element)
        try budget.allow(result.count + part.count + text.count, adding: part.count + text.count)
        if place > 0 { result.scalars += text.scalars }
        result.scalars += part.scalars
      }
      return .text(result)
    case "format": return .text(try JinjaFormat.braces(text, arguments, interpreter))
    case "center", "ljust", "rjust":
      let given = try bound(["width", "fillchar"], required: 1)
      let fill = try given[1].map { try argument($0) } ?? JinjaText(" ")
      guard fill.count == 1 else {
        throw JinjaFault.failed("The fill character must be exactly one character long")
      }
      let width = try number(given[0]) ?? 0
      if name == "center" { return .text(try centered(text, width, fill.scalars[0], budget)) }
      let missing = max(0, width) - text.count
      guard missing > 0 else { return .text(text) }
      try budget.allow(max(0, width))
      let padding = JinjaText(Array(repeating: fill.scalars[0], count: missing))
      return .text(name == "ljust" ? text + padding : padding + text)
    case "zfill":
      let width = try number(try bound(["width"], required: 1)[0]) ?? 0
      guard width > text.count else { return .text(text) }
      try budget.allow(width)
      let zeros = Array(repeating: Unicode.Scalar("0"), count: width - text.count)
      let hasSign = text.scalars.first == "-" || text.scalars.first == "+"
      let head = hasSign ? Array(text.scalars.prefix(1)) : []
      return .text(JinjaText(head + zeros + text.scalars.dropFirst(head.count)))
    default: throw JinjaFault.unsupported("the method '\(name)' of a text")
    }
  }

  private static func has(_ name: String, _ text: JinjaText) -> Bool {
    switch name {
    case "isalnum": text.isAlphanumeric
    case "isalpha": text.isAlpha
    case "isascii": text.isASCII
    case "isdecimal": text.isDecimal
    case "isdigit": text.isDigit
    case "islower": text.isLower
    case "isnumeric": text.isNumeric
    case "isspace": text.isSpace
    default: text.isUpper
    }
  }

  private static func find(
    _ name: String, _ text: JinjaText, _ wanted: JinjaText, _ start: Int?, _ end: Int?
  ) throws -> JinjaValue {
    let (from, to) = text.bounds(start, end)
    if name == "count" {
      return .int(from > to ? 0 : JinjaText(text.scalars[from..<to]).occurrences(of: wanted))
    }
    let place =
      from > to
      ? nil
      : name.hasPrefix("r")
        ? text.findLast(wanted, from: from, to: to) : text.find(wanted, from: from, to: to)
    if place == nil && name.hasSuffix("index") { throw JinjaFault.failed("substring not found") }
    return .int(place ?? -1)
  }

  /// Python's centring: an odd space goes left when the width is odd.
  static func centered(_ text: JinjaText, _ width: Int, _ fill: Unicode.Scalar, _ budget: JinjaBudget) throws
    -> JinjaText
  {
    guard width > text.count else { return text }
    try budget.allow(width)
    let missing = width - text.count
    let left = missing / 2 + (missing & width & 1)
    return JinjaText(
      Array(repeating: fill, count: left) + text.scalars + Array(repeating: fill, count: missing - left))
  }
}

extension JinjaText {
  /// Python's clamped bounds; the first lies behind the second where nothing is between.
  func bounds(_ start: Int?, _ end: Int?) -> (Int, Int) {
    func clamp(_ value: Int) -> Int { value < 0 ? max(0, value + count) : value }
    let from = clamp(start ?? 0)
    let to = min(clamp(end ?? count), count)
    return from > count ? (1, 0) : (from, to)
  }

  /// The part between two places, nil where the first lies behind the second.
  func part(_ start: Int?, _ end: Int?) -> JinjaText? {
    let (from, to) = bounds(start, end)
    return from > to ? nil : JinjaText(scalars[from..<to])
  }
}

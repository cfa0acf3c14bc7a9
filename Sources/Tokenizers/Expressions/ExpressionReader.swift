/// Takes a pattern apart.
struct ExpressionReader {
  private let text: [UInt32]
  private var index = 0
  private var depth = 0
  private var options = Options()

  private struct Options: Equatable {
    var foldsCase = false
    /// `(?m)` of Ruby: the point takes line feeds too.
    var pointTakesLines = false
    /// `(?x)`: white space and comments are left out.
    var extended = false
  }

  init(_ source: String) { text = source.unicodeScalars.map(\.value) }

  /// The whole pattern.
  /// - Throws: ``ExpressionError``.
  mutating func tree() throws -> ExpressionTree {
    let tree = try alternatives()
    if index < text.count { throw ExpressionError.malformed("a closing parenthesis without its opening one") }
    return tree
  }

  // MARK: Reading scalars

  private func peek(_ offset: Int = 0) -> UInt32? { index + offset < text.count ? text[index + offset] : nil }

  private func isNext(_ literal: StaticString) -> Bool {
    guard index + literal.utf8CodeUnitCount <= text.count else { return false }
    for offset in 0..<literal.utf8CodeUnitCount
    where text[index + offset] != UInt32(literal.utf8Start[offset]) {
      return false
    }
    return true
  }

  private mutating func take(_ literal: StaticString) -> Bool {
    guard isNext(literal) else { return false }
    index += literal.utf8CodeUnitCount
    return true
  }

  private mutating func next(_ wanted: String) throws -> UInt32 {
    guard index < text.count else { throw ExpressionError.malformed("\(wanted) expected at the end") }
    defer { index += 1 }
    return text[index]
  }

  private static func name(_ value: UInt32) -> String { Unicode.Scalar(value).map { String($0) } ?? "?" }

  // MARK: Alternatives, sequences, repetitions

  private mutating func alternatives() throws -> ExpressionTree {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 100 else { throw ExpressionError.refused("groups nested deeper than 100 levels") }
    let outer = options
    defer { options = outer }
    var parts = [try sequence()]
    while take("|") { parts.append(try sequence()) }
    return parts.count == 1 ? parts[0] : .alternatives(parts)
  }

  private mutating func sequence() throws -> ExpressionTree {
    var parts: [ExpressionTree] = []
    while let value = peek(), value != UInt32(UInt8(ascii: "|")), value != UInt32(UInt8(ascii: ")")) {
      if options.extended, try skipLayout() { continue }
      if take("(?#") {
        while try next("the end of a comment") != UInt32(UInt8(ascii: ")")) {}
        continue
      }
      if let tail = try optionChange() {
        // Options without a group hold to the end of the group around them, further alternatives included.
        parts.append(tail)
        break
      }
      var part = try atom()
      while let repeated = try repetition(of: part) { part = repeated }
      parts.append(part)
      try checkFolding(&parts)
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func skipLayout() throws -> Bool {
    guard let value = peek() else { return false }
    if value == 32 || (9...13).contains(value) {
      index += 1
      return true
    }
    guard take("#") else { return false }
    while let value = peek(), value != 10 {
      _ = value
      index += 1
    }
    return true
  }

  /// `(?imx-imx)`: the rest of the group under these options.
  private mutating func optionChange() throws -> ExpressionTree? {
    let before = index
    guard take("(?") else { return nil }
    guard let changed = try optionLetters(), take(")") else {
      index = before
      return nil
    }
    options = changed
    return try alternatives()
  }

  /// Letters of options, nil where there are none; `)` or `:` follows.
  private mutating func optionLetters() throws -> Options? {
    var changed = options
    var on = true
    var seen = false
    while let letter = peek() {
      switch letter {
      case UInt32(UInt8(ascii: "i")): changed.foldsCase = on
      case UInt32(UInt8(ascii: "m")): changed.pointTakesLines = on
      case UInt32(UInt8(ascii: "x")): changed.extended = on
      case UInt32(UInt8(ascii: "-")): on = false
      case UInt32(UInt8(ascii: ")")), UInt32(UInt8(ascii: ":")): return seen ? changed : nil
      default:
        if seen || (letter >= 97 && letter <= 122) {
          throw ExpressionError.refused("the option \(Self.name(letter)) of a group")
        }
        return nil
      }
      seen = true
      index += 1
    }
    return nil
  }

  /// One repetition behind a part; nil where none follows.
  private mutating func repetition(of part: ExpressionTree) throws -> ExpressionTree? {
    if options.extended { while try skipLayout() {} }
    var least = 0
    var most: Int?
    var interval = false
    if take("*") {
    } else if take("+") {
      least = 1
    } else if take("?") {
      most = 1
    } else if let counts = try counts() {
      (least, most) = counts
      interval = true
    } else {
      return nil
    }
    if case .place = part { throw ExpressionError.refused("a repeated anchor") }
    if case .look = part { throw ExpressionError.refused("a repeated group that looks around") }
    if part.isNullable && most != 1 {
      throw ExpressionError.refused("a repetition of what may be empty")
    }
    var greed = ExpressionTree.Greed.greedy
    if interval && least == most && isNext("?") {
      // `{n}?` is no lazy one but an optional one.
      return .repeated(part, least: least, most: most, .greedy)
    }
    if take("?") {
      greed = .lazy
    } else if !interval && take("+") {
      greed = .possessive
    }
    return .repeated(part, least: least, most: most, greed)
  }

  /// `{n}`, `{n,}`, `{n,m}` or `{,m}`; nil where the brace is a literal one.
  private mutating func counts() throws -> (Int, Int?)? {
    let before = index
    guard take("{") else { return nil }
    func number() -> (Int, Int)? {
      var value = 0
      var end = index
      while end < text.count, text[end] >= 48, text[end] <= 57 {
        value = min(value * 10 + Int(text[end] - 48), 1_000_000)
        end += 1
      }
      return end > index ? (value, end) : nil
    }
    var least: Int?
    var most: Int?
    if let (value, end) = number() {
      least = value
      index = end
    }
    if take(",") {
      if let (value, end) = number() {
        most = value
        index = end
      }
      if least == nil && most == nil {
        index = before
        return nil
      }
    } else {
      most = least
    }
    guard least != nil || most != nil, take("}") else {
      index = before
      return nil
    }
    let from = least ?? 0
    guard from <= 1000, most ?? 0 <= 1000 else {
      throw ExpressionError.refused("a repetition of more than 1000 times")
    }
    if let most, most < from { throw ExpressionError.refused("a repetition whose bounds are exchanged") }
    return (from, most)
  }

  // MARK: Atoms

  private mutating func atom() throws -> ExpressionTree {
    let value = try next("a part")
    switch value {
    case UInt32(UInt8(ascii: "(")): return try group()
    case UInt32(UInt8(ascii: "[")): return .set(try bracket(), folded: nil)
    case UInt32(UInt8(ascii: ".")):
      return .set(
        options.pointTakesLines ? ScalarSet().complement : ScalarSet(10...10).complement, folded: nil)
    case UInt32(UInt8(ascii: "^")): return .place(.lineStart)
    case UInt32(UInt8(ascii: "$")): return .place(.lineEnd)
    case UInt32(UInt8(ascii: "\\")): return try escape()
    case UInt32(UInt8(ascii: "*")), UInt32(UInt8(ascii: "+")), UInt32(UInt8(ascii: "?")):
      throw ExpressionError.malformed("a repetition of nothing")
    default: return try literal(value)
    }
  }

  private mutating func group() throws -> ExpressionTree {
    if take("*") { throw ExpressionError.refused("a verb in parentheses ((*…))") }
    guard take("?") else { return try rest { $0 } }
    if take(":") { return try rest { $0 } }
    if take("=") { return try rest { .look($0, ahead: true, negative: false) } }
    if take("!") { return try rest { .look($0, ahead: true, negative: true) } }
    if take(">") { return try rest { .atomic($0) } }
    if take("<=") { return try behind(negative: false) }
    if take("<!") { return try behind(negative: true) }
    if take("<") || take("'") {
      // A name; groups are not asked for by it, since backreferences are refused.
      while let value = peek(), value != UInt32(UInt8(ascii: ">")), value != UInt32(UInt8(ascii: "'")) {
        _ = value
        index += 1
      }
      _ = try next("the end of a name")
      return try rest { $0 }
    }
    if isNext("(") { throw ExpressionError.refused("a condition ((?(…)…))") }
    if isNext("~") { throw ExpressionError.refused("an absent group ((?~…))") }
    if isNext("P") { throw ExpressionError.refused("a group named as in Python ((?P<…>…))") }
    guard let changed = try optionLetters(), take(":") else {
      throw ExpressionError.refused("a group that begins with (?\(peek().map(Self.name) ?? "")")
    }
    let outer = options
    options = changed
    defer { options = outer }
    return try rest { $0 }
  }

  private mutating func rest(_ wrap: (ExpressionTree) -> ExpressionTree) throws -> ExpressionTree {
    let body = try alternatives()
    guard take(")") else { throw ExpressionError.malformed("a group without its closing parenthesis") }
    return wrap(body)
  }

  private mutating func behind(negative: Bool) throws -> ExpressionTree {
    let tree = try rest { .look($0, ahead: false, negative: negative) }
    if case .look(let body, _, _) = tree {
      if body.lengths == nil { throw ExpressionError.refused("looking behind at a text of unbounded length") }
      if body.holdsAtoms { throw ExpressionError.refused("looking behind at what is not given back") }
    }
    return tree
  }

  private mutating func literal(_ value: UInt32) throws -> ExpressionTree {
    var set = ScalarSet(value...value)
    guard options.foldsCase else { return .set(set, folded: nil) }
    try ExpressionFolding.close(&set)
    return .set(set, folded: value | 0x20 &- 97 < 26 ? value | 0x20 : value)
  }

  /// Two letters under folded case that some single scalar folds to (`ss` and `ß`) are refused.
  private func checkFolding(_ parts: inout [ExpressionTree]) throws {
    guard parts.count > 1, case .set(_, let last?) = parts[parts.count - 1],
      case .set(_, let before?) = parts[parts.count - 2]
    else { return }
    if ExpressionFolding.joins(before, last) {
      throw ExpressionError.refused("\(Self.name(before))\(Self.name(last)) under folded case")
    }
  }

  private mutating func escape() throws -> ExpressionTree {
    let value = try next("what a backslash stands before")
    switch value {
    case UInt32(UInt8(ascii: "A")): return .place(.textStart)
    case UInt32(UInt8(ascii: "z")): return .place(.textEnd)
    case UInt32(UInt8(ascii: "Z")): return .place(.lastLineEnd)
    case UInt32(UInt8(ascii: "b")): return .place(.wordEdge)
    case UInt32(UInt8(ascii: "B")): return .place(.noWordEdge)
    case UInt32(UInt8(ascii: "1"))...UInt32(UInt8(ascii: "9")), UInt32(UInt8(ascii: "k")):
      throw ExpressionError.refused("a backreference (\\\(Self.name(value)))")
    case UInt32(UInt8(ascii: "g")): throw ExpressionError.refused("a call of a group (\\g)")
    default: break
    }
    if let set = try classEscape(value, inBracket: false) { return .set(set, folded: nil) }
    return try literal(try characterEscape(value))
  }

  /// `\d`, `\p{…}` and their like; nil for other escapes.
  private mutating func classEscape(_ value: UInt32, inBracket: Bool) throws -> ScalarSet? {
    switch value {
    case UInt32(UInt8(ascii: "d")): return ExpressionProperties.digits
    case UInt32(UInt8(ascii: "D")): return ExpressionProperties.digits.complement
    case UInt32(UInt8(ascii: "w")): return ExpressionProperties.words(inBracket: inBracket)
    case UInt32(UInt8(ascii: "W")): return ExpressionProperties.words(inBracket: inBracket).complement
    case UInt32(UInt8(ascii: "s")): return ExpressionProperties.spaces
    case UInt32(UInt8(ascii: "S")): return ExpressionProperties.spaces.complement
    case UInt32(UInt8(ascii: "h")): return ExpressionProperties.hexadecimals
    case UInt32(UInt8(ascii: "H")): return ExpressionProperties.hexadecimals.complement
    case UInt32(UInt8(ascii: "p")), UInt32(UInt8(ascii: "P")):
      guard take("{") else { throw ExpressionError.refused("\\p without braces") }
      var negative = value == UInt32(UInt8(ascii: "P"))
      if take("^") { negative.toggle() }
      var name = ""
      while true {
        let value = try next("the end of a property's name")
        if value == UInt32(UInt8(ascii: "}")) { break }
        name += Self.name(value)
      }
      guard let set = ExpressionProperties.set(named: name) else {
        throw ExpressionError.refused("the property \\p{\(name)}")
      }
      return negative ? set.complement : set
    default: return nil
    }
  }

  /// The scalar that an escape stands for.
  private mutating func characterEscape(_ value: UInt32) throws -> UInt32 {
    switch value {
    case UInt32(UInt8(ascii: "t")): return 9
    case UInt32(UInt8(ascii: "n")): return 10
    case UInt32(UInt8(ascii: "v")): return 11
    case UInt32(UInt8(ascii: "f")): return 12
    case UInt32(UInt8(ascii: "r")): return 13
    case UInt32(UInt8(ascii: "a")): return 7
    case UInt32(UInt8(ascii: "e")): return 27
    case UInt32(UInt8(ascii: "x")):
      if take("{") {
        let code = hexadecimal(most: 8)
        guard let code, take("}") else { throw ExpressionError.malformed("\\x{…} without a number") }
        return try checked(code)
      }
      // One byte; above 7F it would be a part of a scalar.
      guard let code = hexadecimal(most: 2) else { throw ExpressionError.malformed("\\x without a number") }
      guard code < 0x80 else { throw ExpressionError.refused("\\x of a single byte above 7F") }
      return code
    case UInt32(UInt8(ascii: "u")):
      let start = index
      guard let code = hexadecimal(most: 4), index - start == 4 else {
        throw ExpressionError.malformed("\\u without four digits")
      }
      return try checked(code)
    case UInt32(UInt8(ascii: "0")):
      var code: UInt32 = 0
      var digits = 0
      while digits < 2, let digit = peek(), digit >= 48, digit < 56 {
        code = code * 8 + digit - 48
        index += 1
        digits += 1
      }
      return code
    default:
      if value < 0x80, value | 0x20 &- 97 < 26 || value &- 48 < 10 {
        throw ExpressionError.refused("the escape \\\(Self.name(value))")
      }
      return value
    }
  }

  private func checked(_ code: UInt32) throws -> UInt32 {
    guard Unicode.Scalar(code) != nil else {
      throw ExpressionError.malformed("U+\(String(code, radix: 16, uppercase: true)) is no scalar")
    }
    return code
  }

  private mutating func hexadecimal(most: Int) -> UInt32? {
    var value: UInt32 = 0
    var digits = 0
    while digits < most, let code = peek(), code < 0x80,
      let digit = Unicode.Scalar(code).flatMap({ UInt32(String($0), radix: 16) })
    {
      value = value << 4 | digit
      index += 1
      digits += 1
    }
    return digits > 0 ? value : nil
  }

  // MARK: Brackets

  /// What stands between `[` and `]`.
  private mutating func bracket() throws -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 100 else { throw ExpressionError.refused("brackets nested deeper than 100 levels") }
    let negative = take("^")
    var result: ScalarSet?
    var part = ScalarSet()
    var isFirst = true
    while true {
      guard let value = peek() else { throw ExpressionError.malformed("a bracket without its end") }
      if value == UInt32(UInt8(ascii: "]")) {
        if isFirst { throw ExpressionError.refused("a bracket that begins with ]") }
        index += 1
        break
      }
      isFirst = false
      if take("&&") {
        try fold(&part)
        if result == nil { result = part } else { result?.formIntersection(part) }
        part = ScalarSet()
        continue
      }
      try bracketItem(into: &part)
    }
    try fold(&part)
    if var both = result {
      both.formIntersection(part)
      part = both
    }
    return negative ? part.complement : part
  }

  private func fold(_ set: inout ScalarSet) throws {
    if options.foldsCase { try ExpressionFolding.close(&set) }
  }

  private mutating func bracketItem(into set: inout ScalarSet) throws {
    if isNext("[:"), let named = try posixClass() {
      set.formUnion(named)
      return
    }
    if take("[") {
      set.formUnion(try bracket())
      return
    }
    let first: UInt32
    if take("\\") {
      let value = try next("what a backslash stands before")
      if let named = try classEscape(value, inBracket: true) {
        set.formUnion(named)
        if isNext("-"), peek(1) != UInt32(UInt8(ascii: "]")) {
          throw ExpressionError.refused("a range that begins with a class")
        }
        return
      }
      first = value == UInt32(UInt8(ascii: "b")) ? 8 : try characterEscape(value)
    } else {
      first = try next("a scalar")
    }
    guard isNext("-"), let after = peek(1), after != UInt32(UInt8(ascii: "]")) else {
      set.insert(first)
      return
    }
    index += 1
    if isNext("[") || isNext("&&") { throw ExpressionError.refused("a range that ends with a class") }
    var last = try next("the end of a range")
    if last == UInt32(UInt8(ascii: "\\")) {
      let value = try next("what a backslash stands before")
      if try classEscape(value, inBracket: true) != nil {
        throw ExpressionError.refused("a range that ends with a class")
      }
      last = value == UInt32(UInt8(ascii: "b")) ? 8 : try characterEscape(value)
    }
    guard first <= last else { throw ExpressionError.malformed("a range whose bounds are exchanged") }
    set.insert(first...last)
  }

  /// `[:alpha:]` and its like; nil where it is none.
  private mutating func posixClass() throws -> ScalarSet? {
    let before = index
    guard take("[:") else { return nil }
    let negative = take("^")
    var name = ""
    while let value = peek(), value | 0x20 &- 97 < 26 {
      name += Self.name(value)
      index += 1
    }
    guard take(":]") else {
      index = before
      return nil
    }
    guard let set = ExpressionProperties.posix(name) else {
      throw ExpressionError.refused("the class [:\(name):]")
    }
    return negative ? set.complement : set
  }
}

/// Case folding, as far as it is exact here: ASCII letters and what folds to them.
enum ExpressionFolding {
  /// Adds what differs from members in case only.
  /// - Throws: ``ExpressionError/refused(_:)`` for letters outside ASCII that have case.
  static func close(_ set: inout ScalarSet) throws {
    var more: [UInt32] = []
    try set.forEach { value in
      if value < 0x80 {
        guard value | 0x20 &- 97 < 26 else { return }
        more.append(value ^ 0x20)
        if value | 0x20 == 0x6B { more.append(0x212A) }
        if value | 0x20 == 0x73 { more.append(0x17F) }
      } else if value == 0x212A || value == 0x17F {
        more += value == 0x17F ? [0x53, 0x73] : [0x4B, 0x6B]
      } else if let properties = Unicode.Scalar(value)?.properties,
        properties.isCased || properties.changesWhenCaseFolded
      {
        throw ExpressionError.refused(
          "U+\(String(value, radix: 16, uppercase: true)) under folded case")
      }
    }
    for value in more { set.insert(value) }
  }

  /// Whether a single scalar folds to these two.
  static func joins(_ first: UInt32, _ second: UInt32) -> Bool {
    switch (first, second) {
    case (0x73, 0x73), (0x66, 0x66), (0x66, 0x69), (0x66, 0x6C), (0x73, 0x74): true
    case (_, 0x307), (_, 0x30C), (_, 0x331), (_, 0x308), (_, 0x30A), (_, 0x2BE), (0x2BC, _): true
    default: false
    }
  }
}

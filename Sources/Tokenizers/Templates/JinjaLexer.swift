/// One token of a template.
struct JinjaToken: Sendable {
  enum Kind: Equatable, Sendable {
    /// Text between tags.
    case data(JinjaText)
    case variableBegin, variableEnd, blockBegin, blockEnd
    case name(String)
    case string(JinjaText)
    case integer(Int)
    case float(Double)
    case symbol(String)
    case end
  }

  var kind: Kind
  /// From 1.
  var line: Int
}

/// Cuts a template into tokens, with the settings of transformers: the line end after a block tag goes
/// (`trim_blocks`), and so do the spaces before a block tag that begins a line (`lstrip_blocks`).
struct JinjaLexer {
  private let source: [Unicode.Scalar]
  private var place = 0
  private var line = 1
  private var tokens: [JinjaToken] = []
  /// Whether what comes next begins a line.
  private var lineStarts = true

  /// The tokens of a template, the last of which is ``JinjaToken/Kind/end``.
  /// - Throws: ``JinjaFault``.
  static func tokens(of source: String) throws -> [JinjaToken] {
    var lexer = JinjaLexer(source)
    try lexer.run()
    return lexer.tokens
  }

  private init(_ source: String) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(source.utf8.count)
    var previous: Unicode.Scalar?
    for scalar in source.unicodeScalars {
      if scalar == "\r" {
        scalars.append("\n")
      } else if !(scalar == "\n" && previous == "\r") {
        scalars.append(scalar)
      }
      previous = scalar
    }
    if scalars.last == "\n" { scalars.removeLast() }
    self.source = scalars
  }

  private enum Tag { case block, variable, comment, raw(end: Int, strips: Bool) }

  private func at(_ text: String, _ place: Int) -> Bool {
    var index = place
    for scalar in text.unicodeScalars {
      guard index < source.count, source[index] == scalar else { return false }
      index += 1
    }
    return true
  }

  private func skippingSpace(_ place: Int) -> Int {
    var index = place
    while index < source.count && JinjaText.isSpace(source[index]) { index += 1 }
    return index
  }

  /// The tag that begins at a place.
  private func tag(_ place: Int) -> Tag? {
    guard place + 1 < source.count, source[place] == "{" else { return nil }
    switch source[place + 1] {
    case "%":
      if let raw = rawBegin(place) { return raw }
      return .block
    case "{": return .variable
    case "#": return .comment
    default: return nil
    }
  }

  private func sign(_ place: Int) -> Unicode.Scalar? {
    guard place < source.count, source[place] == "-" || source[place] == "+" else { return nil }
    return source[place]
  }

  /// `{% raw %}`: its end, and whether whitespace after it goes.
  private func rawBegin(_ place: Int) -> Tag? {
    var index = place + 2
    if sign(index) != nil { index += 1 }
    index = skippingSpace(index)
    guard at("raw", index) else { return nil }
    index = skippingSpace(index + 3)
    if at("-%}", index) { return .raw(end: skippingSpace(index + 3), strips: true) }
    return at("%}", index) ? .raw(end: index + 2, strips: false) : nil
  }

  private mutating func add(_ kind: JinjaToken.Kind) { tokens.append(JinjaToken(kind: kind, line: line)) }

  /// Moves on and counts the lines that are left behind.
  private mutating func move(to end: Int) {
    for index in place..<end where source[index] == "\n" { line += 1 }
    if end > place { lineStarts = source[end - 1] == "\n" }
    place = end
  }

  private mutating func run() throws {
    while place < source.count {
      var end = place
      var found: Tag?
      while end < source.count {
        found = tag(end)
        if found != nil { break }
        end += 1
      }
      guard let found else {
        add(.data(JinjaText(source[place...])))
        break
      }
      let sign = sign(end + 2)
      var kept = end
      if sign == "-" {
        while kept > place && JinjaText.isSpace(source[kept - 1]) { kept -= 1 }
      } else if sign != "+" {
        if case .variable = found {} else { kept = strippingIndent(to: end) }
      }
      if kept > place { add(.data(JinjaText(source[place..<kept]))) }
      move(to: end)
      switch found {
      case .block: try tag(signed: sign != nil, closing: "%}", begin: .blockBegin, end: .blockEnd)
      case .variable: try tag(signed: sign != nil, closing: "}}", begin: .variableBegin, end: .variableEnd)
      case .comment: try comment(signed: sign != nil)
      case .raw(let end, _): try raw(from: end)
      }
    }
    add(.end)
  }

  /// Where the text before a block tag ends when the spaces at the beginning of the tag's line go.
  private func strippingIndent(to end: Int) -> Int {
    var start = end
    while start > place && source[start - 1] != "\n" && JinjaText.isSpace(source[start - 1]) { start -= 1 }
    let begins = start > place ? source[start - 1] == "\n" : lineStarts
    return begins ? start : end
  }

  /// The end of a closing tag with its whitespace rule, when one is here.
  private func closing(_ text: String, _ place: Int, trims: Bool) -> Int? {
    if at("-" + text, place) { return skippingSpace(place + 1 + text.unicodeScalars.count) }
    if trims && at("+" + text, place) { return place + 1 + text.unicodeScalars.count }
    guard at(text, place) else { return nil }
    let end = place + text.unicodeScalars.count
    return trims && end < source.count && source[end] == "\n" ? end + 1 : end
  }

  private mutating func comment(signed: Bool) throws {
    var index = place + (signed ? 3 : 2)
    while index < source.count {
      if let end = closing("#}", index, trims: true) { return move(to: end) }
      index += 1
    }
    throw JinjaFault.syntax("Missing end of comment tag", line: line)
  }

  private mutating func raw(from start: Int) throws {
    move(to: start)
    var index = place
    while index < source.count {
      if at("{%", index), let end = rawEnd(index) {
        var kept = index
        if sign(index + 2) == "-" {
          while kept > place && JinjaText.isSpace(source[kept - 1]) { kept -= 1 }
        } else if sign(index + 2) != "+" {
          kept = strippingIndent(to: index)
        }
        if kept > place { add(.data(JinjaText(source[place..<kept]))) }
        return move(to: end)
      }
      index += 1
    }
    throw JinjaFault.syntax("Missing end of raw directive", line: line)
  }

  private func rawEnd(_ place: Int) -> Int? {
    var index = place + 2
    if sign(index) != nil { index += 1 }
    index = skippingSpace(index)
    guard at("endraw", index) else { return nil }
    return closing("%}", skippingSpace(index + 6), trims: true)
  }

  // MARK: Inside of tags

  private static let symbols = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
    "=", ".", ":", "|", ",", ";",
  ]

  private mutating func tag(
    signed: Bool, closing text: String, begin: JinjaToken.Kind, end kind: JinjaToken.Kind
  ) throws {
    add(begin)
    move(to: place + (signed ? 3 : 2))
    var open: [String] = []
    while place < source.count {
      if open.isEmpty, let end = closing(text, place, trims: text == "%}") {
        add(kind)
        return move(to: end)
      }
      let scalar = source[place]
      if JinjaText.isSpace(scalar) {
        move(to: place + 1)
      } else if try number() || name() {
        continue
      } else if scalar == "'" || scalar == "\"" {
        try string(scalar)
      } else {
        guard let symbol = Self.symbols.first(where: { at($0, place) }) else {
          throw JinjaFault.syntax("unexpected char '\(scalar)'", line: line)
        }
        switch symbol {
        case "(": open.append(")")
        case "[": open.append("]")
        case "{": open.append("}")
        case ")", "]", "}":
          guard let expected = open.popLast() else {
            throw JinjaFault.syntax("unexpected '\(symbol)'", line: line)
          }
          if expected != symbol {
            throw JinjaFault.syntax("unexpected '\(symbol)', expected '\(expected)'", line: line)
          }
        default: break
        }
        add(.symbol(symbol))
        move(to: place + symbol.unicodeScalars.count)
      }
    }
  }

  private func isDigit(_ place: Int) -> Bool { place < source.count && ("0"..."9").contains(source[place]) }

  /// Digits with single underscores between them.
  private func digits(_ place: Int) -> Int {
    var index = place
    while isDigit(index)
      || (index > place && index < source.count && source[index] == "_" && isDigit(index + 1))
    {
      index += 1
    }
    return index
  }

  private mutating func number() throws -> Bool {
    guard isDigit(place) else { return false }
    let afterDot = place > 0 && source[place - 1] == "."
    func text(_ end: Int) -> String {
      String(String.UnicodeScalarView(source[place..<end].filter { $0 != "_" }))
    }
    if source[place] == "0", place + 1 < source.count {
      let radix: Int? =
        switch source[place + 1] {
        case "x", "X": 16
        case "o", "O": 8
        case "b", "B": 2
        default: nil
        }
      if let radix {
        var end = place + 2
        while end < source.count,
          source[end] == "_" || Int(String(source[end]), radix: radix) != nil
        {
          end += 1
        }
        let digits = text(end).dropFirst(2)
        guard let value = Int(digits, radix: radix) else {
          throw JinjaFault.unsupported("the number \(text(end))", line: line)
        }
        add(.integer(value))
        move(to: end)
        return true
      }
    }
    let whole = digits(place)
    var end = whole
    if !afterDot {
      if end < source.count, source[end] == ".", isDigit(end + 1) { end = digits(end + 1) }
      if end < source.count, source[end] == "e" || source[end] == "E" {
        var exponent = end + 1
        if sign(exponent) != nil { exponent += 1 }
        if isDigit(exponent) { end = digits(exponent) }
      }
    }
    if end > whole {
      guard let value = Double(text(end)) else {
        throw JinjaFault.syntax("the number \(text(end))", line: line)
      }
      add(.float(value))
    } else {
      guard let value = Int(text(end)) else {
        throw JinjaFault.unsupported("the number \(text(end)), beyond 64 bits,", line: line)
      }
      add(.integer(value))
    }
    move(to: end)
    return true
  }

  private mutating func name() throws -> Bool {
    func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
      scalar == "_" || scalar.properties.isIDContinue || scalar.properties.isXIDContinue
    }
    var end = place
    while end < source.count && isNamePart(source[end]) { end += 1 }
    guard end > place else { return false }
    let first = source[place]
    guard first == "_" || first.properties.isXIDStart else {
      throw JinjaFault.syntax("Invalid character in identifier", line: line)
    }
    add(.name(String(String.UnicodeScalarView(source[place..<end]))))
    move(to: end)
    return true
  }

  private mutating func string(_ quote: Unicode.Scalar) throws {
    var end = place + 1
    while end < source.count && source[end] != quote { end += source[end] == "\\" ? 2 : 1 }
    guard end < source.count else {
      throw JinjaFault.syntax("a text whose closing \(quote) is missing", line: line)
    }
    let value = try Self.unescaped(source[(place + 1)..<end], line: line)
    add(.string(value))
    move(to: end + 1)
  }

  /// Python's escapes. A backslash before a scalar beyond ASCII stands for itself, followed by the scalar's own escape
  /// spelt out, as the original has it.
  private static func unescaped(_ body: ArraySlice<Unicode.Scalar>, line: Int) throws -> JinjaText {
    guard body.contains("\\") else { return JinjaText(body) }
    var spelt: [Unicode.Scalar] = []
    var before: Unicode.Scalar?
    for scalar in body {
      if !scalar.isASCII && before == "\\" {
        let value = scalar.value
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        let digits = String(value, radix: 16)
        spelt += "\\\(letter)\(String(repeating: "0", count: width - digits.count))\(digits)".unicodeScalars
      } else {
        spelt.append(scalar)
      }
      before = before == "\\" && scalar == "\\" ? nil : scalar
    }
    var result: [Unicode.Scalar] = []
    var index = 0
    func hexadecimal(_ count: Int) throws -> Unicode.Scalar {
      let digits = String(
        String.UnicodeScalarView(spelt[min(index, spelt.count)..<min(index + count, spelt.count)]))
      guard digits.unicodeScalars.count == count, digits.allSatisfy(\.isHexDigit),
        let value = UInt32(digits, radix: 16)
      else {
        throw JinjaFault.syntax("a truncated escape in a text", line: line)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw JinjaFault.unsupported("the escape of half a surrogate pair", line: line)
      }
      index += count
      return scalar
    }
    while index < spelt.count {
      let scalar = spelt[index]
      index += 1
      guard scalar == "\\", index < spelt.count else {
        result.append(scalar)
        continue
      }
      let escape = spelt[index]
      index += 1
      switch escape {
      case "\n": break
      case "\\", "'", "\"": result.append(escape)
      case "a": result.append("\u{7}")
      case "b": result.append("\u{8}")
      case "f": result.append("\u{C}")
      case "n": result.append("\n")
      case "r": result.append("\r")
      case "t": result.append("\t")
      case "v": result.append("\u{B}")
      case "x": result.append(try hexadecimal(2))
      case "u": result.append(try hexadecimal(4))
      case "U": result.append(try hexadecimal(8))
      case "N": throw JinjaFault.unsupported("the escape \\N", line: line)
      case "0"..."7":
        var value = escape.value - 48
        var count = 1
        while count < 3, index < spelt.count, ("0"..."7").contains(spelt[index]) {
          value = value * 8 + spelt[index].value - 48
          index += 1
          count += 1
        }
        result.append(Unicode.Scalar(value) ?? "?")
      default: result += ["\\", escape]
      }
    }
    return JinjaText(result)
  }
}

/// Makes statements out of a template's tokens.
struct JinjaParser {
  /// Blocks, brackets and operands inside of one another that are followed.
  static let depth = 100
  /// Operators, subscripts or filters in one row.
  static let row = 400

  private let tokens: [JinjaToken]
  private var place = 0
  private var depth = 0
  /// Opened blocks: the tag and its line, for the error about a missing end.
  private var open: [(tag: String, line: Int)] = []
  /// The special names that the bodies of the open macros use.
  private var macroNames: [Set<String>] = []
  /// Loops around the current place, within the current macro.
  private var loops = 0
  /// Whether what is parsed may never be reached: unknown filters are refused only where they are reached.
  var isConditional = false

  /// The statements of a template.
  /// - Throws: ``JinjaFault``.
  static func statements(of source: String) throws -> [JinjaStatement] {
    var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: source))
    return try parser.body(until: [])
  }

  private init(tokens: [JinjaToken]) { self.tokens = tokens }

  // MARK: Tokens

  var current: JinjaToken { tokens[place] }
  var next: JinjaToken { tokens[min(place + 1, tokens.count - 1)] }
  var line: Int { current.line }

  @discardableResult
  mutating func advance() -> JinjaToken {
    let token = tokens[place]
    if place < tokens.count - 1 { place += 1 }
    return token
  }

  func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func skip(_ symbol: String) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: String) throws {
    guard skip(symbol) else { throw unexpected("expected token '\(symbol)'") }
  }

  mutating func expect(_ kind: JinjaToken.Kind, _ what: String) throws {
    guard current.kind == kind else { throw unexpected("expected \(what)") }
    advance()
  }

  mutating func expectName() throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected("expected a name") }
    advance()
    return name
  }

  func unexpected(_ expected: String) -> JinjaFault {
    let got =
      switch current.kind {
      case .data: "text"
      case .variableBegin: "{{"
      case .variableEnd: "}}"
      case .blockBegin: "{%"
      case .blockEnd: "%}"
      case .name(let name): "'\(name)'"
      case .string: "a text"
      case .integer, .float: "a number"
      case .symbol(let symbol): "'\(symbol)'"
      case .end: "the end of the template"
      }
    return .syntax("\(expected), got \(got)\(openBlock)", line: line)
  }

  private var openBlock: String {
    open.last.map { "; the block '\($0.tag)' of line \($0.line) is still open" } ?? ""
  }

  /// Goes one level deeper.
  mutating func deeper<T>(_ work: (inout JinjaParser) throws -> T) throws -> T {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depth else {
      throw JinjaFault(
        kind: .limit, reason: "more than \(Self.depth) levels inside of one another", line: line)
    }
    return try work(&self)
  }

  /// Counts what stands in one row.
  func count(_ row: inout Int) throws {
    row += 1
    guard row <= Self.row else {
      throw JinjaFault(kind: .limit, reason: "more than \(Self.row) operators in one row", line: line)
    }
  }

  mutating func noteName(_ name: String) {
    guard !macroNames.isEmpty, ["caller", "varargs", "kwargs"].contains(name) else { return }
    for index in macroNames.indices { macroNames[index].insert(name) }
  }

  // MARK: Statements

  /// Statements until one of some tags, which is left as the current token; none: until the end.
  private mutating func body(until ends: [String]) throws -> [JinjaStatement] {
    var statements: [JinjaStatement] = []
    while true {
      let token = current
      switch token.kind {
      case .end:
        if ends.isEmpty { return statements }
        throw JinjaFault.syntax("Unexpected end of template\(openBlock)", line: token.line)
      case .data(let text):
        statements.append(JinjaStatement(.data(text), line: token.line))
        advance()
      case .variableBegin:
        advance()
        statements.append(JinjaStatement(.print(try tuple()), line: token.line))
        try expect(.variableEnd, "'}}'")
      case .blockBegin:
        advance()
        if case .name(let name) = current.kind, ends.contains(name) { return statements }
        if let statement = try deeper({ try $0.statement() }) { statements.append(statement) }
        try expect(.blockEnd, "'%}'")
      default: throw unexpected("expected text or a tag")
      }
    }
  }

  /// The body of a block, from the end of its tag until one of some tags; their name is passed.
  private mutating func block(
    _ tag: String, _ line: Int, until ends: [String], conditional: Bool = false
  ) throws -> [JinjaStatement] {
    _ = skip(":")
    try expect(.blockEnd, "'%}'")
    open.append((tag, line))
    let outer = isConditional
    isConditional = outer || conditional
    let statements = try body(until: ends)
    isConditional = outer
    open.removeLast()
    return statements
  }

  private mutating func statement() throws -> JinjaStatement? {
    let line = line
    guard case .name(let tag) = current.kind else { throw unexpected("expected the name of a tag") }
    advance()
    switch tag {
    case "if": return JinjaStatement(try condition(line), line: line)
    case "for": return JinjaStatement(try loop(line), line: line)
    case "set": return JinjaStatement(try set(line), line: line)
    case "with": return JinjaStatement(try with(line), line: line)
    case "macro":
      let name = try expectName()
      let body = try macro(name, tag, line, end: "endmacro", parameters: try signature())
      return JinjaStatement(.macro(body), line: line)
    case "call":
      let parameters = isSymbol("(") ? try signature() : []
      let call = try expression()
      guard case .call = call.node else { throw JinjaFault.syntax("expected call", line: line) }
      let body = try macro(nil, tag, line, end: "endcall", parameters: parameters)
      return JinjaStatement(.callBlock(call, body), line: line)
    case "filter":
      guard let filter = try filters(nil, first: true) else { throw unexpected("expected a filter") }
      let body = try block(tag, line, until: ["endfilter"])
      advance()
      return JinjaStatement(.filterBlock(filter, body: body), line: line)
    case "print":
      var values = [try expression()]
      while skip(",") { values.append(try expression()) }
      if values.count == 1 { return JinjaStatement(.print(values[0]), line: line) }
      return JinjaStatement(.print(JinjaExpression(.concat(values), line: line)), line: line)
    case "generation":
      let loops = loops
      self.loops = 0
      defer { self.loops = loops }
      let body = try block(tag, line, until: ["endgeneration"])
      advance()
      return JinjaStatement(.generation(body), line: line)
    case "break", "continue":
      guard loops > 0 else { throw JinjaFault.syntax("'\(tag)' outside of a loop", line: line) }
      return JinjaStatement(tag == "break" ? .breakLoop : .continueLoop, line: line)
    case "include", "import", "from", "extends", "block", "autoescape", "do", "trans", "debug":
      throw JinjaFault.unsupported("the tag '\(tag)'", line: line)
    default:
      throw JinjaFault.syntax("Encountered unknown tag '\(tag)'\(openBlock)", line: line)
    }
  }

  private mutating func condition(_ line: Int) throws -> JinjaStatement.Node {
    var branches: [(test: JinjaExpression, body: [JinjaStatement])] = []
    while true {
      let test = try tuple(conditional: false)
      branches.append((test, try block("if", line, until: ["elif", "else", "endif"], conditional: true)))
      if skip(name: "elif") { continue }
      if skip(name: "else") {
        let otherwise = try block("if", line, until: ["endif"], conditional: true)
        advance()
        return .condition(branches, otherwise: otherwise)
      }
      advance()
      return .condition(branches, otherwise: [])
    }
  }

  private mutating func loop(_ line: Int) throws -> JinjaStatement.Node {
    let target = try target()
    if target.names.contains("loop") {
      throw JinjaFault.syntax("Can't assign to special loop variable in for-loop target", line: line)
    }
    guard skip(name: "in") else { throw unexpected("expected 'in'") }
    let values = try tuple(conditional: false, ends: ["recursive"])
    let test = skip(name: "if") ? try expression() : nil
    let recursive = skip(name: "recursive")
    loops += 1
    let body = try block("for", line, until: ["endfor", "else"])
    loops -= 1
    var otherwise: [JinjaStatement] = []
    if skip(name: "else") {
      otherwise = try block("for", line, until: ["endfor"])
    }
    advance()
    return .loop(target, values, test: test, recursive: recursive, body: body, otherwise: otherwise)
  }

  private mutating func set(_ line: Int) throws -> JinjaStatement.Node {
    let target = try target(allowsAttribute: true)
    if skip("=") { return .set(target, try tuple()) }
    let filter = try filters(nil, first: false)
    let body = try block("set", line, until: ["endset"])
    advance()
    return .setBlock(target, filter: filter, body: body)
  }

  private mutating func with(_ line: Int) throws -> JinjaStatement.Node {
    var pairs: [(target: JinjaTarget, value: JinjaExpression)] = []
    while current.kind != .blockEnd {
      if !pairs.isEmpty { try expect(",") }
      let target = try target()
      try expect("=")
      pairs.append((target, try expression()))
    }
    let body = try block("with", line, until: ["endwith"])
    advance()
    return .with(pairs, body: body)
  }

  private mutating func signature() throws -> [(name: String, initial: JinjaExpression?)] {
    var parameters: [(name: String, initial: JinjaExpression?)] = []
    try expect("(")
    while !isSymbol(")") {
      if !parameters.isEmpty { try expect(",") }
      let name = try expectName()
      var initial: JinjaExpression?
      if skip("=") {
        initial = try expression()
      } else if parameters.last?.initial != nil {
        throw JinjaFault.syntax("non-default argument follows default argument", line: line)
      }
      parameters.append((name, initial))
    }
    try expect(")")
    return parameters
  }

  private mutating func macro(
    _ name: String?, _ tag: String, _ line: Int, end: String,
    parameters: [(name: String, initial: JinjaExpression?)]
  ) throws -> JinjaMacroBody {
    macroNames.append([])
    let loops = loops
    self.loops = 0
    let body = try block(tag, line, until: [end])
    self.loops = loops
    advance()
    let names = macroNames.removeLast().subtracting(parameters.map(\.name))
    return JinjaMacroBody(
      name: name, parameters: parameters, body: body, usesCaller: names.contains("caller"),
      usesArguments: names.contains("varargs"), usesKeywords: names.contains("kwargs"))
  }

  /// Names, tuples of them and, where allowed, an attribute of a namespace.
  private mutating func target(allowsAttribute: Bool = false) throws -> JinjaTarget {
    func one(_ parser: inout JinjaParser) throws -> JinjaTarget {
      if parser.skip("(") {
        let inner = try parser.deeper { try $0.target(allowsAttribute: allowsAttribute) }
        try parser.expect(")")
        return inner
      }
      let name = try parser.expectName()
      if ["true", "false", "none", "True", "False", "None"].contains(name) {
        throw JinjaFault.syntax("can't assign to '\(name)'", line: parser.line)
      }
      if allowsAttribute && parser.skip(".") {
        return .attribute(namespace: name, try parser.expectName())
      }
      return .name(name)
    }
    var targets = [try one(&self)]
    var isTuple = false
    while skip(",") {
      isTuple = true
      guard case .name(let name) = current.kind else {
        if isSymbol("(") {
          targets.append(try one(&self))
          continue
        }
        break
      }
      if name == "in" { break }
      targets.append(try one(&self))
    }
    return isTuple ? .tuple(targets) : targets[0]
  }
}

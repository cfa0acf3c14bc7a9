/// Expressions, from the loosest operator to the tightest.
extension JinjaParser {
  /// One expression, or several with commas, which make a tuple.
  mutating func tuple(conditional: Bool = true, ends: [String] = [], parenthesised: Bool = false) throws
    -> JinjaExpression
  {
    let line = line
    var values: [JinjaExpression] = []
    var isTuple = false
    while true {
      if !values.isEmpty { try expect(",") }
      if isTupleEnd(ends) { break }
      values.append(try expression(conditional: conditional))
      guard isSymbol(",") else { break }
      isTuple = true
    }
    if !isTuple {
      if values.count == 1 { return values[0] }
      if !parenthesised { throw unexpected("Expected an expression") }
    }
    return JinjaExpression(.tuple(values), line: line)
  }

  private func isTupleEnd(_ ends: [String]) -> Bool {
    switch current.kind {
    case .variableEnd, .blockEnd, .symbol(")"): true
    case .name(let name): ends.contains(name)
    default: false
    }
  }

  mutating func expression(conditional: Bool = true) throws -> JinjaExpression {
    try deeper { parser in
      guard conditional else { return try parser.or() }
      let start = parser.line
      let outer = parser.isConditional
      defer { parser.isConditional = outer }
      var value = try parser.or()
      var row = 0
      while parser.skip(name: "if") {
        try parser.count(&row)
        let test = try parser.or()
        parser.isConditional = true
        let otherwise = parser.skip(name: "else") ? try parser.expression() : nil
        value = JinjaExpression(.conditional(test: test, then: value, otherwise: otherwise), line: start)
      }
      return value
    }
  }

  private mutating func or() throws -> JinjaExpression {
    let line = line
    var value = try and()
    var row = 0
    while skip(name: "or") {
      try count(&row)
      value = JinjaExpression(.or(value, try and()), line: line)
    }
    return value
  }

  private mutating func and() throws -> JinjaExpression {
    let line = line
    var value = try not()
    var row = 0
    while skip(name: "and") {
      try count(&row)
      value = JinjaExpression(.and(value, try not()), line: line)
    }
    return value
  }

  private mutating func not() throws -> JinjaExpression {
    let line = line
    guard skip(name: "not") else { return try comparison() }
    return try deeper { JinjaExpression(.not(try $0.not()), line: line) }
  }

  private mutating func comparison() throws -> JinjaExpression {
    let line = line
    let value = try sum()
    var others: [(operation: JinjaExpression.Comparison, value: JinjaExpression)] = []
    while true {
      var operation: JinjaExpression.Comparison?
      if case .symbol(let symbol) = current.kind { operation = .init(rawValue: symbol) }
      if isName("in") { operation = .isIn }
      if isName("not"), next.kind == .name("in") {
        operation = .notIn
        advance()
      }
      guard let operation else { break }
      advance()
      others.append((operation, try sum()))
    }
    return others.isEmpty ? value : JinjaExpression(.compare(value, others), line: line)
  }

  private mutating func sum() throws -> JinjaExpression {
    let line = line
    var value = try concat()
    var row = 0
    while isSymbol("+") || isSymbol("-") {
      try count(&row)
      let operation: JinjaExpression.Arithmetic = isSymbol("+") ? .add : .subtract
      advance()
      value = JinjaExpression(.arithmetic(operation, value, try concat()), line: line)
    }
    return value
  }

  private mutating func concat() throws -> JinjaExpression {
    let line = line
    var values = [try product()]
    while skip("~") { values.append(try product()) }
    return values.count == 1 ? values[0] : JinjaExpression(.concat(values), line: line)
  }

  private mutating func product() throws -> JinjaExpression {
    let line = line
    var value = try power()
    var row = 0
    while case .symbol(let symbol) = current.kind, ["*", "/", "//", "%"].contains(symbol),
      let operation = JinjaExpression.Arithmetic(rawValue: symbol)
    {
      try count(&row)
      advance()
      value = JinjaExpression(.arithmetic(operation, value, try power()), line: line)
    }
    return value
  }

  private mutating func power() throws -> JinjaExpression {
    let line = line
    var value = try unary()
    var row = 0
    while skip("**") {
      try count(&row)
      value = JinjaExpression(.arithmetic(.power, value, try unary()), line: line)
    }
    return value
  }

  private mutating func unary(filters: Bool = true) throws -> JinjaExpression {
    let line = line
    var value: JinjaExpression
    if skip("-") {
      value = try deeper { JinjaExpression(.negative(try $0.unary(filters: false)), line: line) }
    } else if skip("+") {
      value = try deeper { JinjaExpression(.positive(try $0.unary(filters: false)), line: line) }
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return filters ? try filtersAndTests(value) : value
  }

  private mutating func primary() throws -> JinjaExpression {
    let token = current
    func make(_ node: JinjaExpression.Node) -> JinjaExpression { JinjaExpression(node, line: token.line) }
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return make(.literal(.bool(true)))
      case "false", "False": return make(.literal(.bool(false)))
      case "none", "None": return make(.literal(.none))
      default:
        noteName(name)
        return make(.name(name))
      }
    case .string(let first):
      var text = first
      advance()
      while case .string(let more) = current.kind {
        text = text + more
        advance()
      }
      return make(.literal(.text(text)))
    case .integer(let value):
      advance()
      return make(.literal(.int(value)))
    case .float(let value):
      advance()
      return make(.literal(.float(value)))
    case .symbol("("):
      advance()
      let value = try tuple(parenthesised: true)
      try expect(")")
      return value
    case .symbol("["):
      advance()
      var values: [JinjaExpression] = []
      while !isSymbol("]") {
        if !values.isEmpty { try expect(",") }
        if isSymbol("]") { break }
        values.append(try expression())
      }
      try expect("]")
      return make(.list(values))
    case .symbol("{"):
      advance()
      var pairs: [(key: JinjaExpression, value: JinjaExpression)] = []
      while !isSymbol("}") {
        if !pairs.isEmpty { try expect(",") }
        if isSymbol("}") { break }
        let key = try expression()
        try expect(":")
        pairs.append((key, try expression()))
      }
      try expect("}")
      return make(.dict(pairs))
    default: throw unexpected("expected an expression")
    }
  }

  private mutating func postfix(_ start: JinjaExpression) throws -> JinjaExpression {
    var value = start
    var row = 0
    while true {
      let line = line
      if skip(".") {
        switch advance().kind {
        case .name(let name): value = JinjaExpression(.attribute(value, name), line: line)
        case .integer(let number):
          value = JinjaExpression(
            .item(value, JinjaExpression(.literal(.int(number)), line: line)), line: line)
        default: throw JinjaFault.syntax("expected name or number", line: line)
        }
      } else if skip("[") {
        value = try subscripted(value, line)
      } else if isSymbol("(") {
        value = JinjaExpression(.call(value, try arguments()), line: line)
      } else {
        return value
      }
      try count(&row)
    }
  }

  private mutating func subscripted(_ value: JinjaExpression, _ line: Int) throws -> JinjaExpression {
    var items: [JinjaExpression] = []
    while !isSymbol("]") {
      if !items.isEmpty { try expect(",") }
      var parts: [JinjaExpression?] = [nil, nil, nil]
      var colons = 0
      while !isSymbol("]") && !isSymbol(",") {
        if isSymbol(":") && colons < 2 {
          advance()
          colons += 1
        } else if parts[colons] == nil {
          parts[colons] = try expression()
        } else {
          throw unexpected("expected ']'")
        }
      }
      if colons > 0 {
        guard items.isEmpty, skip("]") else {
          throw JinjaFault.unsupported("a slice among several subscripts", line: line)
        }
        return JinjaExpression(.slice(value, start: parts[0], stop: parts[1], step: parts[2]), line: line)
      }
      guard let item = parts[0] else { throw unexpected("expected a subscript") }
      items.append(item)
    }
    try expect("]")
    guard let first = items.first else { throw JinjaFault.syntax("an empty subscript", line: line) }
    let item = items.count == 1 ? first : JinjaExpression(.tuple(items), line: line)
    return JinjaExpression(.item(value, item), line: line)
  }

  private mutating func arguments() throws -> JinjaExpression.Arguments {
    let line = line
    var arguments = JinjaExpression.Arguments()
    try expect("(")
    func ensure(_ holds: Bool) throws {
      if !holds { throw JinjaFault.syntax("invalid syntax for function call expression", line: line) }
    }
    var isFirst = true
    while !isSymbol(")") {
      if !isFirst {
        try expect(",")
        if isSymbol(")") { break }
      }
      isFirst = false
      if skip("*") {
        try ensure(arguments.list == nil && arguments.mapping == nil)
        arguments.list = try expression()
      } else if skip("**") {
        try ensure(arguments.mapping == nil)
        arguments.mapping = try expression()
      } else if case .name(let name) = current.kind, next.kind == .symbol("=") {
        try ensure(arguments.mapping == nil)
        advance()
        advance()
        arguments.named.append((name, try expression()))
      } else {
        try ensure(arguments.list == nil && arguments.mapping == nil && arguments.named.isEmpty)
        arguments.positional.append(try expression())
      }
    }
    try expect(")")
    return arguments
  }

  private mutating func filtersAndTests(_ start: JinjaExpression) throws -> JinjaExpression {
    var value = start
    var row = 0
    while true {
      let line = line
      if isSymbol("|") {
        advance()
        value = try filter(value)
      } else if isName("is") {
        value = try test(value)
      } else if isSymbol("(") {
        value = JinjaExpression(.call(value, try arguments()), line: line)
      } else {
        return value
      }
      try count(&row)
    }
  }

  /// The filters of a block: `upper | trim`, around a value that is not there yet.
  mutating func filters(_ start: JinjaExpression?, first: Bool) throws -> JinjaExpression? {
    var value = first ? try filter(start) : start
    var row = 0
    while skip("|") {
      try count(&row)
      value = try filter(value)
    }
    return value
  }

  private mutating func dottedName() throws -> String {
    var name = try expectName()
    while skip(".") { name += "." + (try expectName()) }
    return name
  }

  private mutating func filter(_ value: JinjaExpression?) throws -> JinjaExpression {
    let line = line
    let name = try dottedName()
    if !isConditional { try JinjaFilters.check(name, line: line) }
    let arguments = isSymbol("(") ? try arguments() : .init()
    return JinjaExpression(.filter(value, name, arguments), line: line)
  }

  private mutating func test(_ value: JinjaExpression) throws -> JinjaExpression {
    let line = line
    advance()
    let negated = skip(name: "not")
    let name = try dottedName()
    if !isConditional { try JinjaTests.check(name, line: line) }
    var arguments = JinjaExpression.Arguments()
    if isSymbol("(") {
      arguments = try self.arguments()
    } else if takesArgument {
      if isName("is") { throw JinjaFault.syntax("You cannot chain multiple tests with is", line: line) }
      arguments.positional = [try deeper { try $0.postfix(try $0.primary()) }]
    }
    let test = JinjaExpression(.test(value, name, arguments), line: line)
    return negated ? JinjaExpression(.not(test), line: line) : test
  }

  /// Whether a test's argument without brackets follows.
  private var takesArgument: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .string, .integer, .float, .symbol("["), .symbol("{"): true
    default: false
    }
  }
}

/// An expression of a template.
struct JinjaExpression: Sendable {
  /// Arguments of a call, filter or test.
  struct Arguments: Sendable {
    var positional: [JinjaExpression] = []
    var named: [(name: String, value: JinjaExpression)] = []
    /// `*list`.
    var list: JinjaExpression?
    /// `**mapping`.
    var mapping: JinjaExpression?
  }

  enum Literal: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(JinjaText)
  }

  enum Arithmetic: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case notIn = "not in"
  }

  indirect enum Node: Sendable {
    case literal(Literal)
    case name(String)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case dict([(key: JinjaExpression, value: JinjaExpression)])
    case attribute(JinjaExpression, String)
    case item(JinjaExpression, JinjaExpression)
    case slice(JinjaExpression, start: JinjaExpression?, stop: JinjaExpression?, step: JinjaExpression?)
    case call(JinjaExpression, Arguments)
    /// The value is nil at the head of a filter block.
    case filter(JinjaExpression?, String, Arguments)
    case test(JinjaExpression, String, Arguments)
    case not(JinjaExpression)
    case negative(JinjaExpression)
    case positive(JinjaExpression)
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case arithmetic(Arithmetic, JinjaExpression, JinjaExpression)
    case concat([JinjaExpression])
    case compare(JinjaExpression, [(operation: Comparison, value: JinjaExpression)])
    case conditional(test: JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
  }

  var node: Node
  /// From 1.
  var line: Int

  init(_ node: Node, line: Int) {
    self.node = node
    self.line = line
  }
}

/// What is assigned to.
indirect enum JinjaTarget: Sendable {
  case name(String)
  case attribute(namespace: String, String)
  case tuple([JinjaTarget])

  /// The names that are assigned.
  var names: [String] {
    switch self {
    case .name(let name): [name]
    case .attribute: []
    case .tuple(let targets): targets.flatMap(\.names)
    }
  }
}

/// The parameters and the body of a macro or call block.
struct JinjaMacroBody: Sendable {
  var name: String?
  var parameters: [(name: String, initial: JinjaExpression?)]
  var body: [JinjaStatement]
  /// The special names that the body uses.
  var usesCaller = false
  var usesArguments = false
  var usesKeywords = false
}

/// A statement of a template.
struct JinjaStatement: Sendable {
  indirect enum Node: Sendable {
    case data(JinjaText)
    case print(JinjaExpression)
    case condition([(test: JinjaExpression, body: [JinjaStatement])], otherwise: [JinjaStatement])
    case loop(
      JinjaTarget, JinjaExpression, test: JinjaExpression?, recursive: Bool, body: [JinjaStatement],
      otherwise: [JinjaStatement])
    case set(JinjaTarget, JinjaExpression)
    /// The filter's innermost value is nil.
    case setBlock(JinjaTarget, filter: JinjaExpression?, body: [JinjaStatement])
    case with([(target: JinjaTarget, value: JinjaExpression)], body: [JinjaStatement])
    case macro(JinjaMacroBody)
    case callBlock(JinjaExpression, JinjaMacroBody)
    case filterBlock(JinjaExpression, body: [JinjaStatement])
    case generation([JinjaStatement])
    case breakLoop
    case continueLoop
  }

  var node: Node
  /// From 1.
  var line: Int

  init(_ node: Node, line: Int) {
    self.node = node
    self.line = line
  }
}

/// Runs the statements of a template: one rendering.
final class JinjaInterpreter {
  /// Names of one block; names of the blocks around it are seen, never changed.
  final class Scope {
    var names: [String: JinjaValue]
    let parent: Scope?

    init(_ names: [String: JinjaValue] = [:], in parent: Scope?) {
      self.names = names
      self.parent = parent
    }

    func value(_ name: String) -> JinjaValue? {
      var scope: Scope? = self
      while let current = scope {
        if let value = current.names[name] { return value }
        scope = current.parent
      }
      return nil
    }
  }

  /// How a list of statements ended.
  enum Flow { case normal, breakLoop, continueLoop }

  let budget = JinjaBudget()
  let clock: ChatClock
  /// The formatted dates that the template asked for.
  var dates: [String] = []
  /// What has been printed, outermost first; the last one is written to.
  private var outputs: [JinjaText] = [.empty]
  /// Scalars of the output that `generation` blocks gave.
  private(set) var generations: [Range<Int>] = []
  /// Whether a `generation` block was run inside of a macro or a block that is kept in a variable, where its place in
  /// the output is not known.
  private(set) var hasHiddenGeneration = false

  private var macroScopes: [Scope] = []

  init(clock: ChatClock) { self.clock = clock }

  /// Renders.
  /// - Throws: ``JinjaFault``.
  func render(_ statements: [JinjaStatement], _ variables: [String: JinjaValue]) throws -> JinjaText {
    // Macros and the scopes that hold them know one another.
    defer { for scope in macroScopes { scope.names = [:] } }
    let root = Scope(in: Scope(variables, in: Scope(globals(), in: nil)))
    _ = try run(statements, root)
    return outputs[0]
  }

  // MARK: Output

  private func write(_ text: JinjaText) throws {
    try budget.allow(outputs[outputs.count - 1].count + text.count, adding: text.count)
    outputs[outputs.count - 1].scalars += text.scalars
  }

  /// What some work prints, kept from the output.
  func captured(_ work: () throws -> Void) throws -> JinjaText {
    outputs.append(.empty)
    do {
      try work()
    } catch {
      outputs.removeLast()
      throw error
    }
    return outputs.removeLast()
  }

  // MARK: Statements

  func run(_ statements: [JinjaStatement], _ scope: Scope) throws -> Flow {
    for statement in statements {
      do {
        let flow = try run(statement, scope)
        if flow != .normal { return flow }
      } catch var fault as JinjaFault where fault.line == nil {
        fault.line = statement.line
        throw fault
      }
    }
    return .normal
  }

  private func run(_ statement: JinjaStatement, _ scope: Scope) throws -> Flow {
    try budget.spend()
    switch statement.node {
    case .data(let text): try write(text)
    case .print(let expression): try write(try evaluate(expression, scope).text(budget))
    case .condition(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test, scope).truth(budget) {
        return try budget.deeper { try run(branch.body, scope) }
      }
      return try budget.deeper { try run(otherwise, scope) }
    case .loop(let target, let values, let test, let recursive, let body, let otherwise):
      let loop = JinjaLoopBody(
        target: target, test: test, isRecursive: recursive, body: body, otherwise: otherwise)
      let values = try evaluate(values, scope)
      if recursive {
        try write(try captured { try run(loop, over: values, scope, depth: 0) })
      } else {
        try run(loop, over: values, scope, depth: 0)
      }
    case .set(let target, let expression):
      try assign(try evaluate(expression, scope), to: target, scope)
    case .setBlock(let target, let filter, let body):
      let text = try captured { _ = try budget.deeper { try run(body, Scope(in: scope)) } }
      var value = JinjaValue.text(text)
      if let filter { value = try evaluate(filter, scope, input: value) }
      try assign(value, to: target, scope)
    case .with(let pairs, let body):
      let inner = Scope(in: scope)
      // All values are those outside of the block.
      let values = try pairs.map { try evaluate($0.value, scope) }
      for (pair, value) in zip(pairs, values) { try assign(value, to: pair.target, inner) }
      return try budget.deeper { try run(body, inner) }
    case .macro(let body):
      scope.names[body.name ?? ""] = .macro(JinjaMacro(body, scope))
      macroScopes.append(scope)
    case .callBlock(let call, let body):
      let caller = JinjaMacro(body, scope)
      try write(try evaluate(call, scope, caller: .macro(caller)).text(budget))
    case .filterBlock(let filter, let body):
      let text = try captured { _ = try budget.deeper { try run(body, Scope(in: scope)) } }
      try write(try evaluate(filter, scope, input: .text(text)).text(budget))
    case .generation(let body):
      let text = try captured { _ = try budget.deeper { try run(body, Scope(in: scope)) } }
      if outputs.count == 1 {
        generations.append(outputs[0].count..<(outputs[0].count + text.count))
      } else {
        hasHiddenGeneration = true
      }
      try write(text)
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .normal
  }

  func assign(_ value: JinjaValue, to target: JinjaTarget, _ scope: Scope) throws {
    switch target {
    case .name(let name): scope.names[name] = value
    case .attribute(let namespace, let name):
      guard case .namespace(let members)? = scope.value(namespace) else {
        throw JinjaFault.failed("cannot assign attribute on non-namespace object")
      }
      if name.hasPrefix("_") {
        throw JinjaFault.failed("an attribute of a namespace must not begin with an underscore: \(name)")
      }
      members.members[name] = value
    case .tuple(let targets):
      let values = try value.elements(budget)
      guard values.count == targets.count else {
        throw JinjaFault.failed(
          values.count > targets.count
            ? "too many values to unpack (expected \(targets.count))"
            : "not enough values to unpack (expected \(targets.count), got \(values.count))")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, scope) }
    }
  }

  // MARK: Loops

  /// Runs a loop's body over values.
  func run(_ loop: JinjaLoopBody, over values: JinjaValue, _ scope: Scope, depth: Int) throws {
    let facts = JinjaLoop(try filtered(loop, values, scope), depth: depth)
    if loop.isRecursive {
      facts.recurse = { [unowned self] inner in
        try .text(
          captured { try budget.deeper { try run(loop, over: inner, scope, depth: depth + 1) } })
      }
    }
    // Only a body that was run to its end keeps `else` from running: one that was left early does not.
    var finishedOne = false
    var flow = Flow.normal
    while flow != .breakLoop, let value = try facts.advance(budget) {
      let inner = Scope(["loop": .loop(facts)], in: scope)
      try assign(value, to: loop.target, inner)
      flow = try budget.deeper { try run(loop.body, inner) }
      if flow == .normal { finishedOne = true }
    }
    if !finishedOne { _ = try budget.deeper { try run(loop.otherwise, Scope(in: scope)) } }
  }

  /// The values of a loop, without those that its condition leaves out.
  private func filtered(_ loop: JinjaLoopBody, _ values: JinjaValue, _ scope: Scope) throws -> JinjaValue {
    guard let test = loop.test else { return values }
    let iterator = try values.iterator(budget)
    return .iterator(
      JinjaIterator { [unowned self] in
        while let value = try iterator.next() {
          try budget.spend()
          let inner = Scope(in: scope)
          try assign(value, to: loop.target, inner)
          if try evaluate(test, inner).truth(budget) { return value }
        }
        return nil
      })
  }

  // MARK: Macros

  /// Calls a macro.
  func call(_ macro: JinjaMacro, _ arguments: JinjaArguments) throws -> JinjaValue {
    let name = macro.body.name ?? "caller"
    let parameters = macro.body.parameters
    let scope = Scope(in: macro.scope)
    var named = arguments.named
    for (place, parameter) in parameters.enumerated() {
      let value: JinjaValue
      if place < arguments.positional.count {
        value = arguments.positional[place]
      } else if let index = named.firstIndex(where: { $0.name == parameter.name }) {
        value = named.remove(at: index).value
      } else if let initial = parameter.initial {
        value = try evaluate(initial, scope)
      } else {
        value = .undefined("parameter '\(parameter.name)' was not provided")
      }
      scope.names[parameter.name] = value
    }
    if macro.body.usesCaller {
      let index = named.firstIndex { $0.name == "caller" }
      scope.names["caller"] = index.map { named.remove(at: $0).value } ?? .undefined("No caller defined")
    }
    if macro.body.usesKeywords {
      scope.names["kwargs"] = .dict(JinjaDict(named.map { (.text($0.name), $0.value) }))
    } else if let extra = named.first {
      throw JinjaFault.failed("macro '\(name)' takes no keyword argument '\(extra.name)'")
    }
    let more = Array(arguments.positional.dropFirst(parameters.count))
    if macro.body.usesArguments {
      scope.names["varargs"] = .tuple(more)
    } else if !more.isEmpty {
      throw JinjaFault.failed("macro '\(name)' takes not more than \(parameters.count) argument(s)")
    }
    return .text(try captured { _ = try budget.deeper { try run(macro.body.body, scope) } })
  }
}

/// What a `for` block says.
struct JinjaLoopBody {
  var target: JinjaTarget
  var test: JinjaExpression?
  var isRecursive: Bool
  var body: [JinjaStatement]
  var otherwise: [JinjaStatement]
}

/// A macro with the names that it was defined among.
final class JinjaMacro {
  let body: JinjaMacroBody
  let scope: JinjaInterpreter.Scope

  init(_ body: JinjaMacroBody, _ scope: JinjaInterpreter.Scope) {
    self.body = body
    self.scope = scope
  }
}

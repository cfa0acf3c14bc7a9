/// Values of expressions.
extension JinjaInterpreter {
  /// The value of an expression.
  /// - Parameters:
  ///   - input: what the head of a filter block's filters is given.
  ///   - caller: the body of a call block, for the outermost call.
  func evaluate(
    _ expression: JinjaExpression, _ scope: Scope, input: JinjaValue? = nil, caller: JinjaValue? = nil
  ) throws -> JinjaValue {
    do {
      try budget.spend()
      return try budget.deeper { try value(expression, scope, input, caller) }
    } catch var fault as JinjaFault where fault.line == nil {
      fault.line = expression.line
      throw fault
    }
  }

  private func value(
    _ expression: JinjaExpression, _ scope: Scope, _ input: JinjaValue?, _ caller: JinjaValue?
  ) throws -> JinjaValue {
    switch expression.node {
    case .literal(let literal):
      return switch literal {
      case .none: .none
      case .bool(let value): .bool(value)
      case .int(let value): .int(value)
      case .float(let value): .float(value)
      case .text(let value): .text(value)
      }
    case .name(let name): return scope.value(name) ?? .undefined("'\(name)' is undefined")
    case .list(let values): return .list(try values.map { try evaluate($0, scope) })
    case .tuple(let values): return .tuple(try values.map { try evaluate($0, scope) })
    case .dict(let pairs):
      var dict = JinjaDict()
      for (key, value) in pairs { try dict.set(try evaluate(key, scope), try evaluate(value, scope)) }
      return .dict(dict)
    case .attribute(let object, let name): return try attribute(name, of: try evaluate(object, scope))
    case .item(let object, let key):
      return try item(try evaluate(key, scope), of: try evaluate(object, scope))
    case .slice(let object, let start, let stop, let step):
      let bounds = try [start, stop, step].map { try $0.map { try evaluate($0, scope) } }
      return try JinjaSlice(bounds).cut(try evaluate(object, scope), budget)
    case .call(let function, let arguments):
      let function = try evaluate(function, scope)
      var arguments = try self.arguments(arguments, scope)
      if let caller { arguments.named.append(("caller", caller)) }
      return try call(function, arguments)
    case .filter(let value, let name, let arguments):
      guard let value = try value.map({ try evaluate($0, scope, input: input) }) ?? input else {
        throw JinjaFault.syntax("a filter without a value", line: expression.line)
      }
      return try filter(name, value, try self.arguments(arguments, scope))
    case .test(let value, let name, let arguments):
      return .bool(try test(name, try evaluate(value, scope), try self.arguments(arguments, scope)))
    case .not(let value): return .bool(!(try evaluate(value, scope).truth(budget)))
    case .negative(let value): return try JinjaArithmetic.negative(try evaluate(value, scope))
    case .positive(let value):
      let value = try evaluate(value, scope)
      if let number = value.integer { return .int(number) }
      if case .float = value { return value }
      throw JinjaFault.failed("bad operand type for unary +: '\(value.typeName)'")
    case .and(let left, let right):
      let first = try evaluate(left, scope)
      return try first.truth(budget) ? try evaluate(right, scope) : first
    case .or(let left, let right):
      let first = try evaluate(left, scope)
      return try first.truth(budget) ? first : try evaluate(right, scope)
    case .arithmetic(let operation, let left, let right):
      return try JinjaArithmetic.apply(
        operation, try evaluate(left, scope), try evaluate(right, scope), budget)
    case .concat(let values):
      var text = JinjaText.empty
      for value in values {
        let part = try evaluate(value, scope).text(budget)
        try budget.allow(text.count + part.count, adding: part.count)
        text.scalars += part.scalars
      }
      return .text(text)
    case .compare(let first, let others):
      var left = try evaluate(first, scope)
      for (place, other) in others.enumerated() {
        let right = try evaluate(other.value, scope)
        let holds = try compare(left, other.operation, right)
        if !holds || place == others.count - 1 { return .bool(holds) }
        left = right
      }
      return .bool(true)
    case .conditional(let test, let then, let otherwise):
      if try evaluate(test, scope).truth(budget) { return try evaluate(then, scope) }
      if let otherwise { return try evaluate(otherwise, scope) }
      return .undefined(
        "the inline if-expression on line \(expression.line) evaluated to false and no else section was defined."
      )
    }
  }

  func compare(_ left: JinjaValue, _ operation: JinjaExpression.Comparison, _ right: JinjaValue) throws
    -> Bool
  {
    switch operation {
    case .equal: return try left.equals(right, budget)
    case .notEqual: return !(try left.equals(right, budget))
    case .isIn: return try right.contains(left, budget)
    case .notIn: return !(try right.contains(left, budget))
    case .less: return try left.isLess(than: right, "<", budget)
    case .greater: return try right.isLess(than: left, ">", budget)
    case .lessOrEqual, .greaterOrEqual:
      let (low, high) = operation == .lessOrEqual ? (left, right) : (right, left)
      if let a = low.double, let b = high.double, a.isNaN || b.isNaN { return false }
      return !(try high.isLess(than: low, operation.rawValue, budget))
    }
  }

  private func arguments(_ arguments: JinjaExpression.Arguments, _ scope: Scope) throws -> JinjaArguments {
    var result = JinjaArguments()
    result.positional = try arguments.positional.map { try evaluate($0, scope) }
    if let list = arguments.list { result.positional += try evaluate(list, scope).elements(budget) }
    for (name, value) in arguments.named {
      if result[name] != nil { throw JinjaFault.failed("keyword argument repeated: \(name)") }
      result.named.append((name, try evaluate(value, scope)))
    }
    if let mapping = arguments.mapping {
      guard case .dict(let dict) = try evaluate(mapping, scope) else {
        throw JinjaFault.failed("argument after ** must be a mapping")
      }
      for (key, value) in dict.pairs {
        let name = try key.exactText("a keyword").string
        if result[name] != nil {
          throw JinjaFault.failed("got multiple values for keyword argument '\(name)'")
        }
        result.named.append((name, value))
      }
    }
    return result
  }

  /// Calls a function, macro, method or recursive loop.
  func call(_ function: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue {
    switch function {
    case .function(let function): return try function.call(arguments)
    case .macro(let macro): return try call(macro, arguments)
    case .loop(let loop):
      guard let recurse = loop.recurse else {
        throw JinjaFault.failed("The loop must have the 'recursive' marker to be called recursively.")
      }
      guard let values = try arguments.bind(["iterable"], required: 1, in: "loop")[0] else { return .none }
      return try recurse(values)
    case .undefined(let why): throw JinjaFault.failed(why)
    default: throw JinjaFault.failed("'\(function.typeName)' object is not callable")
    }
  }

  // MARK: Attributes and items

  /// `object.name`: an attribute, else a member of that name.
  func attribute(_ name: String, of object: JinjaValue) throws -> JinjaValue {
    if case .undefined(let why) = object { throw JinjaFault.failed(why) }
    if let value = try ownAttribute(name, of: object) { return value }
    if case .dict(let dict) = object, let value = dict[JinjaText(name)] { return value }
    return Self.missing(name, of: object)
  }

  /// `object[key]`: a member, else an attribute of that name.
  func item(_ key: JinjaValue, of object: JinjaValue) throws -> JinjaValue {
    switch object {
    case .undefined(let why): throw JinjaFault.failed(why)
    case .dict(let dict):
      if case .list = key { break }
      if case .dict = key { break }
      if let value = try dict.get(key) { return value }
    case .list(let values), .tuple(let values):
      if let index = key.integer {
        let place = index < 0 ? index + values.count : index
        if values.indices.contains(place) { return values[place] }
      }
    case .range(let range):
      if let index = key.integer {
        let place = index < 0 ? index + range.count : index
        if (0..<range.count).contains(place) { return .int(range[place]) }
      }
    case .text(let text):
      if let index = key.integer {
        let place = index < 0 ? index + text.count : index
        if text.scalars.indices.contains(place) { return .text(JinjaText([text.scalars[place]])) }
      }
    case .markup: throw JinjaFault.unsupported("an operation on a text marked as safe")
    default: break
    }
    if case .text(let name) = key, let value = try ownAttribute(name.string, of: object) { return value }
    return Self.missing(try key.plainText(budget).string, of: object)
  }

  private static func missing(_ name: String, of object: JinjaValue) -> JinjaValue {
    switch object {
    case .dict, .list, .tuple, .text, .int, .float, .bool:
      .undefined("'\(object.typeName) object' has no attribute '\(name)'")
    case .none: .undefined("'None' has no attribute '\(name)'")
    default: .undefined("'\(object.typeName)' has no attribute '\(name)'")
    }
  }

  /// A method or attribute of the value's type; nil where the type has none of that name.
  private func ownAttribute(_ name: String, of object: JinjaValue) throws -> JinjaValue? {
    if name.hasPrefix("__") && name.hasSuffix("__") && name.count > 4 {
      throw JinjaFault.failed("access to attribute '\(name)' of '\(object.typeName)' object is unsafe.")
    }
    switch object {
    case .text(let text): return try JinjaMethods.attribute(name, of: text, self)
    case .dict(let dict): return try JinjaMethods.attribute(name, of: dict, self)
    case .list(let values): return try JinjaMethods.attribute(name, of: values, isTuple: false, self)
    case .tuple(let values): return try JinjaMethods.attribute(name, of: values, isTuple: true, self)
    case .int, .float, .bool: return try JinjaMethods.attribute(name, ofNumber: object)
    case .namespace(let members): return members.members[name]
    case .loop(let loop): return try loop.attribute(name, budget)
    case .function(let function): return try function.attributes(name)
    case .macro(let macro):
      switch name {
      case "name": return .text(macro.body.name ?? "caller")
      case "arguments": return .tuple(macro.body.parameters.map { .text($0.name) })
      case "caller": return .bool(macro.body.usesCaller)
      case "catch_kwargs": return .bool(macro.body.usesKeywords)
      case "catch_varargs": return .bool(macro.body.usesArguments)
      default: return nil
      }
    case .markup: throw JinjaFault.unsupported("an operation on a text marked as safe")
    case .undefined, .none: return nil
    case .range, .view, .iterator:
      throw JinjaFault.unsupported("the attribute '\(name)' of a \(object.typeName)")
    }
  }
}

/// `[start:stop:step]` as Python counts it.
struct JinjaSlice {
  private var start: Int?
  private var stop: Int?
  private var step = 1

  /// Bounds in the order start, stop, step.
  init(_ bounds: [JinjaValue?]) throws {
    func bound(_ value: JinjaValue?) throws -> Int? {
      guard let value else { return nil }
      if case .none = value { return nil }
      if case .undefined(let why) = value { throw JinjaFault.failed(why) }
      guard let number = value.integer else {
        throw JinjaFault.failed("slice indices must be integers or None or have an __index__ method")
      }
      return number
    }
    start = try bound(bounds[0])
    stop = try bound(bounds[1])
    step = try bound(bounds[2]) ?? 1
    if step == 0 { throw JinjaFault.failed("slice step cannot be zero") }
  }

  /// The places of a sequence that are cut out.
  private func places(_ count: Int) -> StrideTo<Int> {
    func clamp(_ value: Int?, _ low: Int, _ high: Int, _ absent: Int) -> Int {
      guard let value else { return absent }
      let (sum, over) = value < 0 ? value.addingReportingOverflow(count) : (value, false)
      return over ? low : min(max(sum, low), high)
    }
    if step > 0 {
      return stride(
        from: clamp(start, 0, count, 0), to: clamp(stop, 0, count, count), by: min(step, count + 1))
    }
    let step = max(step, -count - 1)
    return stride(
      from: clamp(start, -1, count - 1, count - 1), to: clamp(stop, -1, count - 1, -1), by: step)
  }

  func cut(_ value: JinjaValue, _ budget: JinjaBudget) throws -> JinjaValue {
    switch value {
    case .text(let text):
      try budget.allow(text.count)
      return .text(JinjaText(places(text.count).map { text.scalars[$0] }))
    case .list(let values):
      try budget.allow(values.count, of: "list")
      return .list(places(values.count).map { values[$0] })
    case .tuple(let values):
      try budget.allow(values.count, of: "list")
      return .tuple(places(values.count).map { values[$0] })
    case .range: throw JinjaFault.unsupported("a slice of a range")
    case .markup: throw JinjaFault.unsupported("an operation on a text marked as safe")
    case .undefined(let why): throw JinjaFault.failed(why)
    default: throw JinjaFault.failed("'\(value.typeName)' object is not subscriptable")
    }
  }
}

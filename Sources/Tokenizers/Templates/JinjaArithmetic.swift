import Glibc

/// Python's arithmetic. Whole numbers have 64 bits here: what would grow beyond is refused.
enum JinjaArithmetic {
  static func negative(_ value: JinjaValue) throws -> JinjaValue {
    if let number = value.integer {
      guard number != Int.min else { throw beyond() }
      return .int(-number)
    }
    if case .float(let number) = value { return .float(-number) }
    if case .undefined(let why) = value { throw JinjaFault.failed(why) }
    throw JinjaFault.failed("bad operand type for unary -: '\(value.typeName)'")
  }

  private static func beyond() -> JinjaFault { .unsupported("a whole number beyond 64 bits") }

  static func apply(
    _ operation: JinjaExpression.Arithmetic, _ a: JinjaValue, _ b: JinjaValue, _ budget: JinjaBudget
  ) throws -> JinjaValue {
    if case .undefined(let why) = a { throw JinjaFault.failed(why) }
    if case .markup = a { throw JinjaFault.unsupported("an operation on a text marked as safe") }
    if operation == .modulo, case .text(let format) = a {
      return .text(try JinjaFormat.percent(format, b, budget))
    }
    if case .undefined(let why) = b { throw JinjaFault.failed(why) }
    if case .markup = b { throw JinjaFault.unsupported("an operation on a text marked as safe") }
    if let x = a.integer, let y = b.integer { return try whole(operation, x, y) }
    if let x = a.double, let y = b.double { return .float(try float(operation, x, y)) }
    switch (operation, a, b) {
    case (.add, .text(let x), .text(let y)):
      try budget.allow(x.count + y.count)
      return .text(x + y)
    case (.add, .list(let x), .list(let y)):
      try budget.allow(x.count + y.count, of: "list")
      return .list(x + y)
    case (.add, .tuple(let x), .tuple(let y)):
      try budget.allow(x.count + y.count, of: "list")
      return .tuple(x + y)
    case (.add, .text, _):
      throw JinjaFault.failed("can only concatenate str (not \"\(b.typeName)\") to str")
    case (.add, .list, _):
      throw JinjaFault.failed("can only concatenate list (not \"\(b.typeName)\") to list")
    case (.multiply, _, _):
      if let times = b.integer, let product = try repeated(a, times, budget) { return product }
      if let times = a.integer, let product = try repeated(b, times, budget) { return product }
    default: break
    }
    throw JinjaFault.failed(
      "unsupported operand type(s) for \(operation.rawValue): '\(a.typeName)' and '\(b.typeName)'")
  }

  private static func repeated(_ value: JinjaValue, _ times: Int, _ budget: JinjaBudget) throws -> JinjaValue?
  {
    let times = max(0, times)
    func checked(_ count: Int, _ what: String) throws {
      let (product, over) = count.multipliedReportingOverflow(by: times)
      try budget.allow(over ? Int.max : product, of: what)
    }
    switch value {
    case .text(let text):
      try checked(text.count, "text")
      return .text(JinjaText(text.isEmpty ? [] : Array(repeating: text.scalars, count: times).flatMap { $0 }))
    case .list(let values):
      try checked(values.count, "list")
      return .list(values.isEmpty ? [] : Array(repeating: values, count: times).flatMap { $0 })
    case .tuple(let values):
      try checked(values.count, "list")
      return .tuple(values.isEmpty ? [] : Array(repeating: values, count: times).flatMap { $0 })
    default: return nil
    }
  }

  private static func whole(_ operation: JinjaExpression.Arithmetic, _ a: Int, _ b: Int) throws -> JinjaValue
  {
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> JinjaValue {
      guard !result.overflow else { throw beyond() }
      return .int(result.partialValue)
    }
    switch operation {
    case .add: return try checked(a.addingReportingOverflow(b))
    case .subtract: return try checked(a.subtractingReportingOverflow(b))
    case .multiply: return try checked(a.multipliedReportingOverflow(by: b))
    case .divide:
      guard b != 0 else { throw JinjaFault.failed("division by zero") }
      guard abs(Double(a)) < 0x1p53, abs(Double(b)) < 0x1p53 else { throw beyond() }
      return .float(Double(a) / Double(b))
    case .floorDivide, .modulo:
      guard b != 0 else { throw JinjaFault.failed("integer division or modulo by zero") }
      if b == -1 { return operation == .modulo ? .int(0) : try checked(0.subtractingReportingOverflow(a)) }
      var (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
      if remainder != 0 && (remainder < 0) != (b < 0) {
        quotient -= 1
        remainder += b
      }
      return .int(operation == .modulo ? remainder : quotient)
    case .power:
      if b < 0 {
        guard a != 0 else { throw JinjaFault.failed("0.0 cannot be raised to a negative power") }
        return .float(Glibc.pow(Double(a), Double(b)))
      }
      var result = 1
      if a == 0 || a == 1 || b == 0 { return .int(b == 0 ? 1 : a) }
      if a == -1 { return .int(b % 2 == 0 ? 1 : -1) }
      guard b < 64 else { throw beyond() }
      for _ in 0..<b {
        let (product, over) = result.multipliedReportingOverflow(by: a)
        guard !over else { throw beyond() }
        result = product
      }
      return .int(result)
    }
  }

  private static func float(_ operation: JinjaExpression.Arithmetic, _ a: Double, _ b: Double) throws
    -> Double
  {
    switch operation {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide:
      guard b != 0 else { throw JinjaFault.failed("float division by zero") }
      return a / b
    case .floorDivide, .modulo:
      guard b != 0 else { throw JinjaFault.failed("float floor division by zero") }
      var remainder = fmod(a, b)
      if remainder != 0 && (remainder < 0) != (b < 0) { remainder += b }
      if operation == .modulo { return remainder == 0 ? copysign(0, b) : remainder }
      let quotient = (a - remainder) / b
      let floored = quotient.rounded(.down)
      return quotient - floored > 0.5 ? floored + 1 : floored
    case .power:
      if a == 0 && b < 0 { throw JinjaFault.failed("0.0 cannot be raised to a negative power") }
      guard a >= 0 || b == b.rounded() else { throw JinjaFault.unsupported("a complex number") }
      let result = Glibc.pow(a, b)
      guard result.isFinite || !a.isFinite || !b.isFinite else {
        throw JinjaFault.failed("(34, 'Numerical result out of range')")
      }
      return result
    }
  }
}

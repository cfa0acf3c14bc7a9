/// The variable `loop`: where a loop is. Values are drawn one by one, and one ahead only when the body asks.
final class JinjaLoop {
  private let values: JinjaValue
  private var iterator: JinjaIterator?
  /// The value drawn ahead; the inner nil says that there is none.
  private var ahead: JinjaValue??
  private var known: Int?
  /// From 0.
  private(set) var index0 = -1
  private var current: JinjaValue?
  private var before: JinjaValue?
  private let depth0: Int
  private var changedValues: [JinjaValue]?
  /// Runs the loop's body over other values, in recursive loops.
  var recurse: ((JinjaValue) throws -> JinjaValue)?

  init(_ values: JinjaValue, depth: Int) {
    self.values = values
    depth0 = depth
  }

  private func draw(_ budget: JinjaBudget) throws -> JinjaValue? {
    if iterator == nil { iterator = try values.iterator(budget) }
    return try iterator?.next()
  }

  /// The next value, nil at the end.
  func advance(_ budget: JinjaBudget) throws -> JinjaValue? {
    try budget.spend()
    let next: JinjaValue?
    if let ahead {
      next = ahead
      self.ahead = nil
    } else {
      next = try draw(budget)
    }
    guard let next else { return nil }
    index0 += 1
    before = current
    current = next
    return next
  }

  private func peek(_ budget: JinjaBudget) throws -> JinjaValue? {
    if let ahead { return ahead }
    let next = try draw(budget)
    ahead = .some(next)
    return next
  }

  /// How many values there are; draws all of a generator.
  func length(_ budget: JinjaBudget) throws -> Int {
    if let known { return known }
    let length: Int
    if case .iterator = values {
      var rest: [JinjaValue] = []
      while let value = try draw(budget) {
        try budget.spend()
        rest.append(value)
      }
      iterator = JinjaIterator(rest)
      var drawn = 0
      if case .some(.some) = ahead { drawn = 1 }
      length = rest.count + index0 + 1 + drawn
    } else {
      length = try values.length(budget)
    }
    known = length
    return length
  }

  /// An attribute of the variable.
  func attribute(_ name: String, _ budget: JinjaBudget) throws -> JinjaValue? {
    switch name {
    case "index": return .int(index0 + 1)
    case "index0": return .int(index0)
    case "revindex": return .int(try length(budget) - index0)
    case "revindex0": return .int(try length(budget) - index0 - 1)
    case "first": return .bool(index0 == 0)
    case "last": return .bool(try peek(budget) == nil)
    case "length": return .int(try length(budget))
    case "depth": return .int(depth0 + 1)
    case "depth0": return .int(depth0)
    case "previtem": return index0 == 0 ? .undefined("there is no previous item") : before
    case "nextitem": return try peek(budget) ?? .undefined("there is no next item")
    case "cycle":
      return .function(
        JinjaFunction("cycle") { [index0] arguments in
          guard !arguments.positional.isEmpty, arguments.named.isEmpty else {
            throw JinjaFault.failed("no items for cycling given")
          }
          return arguments.positional[index0 % arguments.positional.count]
        })
    case "changed":
      return .function(
        JinjaFunction("changed") { [self] arguments in
          let values = arguments.positional
          if let old = changedValues, try JinjaValue.tuple(old).equals(.tuple(values), budget) {
            return .bool(false)
          }
          changedValues = values
          return .bool(true)
        })
    default: return nil
    }
  }
}

/// Python's equality, order and membership.
extension JinjaValue {
  func equals(_ other: JinjaValue, _ budget: JinjaBudget) throws -> Bool {
    try budget.spend()
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let a), .text(let b)), (.text(let a), .markup(let b)), (.markup(let a), .text(let b)),
      (.markup(let a), .markup(let b)):
      return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      guard a.count == b.count else { return false }
      for (x, y) in zip(a, b) where !(try budget.deeper { try x.equals(y, budget) }) { return false }
      return true
    case (.dict(let a), .dict(let b)):
      guard a.count == b.count else { return false }
      for (key, value) in a.pairs {
        guard let found = try b.get(key), try budget.deeper({ try value.equals(found, budget) }) else {
          return false
        }
      }
      return true
    case (.range(let a), .range(let b)):
      return a.count == b.count && (a.count == 0 || a.start == b.start && (a.count == 1 || a.step == b.step))
    case (.iterator(let a), .iterator(let b)): return a === b
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    case (.macro(let a), .macro(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    case (.view, _), (_, .view): throw JinjaFault.unsupported("comparing a view of a dictionary")
    default:
      if let a = integer, let b = other.integer { return a == b }
      if let a = double, let b = other.double { return a == b }
      return false
    }
  }

  /// Whether the value comes before another; `operation` names the comparison in errors.
  func isLess(than other: JinjaValue, _ operation: String, _ budget: JinjaBudget) throws -> Bool {
    try budget.spend()
    switch (self, other) {
    case (.text(let a), .text(let b)):
      return a.scalars.lexicographicallyPrecedes(b.scalars)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a, b) where !(try budget.deeper { try x.equals(y, budget) }) {
        return try budget.deeper { try x.isLess(than: y, operation, budget) }
      }
      return a.count < b.count
    default:
      if let a = integer, let b = other.integer { return a < b }
      if let a = double, let b = other.double { return a < b }
      if case .undefined(let why) = self { throw JinjaFault.failed(why) }
      if case .undefined(let why) = other { throw JinjaFault.failed(why) }
      throw JinjaFault.failed(
        "'\(operation)' not supported between instances of '\(typeName)' and '\(other.typeName)'")
    }
  }

  /// Python's `value in self`.
  func contains(_ value: JinjaValue, _ budget: JinjaBudget) throws -> Bool {
    switch self {
    case .text(let text), .markup(let text):
      guard case .text(let part) = value else {
        if case .markup(let part) = value { return text.find(part) != nil }
        throw JinjaFault.failed(
          "'in <string>' requires string as left operand, not \(value.typeName)")
      }
      try budget.spend(text.count / 16)
      return text.find(part) != nil
    case .dict(let dict): return try dict.get(value) != nil
    case .undefined: return false
    case .list, .tuple, .range, .view, .iterator:
      let elements = try iterator(budget)
      while let element = try elements.next() {
        if try element.equals(value, budget) { return true }
      }
      return false
    default: throw JinjaFault.failed("argument of type '\(typeName)' is not iterable")
    }
  }

  /// The elements one after the other.
  func iterator(_ budget: JinjaBudget) throws -> JinjaIterator {
    switch self {
    case .undefined: return JinjaIterator([])
    case .text(let text), .markup(let text):
      var place = 0
      return JinjaIterator {
        guard place < text.count else { return nil }
        defer { place += 1 }
        return .text(JinjaText([text.scalars[place]]))
      }
    case .list(let values), .tuple(let values): return JinjaIterator(values)
    case .dict(let dict): return JinjaIterator(dict.keys)
    case .view(let dict, let part): return JinjaIterator(dict.list(part))
    case .range(let range):
      var place = 0
      return JinjaIterator {
        guard place < range.count else { return nil }
        defer { place += 1 }
        return .int(range[place])
      }
    case .iterator(let iterator): return iterator
    case .none, .bool, .int, .float, .namespace, .macro, .function:
      throw JinjaFault.failed("'\(typeName)' object is not iterable")
    case .loop: throw JinjaFault.unsupported("iterating over the loop itself")
    }
  }

  /// All elements.
  func elements(_ budget: JinjaBudget) throws -> [JinjaValue] {
    switch self {
    case .list(let values), .tuple(let values):
      try budget.spend(1 + values.count / 16)
      return values
    default:
      let iterator = try iterator(budget)
      var values: [JinjaValue] = []
      while let value = try iterator.next() {
        try budget.spend()
        values.append(value)
        if values.count > JinjaBudget.size { try budget.allow(values.count, of: "list") }
      }
      return values
    }
  }

  /// Python's `len`.
  func length(_ budget: JinjaBudget) throws -> Int {
    switch self {
    case .undefined: return 0
    case .text(let text), .markup(let text): return text.count
    case .list(let values), .tuple(let values): return values.count
    case .dict(let dict), .view(let dict, _): return dict.count
    case .range(let range): return range.count
    case .loop(let loop): return try loop.length(budget)
    default: throw JinjaFault.failed("object of type '\(typeName)' has no len()")
    }
  }

  /// Sorts stably by keys.
  static func sorted(
    _ values: [JinjaValue], reverse: Bool, _ budget: JinjaBudget, key: (JinjaValue) throws -> JinjaValue
  )
    throws -> [JinjaValue]
  {
    var keyed = try values.map { (key: try key($0), value: $0) }
    // Reversed order keeps equal elements in theirs.
    try keyed.sort { a, b in
      reverse ? try b.key.isLess(than: a.key, "<", budget) : try a.key.isLess(than: b.key, "<", budget)
    }
    return keyed.map(\.value)
  }
}

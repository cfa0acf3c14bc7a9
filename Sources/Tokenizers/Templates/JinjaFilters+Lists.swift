/// Filters on lists and mappings.
extension JinjaInterpreter {
  /// The result of a filter on lists; nil where the name is none of these.
  func listFilter(_ name: String, _ value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue? {
    func bound(_ names: [String], required: Int = 0) throws -> [JinjaValue?] {
      try arguments.bind(names, required: required, in: name)
    }
    switch name {
    case "list":
      _ = try bound([])
      return .list(try value.elements(budget))
    case "first":
      _ = try bound([])
      return try value.iterator(budget).next() ?? .undefined("No first item, sequence was empty.")
    case "last":
      _ = try bound([])
      return try reversed(value).last() ?? .undefined("No last item, sequence was empty.")
    case "reverse":
      _ = try bound([])
      switch value {
      case .text(let text): return .text(JinjaText(text.scalars.reversed()))
      case .undefined, .list, .tuple, .range, .dict, .view:
        return .iterator(JinjaIterator(try reversed(value).values.reversed()))
      default: return .list(try value.elements(budget).reversed())
      }
    case "join":
      let given = try bound(["d", "attribute"])
      let separator = try given[0]?.plainText(budget) ?? .empty
      let getter = try given[1].map { try attributeGetter($0) }
      var result = JinjaText.empty
      for (place, element) in try value.elements(budget).enumerated() {
        let part = try (getter.map { try $0(element) } ?? element).text(budget)
        try budget.allow(
          result.count + part.count + separator.count, adding: part.count + separator.count)
        if place > 0 { result.scalars += separator.scalars }
        result.scalars += part.scalars
      }
      return .text(result)
    case "items":
      _ = try bound([])
      if value.isUndefined { return .iterator(JinjaIterator([])) }
      guard case .dict(let dict) = value else {
        throw JinjaFault.failed("Can only get item pairs from a mapping.")
      }
      return .iterator(JinjaIterator(dict.list(.items)))
    case "dictsort":
      let given = try bound(["case_sensitive", "by", "reverse"])
      guard case .dict(let dict) = value else {
        throw JinjaFault.failed("'\(value.typeName)' object has no attribute 'items'")
      }
      let by = try given[1]?.exactText(name).string ?? "key"
      guard by == "key" || by == "value" else {
        throw JinjaFault.failed("You can only sort by either \"key\" or \"value\"")
      }
      let isExact = try given[0]?.truth(budget) ?? false
      return .list(
        try JinjaValue.sorted(dict.list(.items), reverse: try given[2]?.truth(budget) ?? false, budget) {
          guard case .tuple(let pair) = $0 else { return $0 }
          return sortKey(pair[by == "key" ? 0 : 1], isExact)
        })
    case "sort":
      let given = try bound(["reverse", "case_sensitive", "attribute"])
      let isExact = try given[1]?.truth(budget) ?? false
      let getters = try attributeGetters(given[2] ?? .none)
      return .list(
        try JinjaValue.sorted(
          try value.elements(budget), reverse: try given[0]?.truth(budget) ?? false, budget
        ) { element in .list(try getters.map { sortKey(try $0(element), isExact) }) })
    case "unique":
      let given = try bound(["case_sensitive", "attribute"])
      let isExact = try given[0]?.truth(budget) ?? false
      let getter = try attributeGetter(given[1] ?? .none)
      let elements = try value.iterator(budget)
      var seen: Set<JinjaDict.Key> = []
      return .iterator(
        JinjaIterator { [self] in
          while let element = try elements.next() {
            try budget.spend()
            if seen.insert(try .init(sortKey(try getter(element), isExact))).inserted { return element }
          }
          return nil
        })
    case "min", "max":
      let given = try bound(["case_sensitive", "attribute"])
      let isExact = try given[0]?.truth(budget) ?? false
      let getter = try attributeGetter(given[1] ?? .none)
      var best: (key: JinjaValue, value: JinjaValue)?
      for element in try value.elements(budget) {
        let key = sortKey(try getter(element), isExact)
        guard let old = best else {
          best = (key, element)
          continue
        }
        let replaces =
          name == "min"
          ? try key.isLess(than: old.key, "<", budget) : try old.key.isLess(than: key, ">", budget)
        if replaces { best = (key, element) }
      }
      return best?.value ?? .undefined("No aggregated item, sequence was empty.")
    case "sum":
      let given = try bound(["attribute", "start"])
      let getter = try attributeGetter(given[0] ?? .none)
      var sum = given[1] ?? .int(0)
      if case .text = sum { throw JinjaFault.failed("sum() can't sum strings [use ''.join(seq) instead]") }
      for element in try value.elements(budget) {
        sum = try JinjaArithmetic.apply(.add, sum, try getter(element), budget)
      }
      return sum
    case "map": return try mapped(value, arguments)
    case "select", "reject", "selectattr", "rejectattr": return try selected(name, value, arguments)
    case "groupby":
      return try grouped(value, try bound(["attribute", "default", "case_sensitive"], required: 1))
    case "batch":
      let given = try bound(["linecount", "fill_with"], required: 1)
      guard let size = given[0]?.integer else { throw JinjaFault.failed("batch: a size that is no number") }
      return .iterator(JinjaIterator(try batches(try value.elements(budget), size, given[1])))
    case "slice":
      let given = try bound(["slices", "fill_with"], required: 1)
      guard let count = given[0]?.integer, count > 0 else {
        throw JinjaFault.failed("slice: a number of slices that is not above 0")
      }
      try budget.allow(count, of: "list")
      return .iterator(JinjaIterator(slices(try value.elements(budget), count, given[1])))
    default: return nil
    }
  }

  /// The elements in order, for a value that can be read backwards.
  private struct Backwards {
    var values: [JinjaValue]
    func last() -> JinjaValue? { values.last }
  }

  private func reversed(_ value: JinjaValue) throws -> Backwards {
    switch value {
    case .undefined, .text, .list, .tuple, .range, .dict, .view:
      return Backwards(values: try value.elements(budget))
    default: throw JinjaFault.failed("'\(value.typeName)' object is not reversible")
    }
  }

  private func sortKey(_ value: JinjaValue, _ isExact: Bool) -> JinjaValue {
    if !isExact, case .text(let text) = value { return .text(text.lowercased) }
    return value
  }

  // MARK: Attributes

  private func attributeGetter(_ attribute: JinjaValue, default replacement: JinjaValue? = nil) throws
    -> (JinjaValue) throws -> JinjaValue
  {
    let parts: [JinjaValue]
    switch attribute {
    case .none: parts = []
    case .text(let text):
      parts = text.split(JinjaText(".")).map { part in
        part.isDigit ? Int(part.string).map(JinjaValue.int) ?? .text(part) : .text(part)
      }
    default: parts = [attribute]
    }
    return { [self] element in
      var value = element
      for part in parts {
        value = try item(part, of: value)
        if let replacement, !isNone(replacement), value.isUndefined { value = replacement }
      }
      return value
    }
  }

  private func attributeGetters(_ attribute: JinjaValue) throws -> [(JinjaValue) throws -> JinjaValue] {
    guard case .text(let text) = attribute else { return [try attributeGetter(attribute)] }
    return try text.split(JinjaText(",")).map { try attributeGetter(.text($0)) }
  }

  // MARK: Generators

  private func mapped(_ value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue {
    let work: (JinjaValue) throws -> JinjaValue
    if arguments.positional.isEmpty, let attribute = arguments["attribute"] {
      if let other = arguments.named.first(where: { $0.name != "attribute" && $0.name != "default" }) {
        throw JinjaFault.failed("Unexpected keyword argument '\(other.name)'")
      }
      work = try attributeGetter(attribute, default: arguments["default"])
    } else {
      guard let first = arguments.positional.first else {
        throw JinjaFault.failed("map requires a filter argument")
      }
      let name = try first.exactText("map").string
      var rest = arguments
      rest.positional.removeFirst()
      work = { [self] in try filter(name, $0, rest) }
    }
    guard try value.truth(budget) else { return .iterator(JinjaIterator([])) }
    let elements = try value.iterator(budget)
    return .iterator(
      JinjaIterator { [budget] in
        try budget.spend()
        return try elements.next().map(work)
      })
  }

  private func selected(_ name: String, _ value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue
  {
    var rest = arguments
    var getter: (JinjaValue) throws -> JinjaValue = { $0 }
    if name.hasSuffix("attr") {
      guard !rest.positional.isEmpty else { throw JinjaFault.failed("Missing parameter for attribute name") }
      getter = try attributeGetter(rest.positional.removeFirst())
    }
    var testName: String?
    if !rest.positional.isEmpty { testName = try rest.positional.removeFirst().exactText(name).string }
    let wanted = name.hasPrefix("select")
    guard try value.truth(budget) else { return .iterator(JinjaIterator([])) }
    let elements = try value.iterator(budget)
    return .iterator(
      JinjaIterator { [self] in
        while let element = try elements.next() {
          try budget.spend()
          let looked = try getter(element)
          let holds = try testName.map { try test($0, looked, rest) } ?? looked.truth(budget)
          if holds == wanted { return element }
        }
        return nil
      })
  }

  private func grouped(_ value: JinjaValue, _ given: [JinjaValue?]) throws -> JinjaValue {
    let getter = try attributeGetter(given[0] ?? .none, default: given[1])
    let isExact = try given[2]?.truth(budget) ?? false
    let sorted = try JinjaValue.sorted(try value.elements(budget), reverse: false, budget) {
      sortKey(try getter($0), isExact)
    }
    var groups: [(key: JinjaValue, name: JinjaValue, values: [JinjaValue])] = []
    for element in sorted {
      let name = try getter(element)
      let key = sortKey(name, isExact)
      if let last = groups.last, try last.key.equals(key, budget) {
        groups[groups.count - 1].values.append(element)
      } else {
        groups.append((key, name, [element]))
      }
    }
    return .list(groups.map { .tuple([$0.name, .list($0.values)]) })
  }

  private func batches(_ values: [JinjaValue], _ size: Int, _ fill: JinjaValue?) throws -> [JinjaValue] {
    guard size > 0 else { throw JinjaFault.unsupported("batches without elements") }
    var result: [JinjaValue] = []
    var start = 0
    while start < values.count {
      var part = Array(values[start..<min(start + min(size, values.count), values.count)])
      if let fill, !isNone(fill), part.count < size {
        try budget.allow(size, of: "list")
        part += Array(repeating: fill, count: size - part.count)
      }
      result.append(.list(part))
      start += min(size, values.count)
    }
    return result
  }

  private func slices(_ values: [JinjaValue], _ count: Int, _ fill: JinjaValue?) -> [JinjaValue] {
    let (each, extra) = values.count.quotientAndRemainder(dividingBy: count)
    var place = 0
    return (0..<count).map { number in
      let size = each + (number < extra ? 1 : 0)
      var part = Array(values[place..<(place + size)])
      place += size
      if let fill, !isNone(fill), number >= extra { part.append(fill) }
      return .list(part)
    }
  }
}

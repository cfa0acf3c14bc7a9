/// Filters on texts.
extension JinjaInterpreter {
  /// The result of a filter on texts; nil where the name is none of these.
  func textFilter(_ name: String, _ value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue? {
    func bound(_ names: [String], required: Int = 0) throws -> [JinjaValue?] {
      try arguments.bind(names, required: required, in: name)
    }
    func text() throws -> JinjaText {
      let text = try value.plainText(budget)
      try budget.spend(text.count / 16)
      return text
    }
    switch name {
    case "trim":
      let set = try bound(["chars"])[0]
      if case .none? = set { return .text(try text().stripped()) }
      return .text(try text().stripped(try set?.exactText(name)))
    case "upper":
      _ = try bound([])
      return .text(try text().uppercased)
    case "lower":
      _ = try bound([])
      return .text(try text().lowercased)
    case "capitalize":
      _ = try bound([])
      return .text(try text().capitalized)
    case "title":
      _ = try bound([])
      return .text(try text().wordsTitled)
    case "string":
      _ = try bound([])
      if case .markup = value { return value }
      return .text(try text())
    case "safe":
      _ = try bound([])
      return .markup(try value.text(budget))
    case "escape", "e":
      _ = try bound([])
      if case .markup = value { return value }
      var escaped = try text()
      for (scalar, entity) in [("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ("'", "&#39;"), ("\"", "&#34;")]
      {
        escaped = escaped.replacing(JinjaText(scalar), with: JinjaText(entity))
      }
      return .markup(escaped)
    case "replace":
      let given = try bound(["old", "new", "count"], required: 2)
      let old = try (given[0] ?? .none).plainText(budget)
      let new = try (given[1] ?? .none).plainText(budget)
      var limit = -1
      if let count = given[2], !isNone(count) {
        guard let number = count.integer else {
          throw JinjaFault.failed("replace: a count that is no number")
        }
        limit = number
      }
      return .text(try replace(try text(), old, new, limit))
    case "indent": return .text(try indented(value, try bound(["width", "first", "blank"])))
    case "center":
      let width = try bound(["width"])[0] ?? .int(80)
      guard let width = width.integer else { throw JinjaFault.failed("center: a width that is no number") }
      return .text(try JinjaMethods.centered(try text(), width, " ", budget))
    case "format":
      let format = try text()
      if !arguments.positional.isEmpty && !arguments.named.isEmpty {
        throw JinjaFault.failed("can't handle positional and keyword arguments at the same time")
      }
      if !arguments.named.isEmpty {
        let named = JinjaDict(arguments.named.map { (.text($0.name), $0.value) })
        return .text(try JinjaFormat.percent(format, .dict(named), budget))
      }
      return .text(try JinjaFormat.percent(format, .tuple(arguments.positional), budget))
    case "truncate": return .text(try truncated(value, try bound(["length", "killwords", "end", "leeway"])))
    case "wordcount":
      _ = try bound([])
      var words = 0
      var inside = false
      for scalar in try text().scalars {
        let isWord = scalar == "_" || JinjaText([scalar]).isAlphanumeric
        if isWord && !inside { words += 1 }
        inside = isWord
      }
      return .int(words)
    default: return nil
    }
  }

  func isNone(_ value: JinjaValue) -> Bool { if case .none = value { true } else { false } }

  /// Replaces, after the size of the result is known to be allowed.
  func replace(_ text: JinjaText, _ old: JinjaText, _ new: JinjaText, _ limit: Int) throws -> JinjaText {
    let found = text.occurrences(of: old)
    let times = limit < 0 ? found : min(limit, found)
    let (growth, over) = times.multipliedReportingOverflow(by: max(0, new.count - old.count))
    try budget.allow(over ? Int.max : text.count + growth)
    return text.replacing(old, with: new, limit: limit)
  }

  private func indented(_ value: JinjaValue, _ given: [JinjaValue?]) throws -> JinjaText {
    if case .undefined(let why) = value { throw JinjaFault.failed(why) }
    let text = try value.exactText("indent")
    let indentation: JinjaText
    switch given[0] ?? .int(4) {
    case .text(let text): indentation = text
    case let width:
      guard let width = width.integer else { throw JinjaFault.failed("indent: a width that is no number") }
      try budget.allow(width)
      indentation = JinjaText(String(repeating: " ", count: max(0, width)))
    }
    let first = try given[1]?.truth(budget) ?? false
    let blank = try given[2]?.truth(budget) ?? false
    let lines = (text + JinjaText("\n")).lines()
    let (size, over) = lines.count.multipliedReportingOverflow(by: indentation.count)
    try budget.allow(over ? Int.max : text.count + size)
    var result = first ? indentation.scalars : []
    for (place, line) in lines.enumerated() {
      if place > 0 {
        result.append("\n")
        if blank || !line.isEmpty { result += indentation.scalars }
      }
      result += line.scalars
    }
    return JinjaText(result)
  }

  private func truncated(_ value: JinjaValue, _ given: [JinjaValue?]) throws -> JinjaText {
    let text = try value.exactText("truncate")
    let end = try given[2]?.exactText("truncate") ?? JinjaText("...")
    guard let length = (given[0] ?? .int(255)).integer,
      let leeway = (given[3].flatMap { isNone($0) ? nil : $0 } ?? .int(5)).integer
    else { throw JinjaFault.failed("truncate: a length that is no number") }
    guard length >= end.count else {
      throw JinjaFault.failed("expected length >= \(end.count), got \(length)")
    }
    guard leeway >= 0 else { throw JinjaFault.failed("expected leeway >= 0, got \(leeway)") }
    if text.count <= length + leeway { return text }
    let cut = JinjaText(text.scalars[..<(length - end.count)])
    if try given[1]?.truth(budget) ?? false { return cut + end }
    return cut.splitFromEnd(JinjaText(" "), limit: 1)[0] + end
  }
}

/// The names that every template sees.
extension JinjaInterpreter {
  /// Elements of a range at most, as Jinja's sandbox allows.
  static let longestRange = 100_000

  func globals() -> [String: JinjaValue] {
    var names: [String: JinjaValue] = [:]
    func define(_ name: String, _ call: @escaping (JinjaArguments) throws -> JinjaValue) {
      names[name] = .function(JinjaFunction(name, call))
    }
    define("range") { arguments in
      let given = try arguments.bind(["start", "stop", "step"], required: 1, in: "range")
      let numbers = try given.map { value -> Int? in
        guard let value else { return nil }
        if case .undefined(let why) = value { throw JinjaFault.failed(why) }
        guard let number = value.integer else {
          throw JinjaFault.failed("'\(value.typeName)' object cannot be interpreted as an integer")
        }
        guard number.magnitude < 1 << 40 else { throw JinjaFault.limit("a range up to \(number)") }
        return number
      }
      let step = numbers[2] ?? 1
      if step == 0 { throw JinjaFault.failed("range() arg 3 must not be zero") }
      let first = numbers[0] ?? 0
      let range = JinjaRange(
        start: numbers[1] == nil ? 0 : first, stop: numbers[1] ?? first, step: step)
      guard range.count <= Self.longestRange else {
        throw JinjaFault.limit("a range of \(range.count) elements; at most \(Self.longestRange) are made")
      }
      return .range(range)
    }
    define("dict") { [budget] arguments in
      var dict = JinjaDict()
      switch try JinjaArguments(positional: arguments.positional).bind(["mapping"], in: "dict")[0] {
      case nil: break
      case .dict(let other)?: dict = other
      case let pairs?:
        for pair in try pairs.elements(budget) {
          let parts = try pair.elements(budget)
          guard parts.count == 2 else { throw JinjaFault.failed("dict() needs pairs") }
          try dict.set(parts[0], parts[1])
        }
      }
      for (name, value) in arguments.named { try dict.set(.text(name), value) }
      return .dict(dict)
    }
    define("namespace") { [budget] arguments in
      let namespace = JinjaNamespace()
      func set(_ name: String, _ value: JinjaValue) throws {
        if name.hasPrefix("_") {
          throw JinjaFault.failed("an attribute of a namespace must not begin with an underscore: \(name)")
        }
        namespace.members[name] = value
      }
      switch try JinjaArguments(positional: arguments.positional).bind(["mapping"], in: "namespace")[0] {
      case nil: break
      case .dict(let dict)?:
        for pair in dict.pairs { try set(try pair.key.exactText("namespace").string, pair.value) }
      case let pairs?:
        for pair in try pairs.elements(budget) {
          let parts = try pair.elements(budget)
          guard parts.count == 2 else { throw JinjaFault.failed("namespace() needs pairs") }
          try set(try parts[0].exactText("namespace").string, parts[1])
        }
      }
      for (name, value) in arguments.named { try set(name, value) }
      return .namespace(namespace)
    }
    define("raise_exception") { [budget] arguments in
      let message = try arguments.bind(["message"], required: 1, in: "raise_exception")[0] ?? .none
      throw JinjaFault(kind: .raised, reason: try message.text(budget).string)
    }
    define("strftime_now") { [self] arguments in
      let format = try arguments.bind(["format"], required: 1, in: "strftime_now")[0] ?? .none
      let date = try clock.formatted(try format.exactText("strftime_now").string)
      dates.append(date)
      return .text(date)
    }
    define("joiner") { arguments in
      let separator = try arguments.bind(["sep"], in: "joiner")[0] ?? .text(", ")
      var used = false
      return .function(
        JinjaFunction("joiner") { _ in
          defer { used = true }
          return used ? separator : .text("")
        })
    }
    define("cycler") { arguments in
      let values = arguments.positional
      guard !values.isEmpty, arguments.named.isEmpty else {
        throw JinjaFault.failed("at least one item has to be provided")
      }
      var place = 0
      let cycler = JinjaFunction("cycler") { _ in throw JinjaFault.failed("'Cycler' object is not callable") }
      cycler.attributes = { name in
        switch name {
        case "current": return values[place]
        case "next":
          return .function(
            JinjaFunction(name) { _ in
              defer { place = (place + 1) % values.count }
              return values[place]
            })
        case "reset":
          return .function(
            JinjaFunction(name) { _ in
              place = 0
              return .none
            })
        default: return nil
        }
      }
      return .function(cycler)
    }
    define("lipsum") { _ in throw JinjaFault.unsupported("the function 'lipsum'") }
    return names
  }
}

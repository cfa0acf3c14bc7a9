import JSON
import OrderedCollections
import Probing
import Recipes
import Runtime
import Surgery
import Tokenizers

/// A recipe to and from its text form; unknown keys are refused with a suggestion, never skipped.
extension Recipe {
  /// Reads a recipe; absent keys keep their defaults.
  /// - Throws: ``OperationError``, ``SurgeryError``.
  public init(json: JSONValue) throws {
    self.init()
    var root = try KeyReader(json, path: "")
    model = try root.string("model") ?? model
    seed = UInt64(try root.int("seed") ?? 0)
    chatTemplate = try root.string("chat_template")
    chatDate = try root.string("chat_date")
    if var part = try root.part("behaviour") {
      behaviour.name = try part.string("name") ?? behaviour.name
      behaviour.opposite = try part.string("opposite") ?? behaviour.opposite
      behaviour.positive = try part.string("positive")
      behaviour.negative = try part.string("negative")
      behaviour.group = try part.string("group") ?? behaviour.group
      if let pool = try part.string("pool") {
        probe.pooling = try Self.pooling(pool, path: "behaviour.pool")
        probe.directionPooling = probe.pooling
      }
      try part.done()
    }
    if var part = try root.part("probe") {
      probe.kinds = try part.strings("kinds") ?? probe.kinds
      probe.sites = try part.strings("sites")?.joined(separator: ",") ?? probe.sites
      probe.pooling =
        try part.string("pool").map { try Self.pooling($0, path: "probe.pool") } ?? probe.pooling
      probe.directions = try part.strings("directions") ?? probe.directions
      probe.directionSite = try part.string("direction_site") ?? probe.directionSite
      probe.directionPooling =
        try part.string("direction_pool").map { try Self.pooling($0, path: "probe.direction_pool") }
        ?? probe.directionPooling
      try part.done()
    }
    if var part = try root.part("locate") {
      if let names = try part.strings("edit") {
        for name in names where EditKind.named(name) == nil {
          throw RecipeError.value(
            path: "locate.edit", reason: "\"\(name)\" is none of \(EditKind.located.map(\.name))")
        }
        locate.edits = names
      }
      if let names = try part.strings("norms") {
        locate.norms = try names.map { try Self.value($0, path: "locate.norms") }
      }
      if let names = try part.strings("writes") {
        locate.writers = try names.map { try Self.value($0, path: "locate.writes") }
      }
      if let factors = try part.factors("block_strength") {
        locate.blockStrengths = try BlockStrengths(parsing: factors)
      }
      if let names = try part.strings("space") {
        locate.spaces = try names.map { try Self.value($0, path: "locate.space") }
      }
      if let rows = try part.strings("rows") { sweep.rows = try rows.map(RowBudget.init(parsing:)) }
      locate.blocks = try part.string("blocks").flatMap { $0 == "all" ? nil : $0 }
      try part.done()
    }
    if var part = try root.part("sweep") {
      sweep.strengths = try part.numbers("strength") ?? sweep.strengths
      sweep.ablationStrengths = try part.numbers("ablation_strength") ?? sweep.ablationStrengths
      if let rows = try part.strings("rows") { sweep.rows = try rows.map(RowBudget.init(parsing:)) }
      sweep.points = try part.int("points") ?? sweep.points
      sweep.controls = try part.int("controls") ?? sweep.controls
      sweep.mirror = try part.bool("mirror") ?? sweep.mirror
      try part.done()
    }
    if var part = try root.part("prompts") {
      prompts.target = try part.string("target")
      prompts.targetTest = try part.string("target_test")
      prompts.neutral = try part.string("neutral")
      prompts.facts = try part.string("facts")
      prompts.validationCount = try part.int("validation_count") ?? prompts.validationCount
      prompts.testCount = try part.int("test_count") ?? prompts.testCount
      prompts.neutralCount = try part.int("neutral_count") ?? prompts.neutralCount
      prompts.maximumTokens = try part.int("max_tokens") ?? prompts.maximumTokens
      prompts.temperature = try part.numbers("temperature")?.first ?? prompts.temperature
      if var judge = try part.part("judge") {
        prompts.judge = try judge.string("kind") ?? prompts.judge
        prompts.judgeFile = try judge.string("file")
        try judge.done()
      }
      try part.done()
    }
    if let part = try root.part("gates") {
      gates = [:]
      for (key, value) in part.members { gates[key] = value.string ?? "" }
      _ = try parsedGates()
    }
    try root.done()
    try validate()
  }

  /// The gates as values.
  /// - Throws: ``SurgeryError/gate(text:)``, ``SurgeryError/gateNotMeasured(_:)`` for a task's questions.
  public func parsedGates() throws -> Gates {
    let parsed = try Gates(parsing: gates.map { ($0.key, $0.value) })
    if parsed.gates.contains(where: { $0.quantity == .taskDrop }) {
      throw SurgeryError.gateNotMeasured(.taskDrop)
    }
    return parsed
  }

  private func validate() throws {
    func need(_ value: String?, _ path: String) throws {
      if value == nil { throw RecipeError.value(path: path, reason: "missing") }
    }
    if let chatDate, ChatClock(day: chatDate) == nil {
      throw RecipeError.value(path: "chat_date", reason: "\"\(chatDate)\" is no day such as 2024-07-26")
    }
    if usesFiles {
      try need(behaviour.positive, "behaviour.positive")
      try need(behaviour.negative, "behaviour.negative")
      try need(prompts.target, "prompts.target")
      try need(prompts.neutral, "prompts.neutral")
    }
    for (path, count) in [
      ("sweep.points", sweep.points), ("prompts.validation_count", prompts.validationCount),
      ("prompts.test_count", prompts.testCount), ("prompts.neutral_count", prompts.neutralCount),
      ("prompts.max_tokens", prompts.maximumTokens),
    ] where count < 1 {
      throw RecipeError.value(path: path, reason: "\(count), must be at least 1")
    }
    guard !sweep.strengths.isEmpty, sweep.strengths.allSatisfy({ $0 > 0 }) else {
      throw RecipeError.value(
        path: "sweep.strength", reason: "needs positive numbers; mirror adds the others")
    }
    guard !sweep.ablationStrengths.isEmpty, sweep.ablationStrengths.allSatisfy({ $0 > 0 }) else {
      throw RecipeError.value(path: "sweep.ablation_strength", reason: "needs positive numbers")
    }
    guard !locate.edits.isEmpty, !locate.norms.isEmpty, !locate.writers.isEmpty, !locate.spaces.isEmpty else {
      throw RecipeError.value(
        path: "locate", reason: "edit, norms, writes and space need one name at least")
    }
    guard prompts.temperature >= 0 else {
      throw RecipeError.value(path: "prompts.temperature", reason: "negative")
    }
  }

  /// A name as a value of an enumeration.
  private static func value<T: RawRepresentable<String> & CaseIterable>(_ name: String, path: String) throws
    -> T
  {
    guard let value = T(rawValue: name) else {
      throw RecipeError.value(path: path, reason: "\"\(name)\" is none of \(T.allCases.map(\.rawValue))")
    }
    return value
  }

  private static func pooling(_ name: String, path: String) throws -> Pooling {
    guard let pooling = Pooling(rawValue: name) else {
      throw RecipeError.value(
        path: path, reason: "\"\(name)\" is none of \(Pooling.allCases.map(\.rawValue))")
    }
    return pooling
  }

  /// The recipe with every default written out; the same recipe gives the same text.
  public var json: JSONValue {
    var json = ownJSON
    if let chatTemplate { json["chat_template"] = .string(chatTemplate) }
    if let chatDate { json["chat_date"] = .string(chatDate) }
    return json
  }

  private var ownJSON: JSONValue {
    [
      "model": .string(model), "seed": .integer(seed),
      "behaviour": [
        "name": .string(behaviour.name), "opposite": .string(behaviour.opposite),
        "positive": .optional(behaviour.positive), "negative": .optional(behaviour.negative),
        "group": .string(behaviour.group),
      ],
      "probe": [
        "kinds": .strings(probe.kinds), "sites": .string(probe.sites),
        "pool": .string(probe.pooling.rawValue),
        "directions": .strings(probe.directions), "direction_site": .string(probe.directionSite),
        "direction_pool": .string(probe.directionPooling.rawValue),
      ],
      "locate": [
        "edit": .strings(locate.edits), "space": .strings(locate.spaces.map(\.rawValue)),
        "norms": .strings(locate.norms.map(\.rawValue)), "writes": .strings(locate.writers.map(\.rawValue)),
        "block_strength": .string(locate.blockStrengths.description),
        "blocks": .string(locate.blocks ?? "all"),
      ],
      "sweep": [
        "strength": .numbers(sweep.strengths), "ablation_strength": .numbers(sweep.ablationStrengths),
        "rows": .strings(sweep.rows.map(\.description)),
        "points": .integer(sweep.points), "controls": .integer(sweep.controls), "mirror": .bool(sweep.mirror),
      ],
      "prompts": [
        "target": .optional(prompts.target), "target_test": .optional(prompts.targetTest),
        "neutral": .optional(prompts.neutral), "facts": .optional(prompts.facts),
        "validation_count": .integer(prompts.validationCount), "test_count": .integer(prompts.testCount),
        "neutral_count": .integer(prompts.neutralCount), "max_tokens": .integer(prompts.maximumTokens),
        "temperature": .number(prompts.temperature),
        "judge": ["kind": .string(prompts.judge), "file": .optional(prompts.judgeFile)],
      ],
      "gates": .object(gates.mapValues(JSONValue.string)),
    ]
  }
}

import JSON
import OrderedCollections
import Recipes
import Runtime

extension TrainingPlan {
  /// Reads the mapping `training` of a recipe; absent keys keep the values of `self`.
  /// - Throws: ``RecipeError``, ``TrainingError``, ``MethodError``.
  public mutating func read(_ reader: KeyReader) throws {
    var reader = reader
    epochs = try reader.int("epochs") ?? epochs
    batchSize = try reader.int("batch_size") ?? batchSize
    accumulation = try reader.int("accumulation") ?? accumulation
    if var part = try reader.part("batch_growth") {
      batchGrowth = try BatchGrowth(&part)
    }
    learningRate = try reader.number("learning_rate") ?? learningRate
    schedule = try reader.choice("schedule").map(ScheduleKind.schedule) ?? schedule
    warmUp = try reader.number("warm_up") ?? warmUp
    if var part = try reader.choice("optimiser") {
      let kind = try OptimiserKind.named(try part.string("kind") ?? optimiser)
      optimiser = kind.name
      let read = try part.settings(of: kind.name, kind.parameters)
      settings = Dictionary(uniqueKeysWithValues: read.values.map { ($0.name, $0.value) })
      try part.done()
    }
    clip = try reader.number("clip") ?? clip
    augmentation =
      try reader.parts("augmentation")?.map(AugmentationKind.augmentation) ?? augmentation
    sharpness = try reader.number("sharpness") ?? sharpness
    if var part = try reader.choice("averaging") {
      switch try part.string("kind") {
      case "exponential": averaging = .exponential(decay: try part.number("decay") ?? 0.999)
      case "last": averaging = .last(epochs: try part.int("epochs") ?? 5)
      case let name:
        throw TrainingError.unknownName(
          what: "averaging", name: name ?? "", known: ["exponential", "last"])
      }
      try part.done()
    }
    patience = try reader.int("patience") ?? patience
    try reader.done()
  }

  /// What ``read(_:)`` reads, every default written out. The seed stands at the recipe's root.
  /// - Throws: ``TrainingError``, ``MethodError`` for an optimiser that does not fit.
  public func json() throws -> JSONValue {
    let kind = try OptimiserKind.named(optimiser)
    let optimiser = try MethodSettings(settings, for: kind.name, kind.parameters).json(kind: kind.name)
    var members: OrderedDictionary<String, JSONValue> = [
      "epochs": .integer(epochs), "batch_size": .integer(batchSize), "accumulation": .integer(accumulation),
      "learning_rate": .number(learningRate), "schedule": schedule.json, "warm_up": .number(warmUp),
      "optimiser": optimiser, "augmentation": .array(augmentation.map(\.json)),
      "sharpness": .number(sharpness),
    ]
    if let clip { members["clip"] = .number(clip) }
    switch averaging {
    case nil: break
    case .exponential(let decay): members["averaging"] = ["kind": "exponential", "decay": .number(decay)]
    case .last(let epochs): members["averaging"] = ["kind": "last", "epochs": .integer(epochs)]
    }
    if let batchGrowth { members["batch_growth"] = batchGrowth.json }
    if let patience { members["patience"] = .integer(patience) }
    return .object(members)
  }
}

extension BatchGrowth {
  /// Reads `{test: unbiased, tolerance: 0.1, maximum: 4096, interval: 1}`.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  init(_ part: inout KeyReader) throws {
    self.init()
    if let name = try part.string("test") {
      guard let known = Test(rawValue: name) else {
        throw TrainingError.unknownName(
          what: "test of batch_growth", name: name, known: Test.allCases.map(\.rawValue))
      }
      test = known
    }
    tolerance = try part.number("tolerance") ?? tolerance
    maximum = try part.int("maximum") ?? maximum
    interval = try part.int("interval") ?? interval
    try part.done()
  }

  /// What a recipe says.
  var json: JSONValue {
    [
      "test": .string(test.rawValue), "tolerance": .number(tolerance), "maximum": .integer(maximum),
      "interval": .integer(interval),
    ]
  }
}

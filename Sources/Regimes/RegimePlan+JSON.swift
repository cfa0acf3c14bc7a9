import JSON
import OrderedCollections
import Recipes
import Training

extension RegimePlan {
  /// Reads the grids of a recipe: `data`, `network`, `training` and `seeds` (of dense networks) as in every recipe of trainings, and
  ///
  /// ```yaml
  /// temperature: {knob: epochs, values: [5, 10, 20, 40]}
  /// # checkpoints: [runs/a, runs/b]   # instead of temperature: dense networks that surgeon train wrote
  /// densities: [0.05, 0.1, 0.2, 0.5]
  /// prune: {score: magnitude, group: tensor, budget: uniform, layers: but-last}
  /// retraining: {epochs: 40}        # what differs from training
  /// siblings: 2
  /// measure: {points: 11, similarity_items: 6464, curve: {epochs: 50}, hessian: {items: 500}}
  /// rule: {kind: grid}
  /// barrier: -0.05
  /// questions: [direction, checkpoint]
  /// grids: {narrow: {network: {kind: mlp, hidden: [64]}}, wide: {…}}   # several grids; their keys replace those above
  /// ```
  ///
  /// `folder` is that of the recipe's file.
  /// - Throws: ``RecipeError``, ``RegimesError``, ``TrainingError``, ``MethodError``, ``ImportanceError``.
  public static func grids(_ json: JSONValue, folder: String = "") throws -> [RegimePlan] {
    guard var shared = json.object else { throw RecipeError.value(path: "", reason: "not a mapping") }
    guard let grids = shared.removeValue(forKey: "grids"), !grids.isNull else {
      return [try RegimePlan(KeyReader(json, path: ""), name: "grid", folder: folder)]
    }
    guard let members = grids.object, !members.isEmpty else {
      throw RecipeError.value(path: "grids", reason: "not a mapping of names to what differs")
    }
    return try members.map { name, own in
      guard let own = own.object else {
        throw RecipeError.value(path: "grids.\(name)", reason: "not a mapping")
      }
      guard !name.isEmpty,
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
      else {
        throw RecipeError.value(
          path: "grids.\(name)", reason: "a name of other characters than letters, digits, - and _")
      }
      let merged = shared.merging(own) { $1 }
      return try RegimePlan(KeyReader(.object(merged), path: ""), name: name, folder: folder)
    }
  }

  init(_ reader: KeyReader, name: String, folder: String) throws {
    var reader = reader
    self.name = name
    dense = try TrainingRecipe(&reader, folder: folder)
    retraining = dense.training
    if let part = try reader.part("retraining") { try retraining.read(part) }
    siblings = try reader.int("siblings") ?? 2
    let axis = try reader.part("temperature"), given = try reader.strings("checkpoints")
    switch (axis, given) {
    case (nil, nil):
      throw reader.error("temperature", "missing: {knob: epochs, values: […]}, or checkpoints: [FOLDER, …]")
    case (_?, _?): throw reader.error("checkpoints", "both temperature and checkpoints")
    case (nil, let given?):
      knob = Self.givenKnob
      checkpoints = given.map { $0.hasPrefix("/") || folder.isEmpty ? $0 : folder + "/" + $0 }
      temperatures = given.indices.map { Double($0 + 1) }
    case (var axis?, nil):
      knob = try axis.string("knob") ?? "epochs"
      guard let values = try axis.numbers("values") else {
        throw axis.error("values", "missing: values of the knob")
      }
      temperatures = try TemperatureKnob.named(knob).ordered(values)
      try axis.done()
    }
    guard let shares = try reader.numbers("densities") else {
      throw reader.error("densities", "missing: shares of weights that are kept")
    }
    densities = shares.sorted()
    if let part = try reader.part("prune") { pruning = try NetworkPruning(part) }
    if let part = try reader.part("measure") { measurement = try MeasurementPlan(part) }
    rule = try reader.choice("rule").map { try RuleSource($0, folder: folder) } ?? .grid
    barrier = try reader.number("barrier") ?? -0.05
    let fitting: [Question] =
      given != nil ? [.checkpoint] : knob == "sharpness" ? Question.allCases : [.direction, .checkpoint]
    questions =
      try reader.strings("questions")?.map { text in
        guard let question = Question(rawValue: text) else {
          throw RegimesError.unknownName(
            what: "question", name: text, known: Question.allCases.map(\.rawValue))
        }
        return question
      } ?? fitting
    try reader.done()
    try check()
  }

  /// What ``grids(_:folder:)`` reads of one grid, every default written out.
  /// - Throws: ``TrainingError``, ``MethodError``.
  public func json() throws -> JSONValue {
    var json = try dense.json()
    if isGiven {
      json["checkpoints"] = .strings(checkpoints)
    } else {
      json["temperature"] = ["knob": .string(knob), "values": .numbers(temperatures)]
    }
    json["densities"] = .numbers(densities)
    json["prune"] = pruning.json
    json["retraining"] = try retraining.json()
    json["siblings"] = .integer(siblings)
    json["measure"] = measurement.json
    json["rule"] = rule.json
    json["barrier"] = .number(barrier)
    json["questions"] = .strings(questions.map(\.rawValue))
    return json
  }
}

extension NetworkPruning {
  init(_ reader: KeyReader) throws {
    var reader = reader
    score = try reader.string("score") ?? score
    group = try reader.string("group") ?? group
    budget = try reader.string("budget") ?? budget
    if let name = try reader.string("layers") {
      guard let layers = Layers(rawValue: name) else {
        throw RegimesError.unknownName(what: "layers", name: name, known: Layers.allCases.map(\.rawValue))
      }
      self.layers = layers
    }
    try reader.done()
  }

  var json: JSONValue {
    [
      "score": .string(score), "group": .string(group), "budget": .string(budget),
      "layers": .string(layers.rawValue),
    ]
  }
}

extension MeasurementPlan {
  init(_ reader: KeyReader) throws {
    var reader = reader
    points = try reader.int("points") ?? points
    similarityItems = try reader.int("similarity_items") ?? similarityItems
    if var part = try reader.part("curve") {
      var plan = BezierPath.Plan()
      plan.epochs = try part.int("epochs") ?? plan.epochs
      plan.batchSize = try part.int("batch_size") ?? plan.batchSize
      plan.learningRate = try part.number("learning_rate") ?? plan.learningRate
      plan.momentum = try part.number("momentum") ?? plan.momentum
      plan.decay = try part.number("weight_decay") ?? plan.decay
      guard plan.batchSize > 0, plan.learningRate > 0, (0..<1).contains(plan.momentum), plan.decay >= 0 else {
        throw RecipeError.value(
          path: part.path,
          reason: "batch_size and learning_rate above 0, momentum in 0 ..< 1, weight_decay from 0")
      }
      try part.done()
      curve = plan
    }
    if var part = try reader.part("hessian") {
      var plan = Hessian()
      plan.items = try part.int("items") ?? plan.items
      plan.products = try part.int("products") ?? plan.products
      plan.vectors = try part.int("vectors") ?? plan.vectors
      guard plan.items >= 10, plan.products > 0, plan.vectors > 1 else {
        throw RecipeError.value(path: part.path, reason: "items from 10, products from 1, vectors from 2")
      }
      try part.done()
      hessian = plan
    }
    try reader.done()
  }

  var json: JSONValue {
    var json: JSONValue = ["points": .integer(points), "similarity_items": .integer(similarityItems)]
    json["curve"] =
      curve.map {
        [
          "epochs": .integer($0.epochs), "batch_size": .integer($0.batchSize),
          "learning_rate": .number($0.learningRate), "momentum": .number($0.momentum),
          "weight_decay": .number($0.decay),
        ]
      } ?? .null
    json["hessian"] =
      hessian.map {
        ["items": .integer($0.items), "products": .integer($0.products), "vectors": .integer($0.vectors)]
      } ?? .null
    return json
  }
}

import JSON
import OrderedCollections
import Recipes
import Runtime
import Tensors

/// `surgeon train`: one network trained from a recipe, in one run folder.
///
/// The folder holds `state.safetensors` (to go on from), and when all is done `model.safetensors`, `model.json`,
/// `history.json`, and the logits of validation and test items as `validation.safetensors` and `test.safetensors`.
public struct TrainingOperation {
  /// The recipe, of one seed.
  public let recipe: TrainingRecipe
  /// The data.
  public let data: DataSplit
  /// The folder.
  public let folder: RunFolder

  /// Reads the data and opens the folder.
  /// - Throws: ``TrainingError``, ``RecipeError``, ``FileError``, and what reading data throws.
  public init(_ recipe: TrainingRecipe, folder path: String) throws {
    try Self.requireOneSeed(recipe)
    self.recipe = recipe
    // Everything that can be wrong is found before the folder is made.
    data = try recipe.data.read()
    _ = try Self.run(recipe, data)
    let key: JSONValue = ["recipe": try recipe.json(), "inputs": try recipe.data.hashes()]
    folder = try RunFolder(path, key: key)
    try Files.write(recipe.json().text(.pretty) + "\n", to: folder.file("recipe.json"))
  }

  private static func requireOneSeed(_ recipe: TrainingRecipe) throws(TrainingError) {
    guard recipe.seeds.count == 1 else {
      throw .badSetting(
        name: "seeds", value: "\(recipe.seeds.count) seeds",
        expected: "one seed: a training is of one network")
    }
  }

  private static func run(_ recipe: TrainingRecipe, _ data: DataSplit) throws -> TrainingRun {
    let seed = recipe.seeds[0]
    let network = try recipe.network.network(for: data.train, seed: seed)
    let training = try Training(network, plan: recipe.plan(seed: seed), data: data.train)
    return try TrainingRun(training, validation: data.validation)
  }

  /// What came out.
  public struct Outcome {
    /// Every epoch.
    public let history: [TrainingRun.Epoch]
    /// Epochs that an interrupted run had done before.
    public let resumedEpochs: Int
    /// The epoch whose weights are used, from 0, where validation chose it.
    public let bestEpoch: Int?
    /// Whether the training ended before its last epoch.
    public let endedEarly: Bool
    /// Numbers that are trained.
    public let parameters: Int
    /// Files that were checked against their sums, where the run was finished before.
    public let verifiedFiles: Int?
  }

  /// Trains, or goes on, or checks a finished run's files.
  /// - Throws: ``TrainingError``, ``Interrupted``, ``RecipeError/changed(file:)``, ``CheckpointError``, ``FileError``.
  public func run(progress: @escaping ProgressSink = ignoreProgress, stop: Int? = nil) throws -> Outcome {
    let run = try Self.run(recipe, data)
    let state = folder.file("state.safetensors"), text = try recipe.json()
    if folder.isFinished {
      let files = try folder.verifySums()
      try run.read(state: state, recipe: text)
      return outcome(run, resumed: run.history.count, verified: files)
    }
    let epochs = recipe.training.epochs
    let before = try run.run(keeping: state, every: recipe.keepEvery, recipe: text, stop: stop) { epoch in
      progress(
        .init(stage: "training", completed: epoch.training.index + 1, total: epochs, unit: "epochs"))
    }
    try run.withFinalWeights { network in
      let facts: JSONValue = [
        "recipe_sha256": .string(SHA256.hex(try text.text())), "seed": text["seeds"] ?? [],
      ]
      try NetworkFile.write(
        network, recipe.network, shape: data.train.shape, provenance: facts,
        to: folder.file("model.safetensors"))
      try Files.write(
        JSONValue.object([
          "format": 1, "network": recipe.network.json, "shape": .integers(data.train.shape),
          "classes": .integer(network.classes), "parameters": .integer(network.parameterCount),
          "weights": "model.safetensors", "recipe": text, "inputs": try recipe.data.hashes(),
        ]).text(.pretty) + "\n", to: folder.file("model.json"))
      for (name, part) in [("validation", data.validation), ("test", data.test)] {
        guard let part else { continue }
        try AnswerFile.write(
          Training.logits(network, part), labels: part.labels, to: folder.file(name + ".safetensors"))
      }
    }
    let history = JSONValue.array(run.history.map(\.json))
    try Files.write(history.text(.pretty) + "\n", to: folder.file("history.json"))
    try folder.writeSums()
    return outcome(run, resumed: before, verified: nil)
  }

  private func outcome(_ run: TrainingRun, resumed: Int, verified: Int?) -> Outcome {
    Outcome(
      history: run.history, resumedEpochs: resumed, bestEpoch: run.bestEpoch,
      endedEarly: run.history.count < recipe.training.epochs,
      parameters: run.training.network.parameterCount, verifiedFiles: verified)
  }

  /// What a recipe would take.
  public struct Estimate {
    /// Seconds of one step here and now.
    public let secondsPerStep: Double
    /// Steps of all epochs.
    public let steps: Int
    /// Numbers that are trained.
    public let parameters: Int
    /// Items of each part.
    public let items: (train: Int, validation: Int, test: Int)
    /// Bytes of a state.
    public let stateBytes: Int
    /// Seconds in all, without scores of validation items.
    public var seconds: Double { secondsPerStep * Double(steps) }
  }

  /// Times a few steps of a recipe's training; nothing is written.
  /// - Throws: ``TrainingError``, and what reading data throws.
  public static func estimate(_ recipe: TrainingRecipe, within seconds: Double = 2) throws -> Estimate {
    try requireOneSeed(recipe)
    let data = try recipe.data.read()
    let run = try run(recipe, data)
    return Estimate(
      secondsPerStep: try run.training.timeSteps(within: seconds),
      steps: run.training.stepsPerEpoch * recipe.training.epochs,
      parameters: run.training.network.parameterCount,
      items: (data.train.count, data.validation?.count ?? 0, data.test?.count ?? 0),
      stateBytes: run.stateBytes)
  }
}

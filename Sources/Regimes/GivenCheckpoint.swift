import JSON
import Recipes
import Runtime
import Training

/// A dense network that was trained before: the run folder of `surgeon train`, of the grid's network on the grid's data.
struct GivenCheckpoint {
  /// The network.
  let network: TrainableNetwork
  /// Seed of its training.
  let seed: UInt64

  private static let weights = "model.safetensors"

  /// Reads a folder and holds it to the recipe of a grid.
  /// - Parameter identity: the grid's data, by ``DataDescription/identity(_:)``.
  /// - Throws: ``RegimesError/unfitCheckpoint(folder:problem:expected:)``, ``TrainingError``, ``RecipeError``, ``FileError``.
  init(folder: String, as recipe: TrainingRecipe, identity: JSONValue) throws {
    func unfit(_ problem: String, _ expected: String) -> RegimesError {
      .unfitCheckpoint(folder: folder, problem: problem, expected: expected)
    }
    let finished = "the finished run folder of surgeon train, of a classifier"
    if Files.isFolder(folder), !Files.exists(folder + "/model.json") {
      throw unfit(
        Files.isFolder(folder + "/model") ? "a language model" : "no model.json", finished)
    }
    let facts = try JSONValue(file: folder + "/model.json")
    let file = try NetworkFile(reading: folder + "/" + Self.weights)
    guard let trained = facts["recipe"], let data = trained["data"], let hashes = facts["inputs"] else {
      throw unfit("a model.json without a recipe", finished)
    }
    guard file.description == recipe.network else {
      throw unfit(
        "the network \(try file.description.json.text())",
        "\(try recipe.network.json.text()), as the recipe's network says")
    }
    let own = try DataDescription(KeyReader(data, path: "data")).identity(hashes)
    guard own == identity else {
      throw unfit("training on other data: \(try own.text())", "the recipe's: \(try identity.text())")
    }
    network = file.network
    seed = UInt64(trained["seeds"]?.array?.first?.int ?? 0)
  }

  /// All that a plan names, in its order.
  /// - Throws: what ``init(folder:as:identity:)`` throws.
  static func all(of plan: RegimePlan) throws -> [GivenCheckpoint] {
    guard plan.isGiven else { return [] }
    let identity = plan.dense.data.identity(try plan.dense.data.hashes())
    return try plan.checkpoints.map {
      try GivenCheckpoint(folder: $0, as: plan.dense, identity: identity)
    }
  }

  /// SHA-256 of every network's file.
  /// - Throws: ``FileError``.
  static func hashes(of plan: RegimePlan) throws -> [String] {
    try plan.checkpoints.map { try Files.sha256($0 + "/" + weights) }
  }
}

import JSON
import OrderedCollections
import Recipes
import Runtime

/// What the recipes of `train`, `distill` and `regimes` have in common: data, network, training, seeds.
///
/// ```yaml
/// data: {kind: mnist1d}
/// network: {kind: mlp, hidden: [256, 256]}
/// training: {epochs: 100, batch_size: 128, learning_rate: 0.1, schedule: {kind: step, at: [0.5, 0.75]}}
/// seeds: 5
/// ```
///
/// A command reads these keys with ``init(_:folder:)``, then its own ones, then calls ``KeyReader/done()``.
public struct TrainingRecipe: Sendable, Equatable {
  /// Data.
  public var data = DataDescription.mnist1d
  /// Network.
  public var network: NetworkDescription
  /// How it is trained; its seed is replaced by those of the list.
  public var training = TrainingPlan()
  /// Seeds: each is one training from the first weights on.
  public var seeds: [UInt64] = [0]

  /// Epochs between the states that an interrupted training goes on from; also kept after a minute without one.
  public var keepEvery = 10

  /// A recipe with a network, standard in everything else.
  public init(network: NetworkDescription) { self.network = network }

  /// Reads the keys `data`, `network`, `training`, `keep_every` and either `seed` (one number) or `seeds` (how many, from 0, or a list).
  /// Absent keys keep the values of `standard`. `folder` is that of the recipe's file.
  /// - Throws: ``RecipeError``, ``TrainingError``, ``MethodError``.
  public init(_ reader: inout KeyReader, standard: TrainingRecipe? = nil, folder: String = "") throws {
    self = try standard ?? TrainingRecipe(network: NetworkDescription("mlp"))
    if let part = try reader.choice("data") { data = try DataDescription(part, folder: folder) }
    if let part = try reader.choice("network") { network = try NetworkDescription(part) }
    if let part = try reader.part("training") { try training.read(part) }
    keepEvery = try reader.int("keep_every") ?? keepEvery
    guard keepEvery > 0 else { throw reader.error("keep_every", "at least one epoch") }
    let seed = try reader.int("seed"), list = try reader.ints("seeds")
    switch (seed, list) {
    case (nil, nil): break
    case (let seed?, nil): seeds = [UInt64(seed)]
    case (nil, let list?):
      // A bare number says how many; a list of one number is that seed.
      let isCount = reader.members["seeds"]?.int != nil
      seeds = isCount ? (0..<UInt64(list[0])).map { $0 } : list.map(UInt64.init)
    default: throw reader.error("seeds", "both seed and seeds")
    }
    guard !seeds.isEmpty, Set(seeds).count == seeds.count else {
      throw reader.error("seeds", "at least one seed, each once")
    }
  }

  /// What ``init(_:standard:folder:)`` reads, every default written out; a command adds its own keys.
  /// - Throws: ``TrainingError``, ``MethodError``.
  public func json() throws -> JSONValue {
    [
      "data": data.json, "network": network.json, "training": try training.json(),
      "keep_every": .integer(keepEvery), "seeds": .array(seeds.map { .integer($0) }),
    ]
  }

  /// The plan of one seed.
  public func plan(seed: UInt64) -> TrainingPlan {
    var plan = training
    plan.seed = seed
    return plan
  }
}

import JSON
import Recipes
import Runtime

/// Which network: a kind with its settings. Together with the data's shape and a seed it is a network with its first
/// weights.
public struct NetworkDescription: Sendable, Equatable {
  /// Name of the kind.
  public let kind: String
  /// Settings, defaults included.
  public let settings: MethodSettings

  /// A network of a kind.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``, ``MethodError``.
  public init(_ kind: String, _ settings: [String: MethodValue] = [:]) throws {
    self.kind = kind
    self.settings = try MethodSettings(settings, for: kind, NetworkKind.named(kind).parameters)
  }

  /// Reads the mapping `{kind: mlp, hidden: [256, 256], …}` of a recipe.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  public init(_ reader: KeyReader) throws {
    var reader = reader
    let kind = try NetworkKind.named(try reader.string("kind") ?? "mlp")
    self.kind = kind.name
    settings = try reader.settings(of: kind.name, kind.parameters)
    try reader.done()
  }

  /// Reads what ``json`` writes.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  public init(json: JSONValue) throws { try self.init(KeyReader(json, path: "network")) }

  /// What ``init(json:)`` reads.
  public var json: JSONValue { settings.json(kind: kind) }

  /// The network with its first weights, for items of a shape and some classes.
  /// - Throws: ``TrainingError``.
  public func network(shape: [Int], classes: Int, seed: UInt64) throws(TrainingError) -> TrainableNetwork {
    try NetworkKind.named(kind).make(settings, shape, classes, seed)
  }

  /// The network with its first weights, as the data need it.
  /// - Throws: ``TrainingError``.
  public func network(for data: LabelledData, seed: UInt64) throws(TrainingError) -> TrainableNetwork {
    try network(shape: data.shape, classes: data.classes, seed: seed)
  }
}

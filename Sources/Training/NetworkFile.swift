import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// A trained network in a file: safetensors with all values, and in the metadata which network it is.
public struct NetworkFile {
  /// The network.
  public let network: TrainableNetwork
  /// What it is made of.
  public let description: NetworkDescription
  /// Sizes of an item that it reads.
  public let shape: [Int]
  /// Where it is from, as its writer said.
  public let provenance: JSONValue

  private static let format = "surgeon-network"

  /// Writes a network, atomically.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(
    _ network: TrainableNetwork, _ description: NetworkDescription, shape: [Int], provenance: JSONValue = [:],
    to path: String
  ) throws {
    let facts: JSONValue = [
      "network": description.json, "shape": .integers(shape), "classes": .integer(network.classes),
      "provenance": provenance,
    ]
    try SafetensorsWriter.write(
      network.values.map { SafetensorsWriter.Item($0.name, $0.tensor) },
      metadata: ["format": format, "network": try facts.text()], to: path)
  }

  /// Reads a network.
  /// - Throws: ``TrainingError/badData(file:problem:expected:)``, ``RecipeError``, ``CheckpointError``, ``FileError``.
  public init(reading path: String) throws {
    let file = try SafetensorsFile(path: path)
    guard file.metadata?["format"] == Self.format, let text = file.metadata?["network"],
      let facts = try? JSONValue(parsing: text, source: path), let classes = facts["classes"]?.int,
      let sizes = facts["shape"]?.array?.compactMap(\.int), let described = facts["network"]
    else { throw Self.bad(path, "no description of a network") }
    shape = sizes
    provenance = facts["provenance"] ?? [:]
    description = try NetworkDescription(json: described)
    network = try description.network(shape: sizes, classes: classes, seed: 0)
    try Self.read(file, into: network)
  }

  /// Gives a network of the same description the values of a file.
  /// - Throws: ``TrainingError/badData(file:problem:expected:)``, ``CheckpointError``, ``FileError``.
  public static func read(_ path: String, into network: TrainableNetwork) throws {
    try read(SafetensorsFile(path: path), into: network)
  }

  private static func read(_ file: SafetensorsFile, into network: TrainableNetwork) throws {
    for (name, tensor) in network.values {
      guard let entry = file.entry(name), entry.shape == tensor.shape, entry.dtype == tensor.dtype else {
        throw bad(file.path, "no \(name) of shape \(tensor.shape)")
      }
      tensor.storage.base.advanced(by: tensor.byteOffset)
        .copyMemory(from: try file.tensor(name).pointer, byteCount: tensor.byteCount)
    }
  }

  private static func bad(_ path: String, _ problem: String) -> TrainingError {
    .badData(file: path, problem: problem, expected: "a network that surgeon train or surgeon regimes wrote")
  }
}

import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// The file of a training's state: tensors by name, whole numbers, notes, and the hash of the recipe that they belong to.
enum StateFile {
  /// Writes it, atomically.
  /// - Throws: ``FileError``, ``CheckpointError``.
  static func write(
    _ tensors: [(name: String, tensor: Tensor)], counts: OrderedDictionary<String, Int>, recipe: JSONValue,
    notes: JSONValue = [:], to path: String
  ) throws {
    var facts: OrderedDictionary<String, JSONValue> = ["format": 1]
    for (name, count) in counts { facts[name] = .integer(count) }
    facts["notes"] = notes
    facts["recipe_sha256"] = .string(SHA256.hex(try recipe.text()))
    try SafetensorsWriter.write(
      tensors.map { SafetensorsWriter.Item($0.name, $0.tensor) },
      metadata: ["format": "surgeon-training", "state": try JSONValue.object(facts).text()], to: path)
  }

  /// Reads the tensors' numbers into them and gives the whole numbers and the notes.
  /// - Throws: ``TrainingError/otherRecipe(file:problem:)``, ``CheckpointError``, ``FileError``.
  static func read(
    _ path: String, into tensors: [(name: String, tensor: Tensor)], counts: [String], recipe: JSONValue
  ) throws -> (counts: [Int], notes: JSONValue) {
    let file = try SafetensorsFile(path: path)
    guard let text = file.metadata?["state"], let facts = try? JSONValue(parsing: text, source: path),
      case let values = counts.compactMap({ facts[$0]?.int }), values.count == counts.count
    else { throw TrainingError.otherRecipe(file: path, problem: "no state of this kind of training") }
    guard facts["recipe_sha256"]?.string == SHA256.hex(try recipe.text()) else {
      throw TrainingError.otherRecipe(file: path, problem: "another recipe")
    }
    for (name, tensor) in tensors {
      guard let entry = file.entry(name), entry.shape == tensor.shape, entry.dtype == tensor.dtype else {
        throw TrainingError.otherRecipe(file: path, problem: "no \(name) of shape \(tensor.shape)")
      }
      tensor.storage.base.copyMemory(from: try file.tensor(name).pointer, byteCount: tensor.byteCount)
    }
    return (values, facts["notes"] ?? [:])
  }
}

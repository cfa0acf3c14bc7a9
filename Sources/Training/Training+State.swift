import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// States are complete for going on bit for bit: parameters, what optimiser and rule remember, epochs and steps done. All
/// randomness follows from the plan's seed, so there is none to keep.
extension Training {
  private var tensors: [(name: String, tensor: Tensor)] {
    network.parameters.map { ($0.name, $0.value) }
      + optimiser.memory.map { ("optimiser." + $0.name, $0.tensor) }
      + rule.memory.map { ("rule." + $0.name, $0.tensor) }
  }

  /// Writes the state after the last whole epoch, atomically. `recipe` says what is trained; another one refuses it.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(state path: String, recipe: JSONValue) throws {
    let facts: JSONValue = [
      "format": 1, "epochs_done": .integer(epochsDone), "steps": .integer(optimiser.steps),
      "recipe_sha256": .string(SHA256.hex(try recipe.text())),
    ]
    try SafetensorsWriter.write(
      tensors.map { SafetensorsWriter.Item($0.name, $0.tensor) },
      metadata: ["format": "surgeon-training", "state": try facts.text()], to: path)
  }

  /// Goes on from a state.
  /// - Throws: ``TrainingError/otherRecipe(file:problem:)``, ``CheckpointError``, ``FileError``.
  public func read(state path: String, recipe: JSONValue) throws {
    let file = try SafetensorsFile(path: path)
    guard let text = file.metadata?["state"], let facts = try? JSONValue(parsing: text, source: path),
      let epochs = facts["epochs_done"]?.int, let steps = facts["steps"]?.int
    else { throw TrainingError.otherRecipe(file: path, problem: "no state of a training") }
    guard facts["recipe_sha256"]?.string == SHA256.hex(try recipe.text()) else {
      throw TrainingError.otherRecipe(file: path, problem: "another recipe")
    }
    for (name, tensor) in tensors {
      guard let entry = file.entry(name), entry.shape == tensor.shape, entry.dtype == tensor.dtype else {
        throw TrainingError.otherRecipe(file: path, problem: "no \(name) of shape \(tensor.shape)")
      }
      tensor.storage.base.copyMemory(from: try file.tensor(name).pointer, byteCount: tensor.byteCount)
    }
    optimiser.steps = steps
    epochsDone = epochs
  }
}

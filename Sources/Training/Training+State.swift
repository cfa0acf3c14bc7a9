import JSON
import OrderedCollections
import Tensors

/// States are complete for going on bit for bit: parameters, running statistics, what optimiser and rule remember, epochs and
/// steps done. All randomness follows from the plan's seed, so there is none to keep.
extension Training {
  private var tensors: [(name: String, tensor: Tensor)] {
    network.values
      + optimiser.memory.map { ("optimiser." + $0.name, $0.tensor) }
      + rule.memory.map { ("rule." + $0.name, $0.tensor) }
      + (average?.memory ?? [])
  }

  /// Bytes of a state's tensors.
  public var stateBytes: Int { tensors.reduce(0) { $0 + $1.tensor.byteCount } }

  /// Writes the state after the last whole epoch, atomically. `recipe` says what is trained; another one refuses it.
  /// `notes` and the tensors `beside` are kept for the caller.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(
    state path: String, recipe: JSONValue, notes: JSONValue = [:],
    beside: [(name: String, tensor: Tensor)] = []
  ) throws {
    try StateFile.write(
      tensors + beside,
      counts: ["epochs_done": epochsDone, "steps": optimiser.steps, "batch_size": batchSize], recipe: recipe,
      notes: notes, to: path)
  }

  /// Goes on from a state and gives its notes; the tensors `beside` are filled.
  /// - Throws: ``TrainingError/otherRecipe(file:problem:)``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func read(
    state path: String, recipe: JSONValue, beside: [(name: String, tensor: Tensor)] = []
  ) throws -> JSONValue {
    let state = try StateFile.read(
      path, into: tensors + beside, counts: ["epochs_done", "steps", "batch_size"], recipe: recipe)
    guard (1...max(plan.batchSize, plan.batchGrowth?.maximum ?? 0)).contains(state.counts[2]) else {
      throw TrainingError.otherRecipe(file: path, problem: "a batch of \(state.counts[2]) items")
    }
    (epochsDone, optimiser.steps, batchSize) = (state.counts[0], state.counts[1], state.counts[2])
    return state.notes
  }
}

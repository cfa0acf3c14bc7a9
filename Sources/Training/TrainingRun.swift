import JSON
import OrderedCollections
import Runtime
import Tensors

/// A training with what goes on beside its epochs: scores on validation items, an early end, the weights that are used
/// in the end, states that it goes on from.
public final class TrainingRun {
  /// An epoch, and how the network answered after it.
  public struct Epoch: Sendable, Equatable {
    /// What the epoch's steps came to.
    public let training: Training.Epoch
    /// Score on the validation items, of the averaged weights where there are any; nil without such items.
    public let validation: NetworkScore?
  }

  /// The training.
  public let training: Training
  private let validation: LabelledData?
  /// Epochs so far.
  public private(set) var history: [Epoch] = []
  /// The epoch of least validation loss so far, from 0, where the plan may end early.
  public private(set) var bestEpoch: Int?
  private let best: [(name: String, tensor: Tensor)]

  /// A run that has not begun.
  /// - Throws: ``TrainingError/badSetting(name:value:expected:)`` for patience without validation items.
  public init(_ training: Training, validation: LabelledData?) throws(TrainingError) {
    if let patience = training.plan.patience, validation == nil {
      throw .badSetting(
        name: "patience", value: "\(patience)", expected: "validation items that tell when to end")
    }
    self.training = training
    self.validation = validation
    best =
      training.plan.patience == nil
      ? [] : training.network.values.map { ("best.\($0.name)", Tensor(zeros: $0.tensor.shape)) }
  }

  /// Whether the last epoch is done, or the loss has not fallen for long enough.
  public var isDone: Bool { training.isDone || endsEarly }

  /// Whether the loss has not fallen for as many epochs as the plan waits.
  public var endsEarly: Bool {
    guard let patience = training.plan.patience, let bestEpoch else { return false }
    return history.count - 1 - bestEpoch >= patience
  }

  /// Sees every item once and scores the network.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``.
  @discardableResult
  public func runEpoch() throws -> Epoch {
    let epoch = try training.runEpoch()
    let score = training.withAverage {
      let score = validation.map { NetworkScore(training.network, $0) }
      keepBest(score, epoch: epoch.index)
      return score
    }
    // Weights may have become useless in the last step, whose own loss was still a number.
    guard score?.loss.isFinite ?? true else {
      throw TrainingError.lossNotFinite(
        step: training.stepsPerEpoch, epoch: epoch.index,
        kept: "the state after epoch \(epoch.index) is the last good one")
    }
    let result = Epoch(training: epoch, validation: score)
    history.append(result)
    return result
  }

  private func keepBest(_ score: NetworkScore?, epoch: Int) {
    guard !best.isEmpty, let score, score.loss.isFinite else { return }
    if let bestEpoch, let before = history[bestEpoch].validation, before.loss <= score.loss { return }
    bestEpoch = epoch
    for (to, from) in zip(best, training.network.values) {
      to.tensor.f32.update(from: from.tensor.f32, count: to.tensor.count)
    }
  }

  /// Runs `work` with the weights that the plan wants in the end: the best epoch's, the averaged, or the last ones.
  public func withFinalWeights<T>(_ work: (TrainableNetwork) throws -> T) rethrows -> T {
    guard bestEpoch != nil else { return try training.withAverage { try work(training.network) } }
    exchangeBest()
    defer { exchangeBest() }
    return try work(training.network)
  }

  private func exchangeBest() {
    for (kept, own) in zip(best, training.network.values) {
      let a = kept.tensor.f32, b = own.tensor.f32
      for i in 0..<kept.tensor.count { (a[i], b[i]) = (b[i], a[i]) }
    }
  }

  /// Bytes of a state's tensors.
  public var stateBytes: Int { training.stateBytes + best.reduce(0) { $0 + $1.tensor.byteCount } }

  /// Writes a state to go on from, atomically.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(state path: String, recipe: JSONValue) throws {
    let notes: JSONValue = [
      "history": .array(history.map(\.json)), "best_epoch": bestEpoch.map(JSONValue.integer) ?? .null,
    ]
    try training.write(state: path, recipe: recipe, notes: notes, beside: best)
  }

  /// Goes on from a state.
  /// - Throws: ``TrainingError/otherRecipe(file:problem:)``, ``CheckpointError``, ``FileError``.
  public func read(state path: String, recipe: JSONValue) throws {
    let notes = try training.read(state: path, recipe: recipe, beside: best)
    history = (notes["history"]?.array ?? []).compactMap(Epoch.init(json:))
    guard history.count == training.epochsDone else {
      throw TrainingError.otherRecipe(file: path, problem: "no history of \(training.epochsDone) epochs")
    }
    bestEpoch = notes["best_epoch"]?.int
  }
}

extension TrainingRun.Epoch {
  /// The epoch as states and reports hold it.
  public var json: JSONValue {
    var members: OrderedDictionary<String, JSONValue> = [
      "epoch": .integer(training.index), "loss": .number(training.loss), "error": .number(training.error),
      "true_probability": .number(training.trueProbability), "batch_size": .integer(training.batchSize),
    ]
    if let validation {
      members["validation_loss"] = .number(validation.loss)
      members["validation_error"] = .number(validation.error)
    }
    return .object(members)
  }

  /// Reads what ``json`` writes; nil for anything else.
  init?(json: JSONValue) {
    guard let index = json["epoch"]?.int, let loss = json["loss"]?.double, let error = json["error"]?.double,
      let sure = json["true_probability"]?.double, let batch = json["batch_size"]?.int
    else { return nil }
    training = Training.Epoch(
      index: index, loss: loss, error: error, trueProbability: sure, batchSize: batch)
    if let loss = json["validation_loss"]?.double, let error = json["validation_error"]?.double {
      validation = NetworkScore(loss: loss, error: error)
    } else {
      validation = nil
    }
  }
}

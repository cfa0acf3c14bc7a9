import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import Transformers

/// One language model in training. All randomness is a function of (seed, step), so a state needs no random state and a
/// resumed training ends in the same bytes.
///
/// A step is the mean loss over the tokens that count in `batchSize · accumulation` sequences, taken in `accumulation`
/// passes. Sequences come in a new random order every time all were seen; a step may lie across two orders.
public final class DecoderTraining {
  /// What a step came to.
  public struct Step: Sendable, Equatable {
    /// Its number, from 0.
    public let index: Int
    /// Mean loss in nats of the tokens that count, before the weights moved.
    public let loss: Double
    /// Tokens that count.
    public let tokens: Int
    /// The learning rate.
    public let rate: Double
    /// Length of all gradients together, before clipping; nil where the plan does not clip.
    public let gradientNorm: Double?
  }

  /// The model.
  public let decoder: Decoder
  /// What decides everything.
  public let plan: TrainingPlan
  /// What is learnt.
  public let data: LanguageData
  /// Steps in all.
  public let steps: Int
  /// Steps done.
  public private(set) var stepsDone = 0
  let optimiser: any Optimiser
  private let average: WeightAverage?
  private var order: (epoch: Int, items: [Int]) = (-1, [])

  /// A training that has not begun.
  /// - Parameter steps: steps in all; nil sees every sequence as often as the plan's epochs say.
  /// - Throws: ``TrainingError``, ``MethodError`` for settings that do not fit.
  public init(_ decoder: Decoder, plan: TrainingPlan, data: LanguageData, steps: Int? = nil) throws {
    try Self.check(plan, sequences: data.count, steps: steps)
    self.decoder = decoder
    self.plan = plan
    self.data = data
    let size = plan.batchSize * plan.accumulation
    self.steps = steps ?? (data.count * plan.epochs + size - 1) / size
    optimiser = try OptimiserKind.named(plan.optimiser).optimiser(plan.settings, for: decoder.parameters)
    average = plan.averaging.map { WeightAverage($0, decoder.parameters) }
  }

  /// Checks a plan, without a model.
  /// - Throws: ``TrainingError``.
  static func check(_ plan: TrainingPlan, sequences: Int, steps: Int?) throws(TrainingError) {
    try plan.check(items: sequences)
    let set = [
      ("sharpness", plan.sharpness > 0), ("augmentation", !plan.augmentation.isEmpty),
      ("patience", plan.patience != nil),
    ]
    for (name, holds) in set where holds {
      throw .badSetting(name: name, value: "set", expected: "none for a language model")
    }
    if case .last = plan.averaging {
      throw .badSetting(
        name: "averaging", value: "last",
        expected: "exponential for a language model, whose steps make no epochs")
    }
    if let steps, steps < 1 { throw .badSetting(name: "steps", value: "\(steps)", expected: "at least 1") }
  }

  /// Whether all steps are done.
  public var isDone: Bool { stepsDone >= steps }

  /// Runs `work` with the averaged weights in the model's place, where the plan averages, and puts back its own bit for bit.
  func withFinalWeights<T>(_ work: () throws -> T) rethrows -> T {
    guard let average, stepsDone > 0 else { return try work() }
    average.exchange()
    defer { average.exchange() }
    return try work()
  }

  /// Learns from the next sequences.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``, ``TransformerError``.
  public func step() throws -> Step {
    try Cancellation.check()
    let index = stepsDone
    let size = plan.batchSize * plan.accumulation
    let items = (index * size..<(index + 1) * size).map(item)
    let tokens = items.reduce(0) { $0 + data.sequences[$1].counted }
    for parameter in decoder.parameters {
      Parallel.forEach(parameter.count, grain: 1 << 18) { range in
        (parameter.gradient.f32 + range.lowerBound).update(repeating: 0, count: range.count)
      }
    }
    var sum = 0.0
    for first in stride(from: 0, to: size, by: plan.batchSize) {
      let part = items[first..<first + plan.batchSize].map { data.sequences[$0] }
      sum += try decoder.gradients.run(
        Batch(part.map(\.inputs)), targets: part.flatMap(\.targets), scale: 1 / Float(max(1, tokens)))
    }
    guard sum.isFinite else {
      throw TrainingError.lossNotFinite(
        step: index, epoch: index * size / data.count, kept: "the last written state is the last good one")
    }
    let rate =
      plan.learningRate
      * plan.schedule.factor(progress: Double(index) / Double(steps), warmUp: plan.warmUp)
    let norm = plan.clip.map { clip($0) }
    optimiser.step(learningRate: rate)
    average?.finished(step: index)
    stepsDone += 1
    return Step(
      index: index, loss: sum / Double(max(1, tokens)), tokens: tokens, rate: rate, gradientNorm: norm)
  }

  /// The sequence at a place of the endless order.
  private func item(_ place: Int) -> Int {
    let epoch = place / data.count
    if order.epoch != epoch {
      var random = CounterRandom(seed: plan.seed, stream: "order").stream(UInt64(epoch))
      order = (epoch, random.shuffled(0..<data.count))
    }
    return order.items[place % data.count]
  }

  /// Scales all gradients down to a length together and gives the length that they had.
  private func clip(_ length: Double) -> Double {
    let norm = decoder.parameters.reduce(0) { $0 + Self.square($1.gradient) }.squareRoot()
    guard norm > length else { return norm }
    let factor = Float(length / norm)
    for parameter in decoder.parameters {
      Parallel.forEach(parameter.count, grain: 1 << 16) { range in
        Vector.scale(parameter.gradient.f32 + range.lowerBound, by: factor, count: range.count)
      }
    }
    return norm
  }

  /// Σ x² in f64, in pieces of 65,536 that are added in their order.
  private static func square(_ x: Tensor) -> Double {
    let size = 1 << 16
    var sums = [Double](repeating: 0, count: (x.count + size - 1) / size)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let to = sums.baseAddress else { return }
      Parallel.forEach(sums.count, grain: 1) { pieces in
        for piece in pieces {
          let count = min(size, x.count - piece * size)
          to[piece] = Vector.square(x.f32 + piece * size, count: count)
        }
      }
    }
    return sums.reduce(0, +)
  }
}

extension DecoderTraining {
  private var tensors: [(name: String, tensor: Tensor)] {
    decoder.parameters.map { ($0.name, $0.value) }
      + optimiser.memory.map { ("optimiser." + $0.name, $0.tensor) } + (average?.memory ?? [])
  }

  /// Writes everything that going on bit for bit needs, atomically. `recipe` says what is trained; another one refuses it. `notes`
  /// are kept for the caller.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(state path: String, recipe: JSONValue, notes: JSONValue = [:]) throws {
    try StateFile.write(
      tensors, counts: ["language_steps_done": stepsDone, "steps": optimiser.steps], recipe: recipe,
      notes: notes, to: path)
  }

  /// Bytes of a state's tensors.
  public var stateBytes: Int { tensors.reduce(0) { $0 + $1.tensor.byteCount } }

  /// Goes on from a state and gives its notes.
  /// - Throws: ``TrainingError/otherRecipe(file:problem:)``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func read(state path: String, recipe: JSONValue) throws -> JSONValue {
    let state = try StateFile.read(
      path, into: tensors, counts: ["language_steps_done", "steps"], recipe: recipe)
    (stepsDone, optimiser.steps) = (state.counts[0], state.counts[1])
    return state.notes
  }
}

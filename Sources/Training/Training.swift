import Glibc
import Layers
import OrderedCollections
import Runtime
import Tensors

/// One network in training. All randomness is a function of (seed, epoch, item), so that a state needs no random state and
/// a resumed training ends in the same bytes.
public final class Training {
  /// What an epoch came to.
  public struct Epoch: Sendable, Equatable {
    /// Its number, from 0.
    public let index: Int
    /// Mean loss against the targets over the items, nats, as they were seen.
    public let loss: Double
    /// Share of wrong answers in the steps' own forward passes.
    public let error: Double
    /// Mean probability of the true class in them.
    public let trueProbability: Double
  }

  /// The network.
  public let network: TrainableNetwork
  /// What decides everything.
  public let plan: TrainingPlan
  /// What is learnt.
  public let data: LabelledData
  /// Epochs done.
  public internal(set) var epochsDone = 0
  let optimiser: any Optimiser
  let rule: any LossRule
  private var batch = Buffer(), partnerLogits = Buffer(), probabilities = Buffer(), gradient = Buffer()
  private var losses: [Double]
  private var scratch: [Float]

  /// A training that has not begun.
  /// - Throws: ``TrainingError``, ``MethodError`` for settings that do not fit.
  public init(
    _ network: TrainableNetwork, plan: TrainingPlan, data: LabelledData, rule: any LossRule = HardTargets()
  ) throws {
    try plan.check(items: data.count)
    guard network.inputs == data.width, network.classes >= data.classes else {
      throw TrainingError.badSetting(
        name: "network", value: "\(network.inputs) inputs and \(network.classes) classes",
        expected: "\(data.width) inputs and at least \(data.classes) classes for \(data.source)")
    }
    self.network = network
    self.plan = plan
    self.data = data
    self.rule = rule
    optimiser = try OptimiserKind.named(plan.optimiser).optimiser(plan.settings, for: network.parameters)
    losses = Array(repeating: 0, count: plan.batchSize)
    scratch = Array(repeating: 0, count: data.width)
  }

  /// Whether all epochs are done.
  public var isDone: Bool { epochsDone >= plan.epochs }

  /// Sees every item once.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``.
  public func runEpoch() throws -> Epoch {
    let epoch = epochsDone
    var shuffler = CounterRandom(seed: plan.seed, stream: "order").stream(UInt64(epoch))
    let order = shuffler.shuffled(0..<data.count)
    let steps = (data.count + plan.batchSize - 1) / plan.batchSize
    rule.begin(epoch: epoch, of: plan.epochs)
    var loss = 0.0, wrong = 0, sure = 0.0
    for step in 0..<steps {
      try Cancellation.check()
      let items = order[step * plan.batchSize..<min(data.count, (step + 1) * plan.batchSize)]
      let progress = (Double(epoch) + Double(step) / Double(steps)) / Double(plan.epochs)
      let rate = plan.learningRate * plan.schedule.factor(progress: progress, warmUp: plan.warmUp)
      for case let dropout as DropoutLayer in network.layers {
        dropout.begin(pass: UInt64(epoch * steps + step))
      }
      let sum = pass(items, epoch: epoch)
      guard sum.isFinite else {
        throw TrainingError.lossNotFinite(
          step: step, epoch: epoch, kept: "the state after epoch \(epochsDone) is the last good one")
      }
      loss += sum
      count(items, &wrong, &sure)
      rule.saw(probabilities.rows(items.count, network.classes).f32, items: items, classes: network.classes)
      if plan.sharpness > 0 { ascend(items, epoch: epoch) }
      if let clip = plan.clip { self.clip(to: clip) }
      optimiser.step(learningRate: rate)
    }
    epochsDone += 1
    let n = Double(data.count)
    return Epoch(index: epoch, loss: loss / n, error: Double(wrong) / n, trueProbability: sure / n)
  }

  /// Forward and backward over some items; the summed loss. Gradients are those of the mean.
  private func pass(_ items: ArraySlice<Int>, epoch: Int) -> Double {
    let rows = items.count, classes = network.classes
    var beside: Tensor?
    if let partners = rule.partners(items, epoch: epoch) {
      // Partners first: what backward needs is then the batch's own.
      let logits = network.forward(read(partners[...], epoch: epoch), rows: rows, training: true)
      let kept = partnerLogits.rows(rows, classes)
      kept.f32.update(from: logits.f32, count: kept.count)
      beside = kept
    }
    let x = read(items, epoch: epoch)
    let logits = network.forward(x, rows: rows, training: true)
    let g = gradient.rows(rows, classes)
    let sum = losses.withUnsafeMutableBufferPointer { losses -> Double in
      guard let base = losses.baseAddress else { return 0 }
      rule.run(
        LossBatch(
          items: items, labels: data.labels, inputs: x, logits: logits.f32, partners: beside.map { $0.f32 },
          classes: classes, probabilities: probabilities.rows(rows, classes).f32, gradient: g.f32,
          losses: base))
      return losses[..<rows].reduce(0, +)
    }
    network.backward(g, rows: rows)
    return sum
  }

  /// Items as the network sees them in an epoch, `[B, D]`.
  private func read(_ items: ArraySlice<Int>, epoch: Int) -> Tensor {
    let x = batch.rows(items.count, data.width)
    let draws = CounterRandom(seed: plan.seed, stream: "augmentation").stream(UInt64(epoch))
    for (row, item) in items.enumerated() {
      let to = x.f32 + row * data.width
      to.update(from: data.inputs.f32 + item * data.width, count: data.width)
      guard !plan.augmentation.isEmpty else { continue }
      var random = draws.stream(UInt64(item))
      scratch.withUnsafeMutableBufferPointer { scratch in
        guard let base = scratch.baseAddress else { return }
        for change in plan.augmentation {
          change.apply(to, shape: data.shape, scratch: base, random: &random)
        }
      }
    }
    return x
  }

  private func count(_ items: ArraySlice<Int>, _ wrong: inout Int, _ sure: inout Double) {
    let classes = network.classes
    let p = probabilities.rows(items.count, classes).f32
    for (row, item) in items.enumerated() {
      let own = UnsafeBufferPointer(start: p + row * classes, count: classes)
      if Softmax.argmax(own) != data.labels[item] { wrong += 1 }
      sure += Double(own[data.labels[item]])
    }
  }

  private var gradientNorm: Double {
    var square = 0.0
    for parameter in network.parameters {
      let g = parameter.gradient.f32
      for i in 0..<parameter.count { square += Double(g[i]) * Double(g[i]) }
    }
    return square.squareRoot()
  }

  private func clip(to length: Double) {
    let norm = gradientNorm
    guard norm > length else { return }
    for parameter in network.parameters {
      Vector.scale(parameter.gradient.f32, by: Float(length / norm), count: parameter.count)
    }
  }

  /// SAM: the gradient is taken at w + ρ g/‖g‖, and the weights go back to w bit for bit before the step.
  private func ascend(_ items: ArraySlice<Int>, epoch: Int) {
    let norm = gradientNorm
    guard norm > 0 else { return }
    let scale = Float(plan.sharpness / norm)
    var kept: [[Float]] = []
    for parameter in network.parameters {
      let w = parameter.value.f32, g = parameter.gradient.f32
      kept.append(Array(UnsafeBufferPointer(start: w, count: parameter.count)))
      for i in 0..<parameter.count { w[i] += scale * g[i] }
    }
    _ = pass(items, epoch: epoch)
    for (parameter, old) in zip(network.parameters, kept) {
      parameter.value.f32.update(from: old, count: old.count)
    }
  }

  /// Logits `[n, K]` of items as they are, no training.
  public static func logits(_ network: TrainableNetwork, _ data: LabelledData, batch: Int = 256) -> Tensor {
    let result = Tensor(zeros: [data.count, network.classes])
    for start in stride(from: 0, to: data.count, by: batch) {
      let range = start..<min(data.count, start + batch)
      let z = network.forward(data.inputs.rows(range), rows: range.count, training: false)
      (result.f32 + start * network.classes).update(from: z.f32, count: range.count * network.classes)
    }
    return result
  }
}

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
    /// Items of a step after it.
    public let batchSize: Int
  }

  /// The network.
  public let network: TrainableNetwork
  /// What decides everything.
  public let plan: TrainingPlan
  /// What is learnt.
  public let data: LabelledData
  /// Epochs done.
  public internal(set) var epochsDone = 0
  /// Items of a pass by now: the plan's, unless the batch grows.
  public internal(set) var batchSize: Int
  let optimiser: any Optimiser
  let rule: any LossRule
  let average: WeightAverage?
  private let sums: [Tensor]
  private let measured: [any ItemGradients]
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
    average = plan.averaging.map { WeightAverage($0, network.parameters) }
    sums = plan.accumulation > 1 ? network.parameters.map { Tensor(zeros: $0.value.shape) } : []
    batchSize = plan.batchSize
    losses = Array(repeating: 0, count: max(plan.batchSize, plan.batchGrowth?.maximum ?? 0))
    scratch = Array(repeating: 0, count: data.width)
    measured = plan.batchGrowth == nil ? [] : network.itemGradients ?? []
    guard plan.batchGrowth == nil || !measured.isEmpty else {
      throw TrainingError.badSetting(
        name: "batch_growth", value: "a network whose items have no gradient of their own",
        expected: "a network of dense layers")
    }
    for layer in measured { layer.measuresItems = true }
  }

  /// Whether all epochs are done.
  public var isDone: Bool { epochsDone >= plan.epochs }

  /// Items of a step.
  private var stepSize: Int { batchSize * plan.accumulation }
  /// Steps of an epoch; at most, where the batch grows.
  public var stepsPerEpoch: Int { (data.count + stepSize - 1) / stepSize }

  /// Sees every item once.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``.
  public func runEpoch() throws -> Epoch {
    let epoch = epochsDone
    var sums = Sums()
    let order = begin(epoch: epoch)
    var place = 0
    while place < data.count {
      try Cancellation.check()
      place = try run(from: place, of: order, epoch: epoch, &sums)
    }
    average?.finished(epoch: epoch, of: plan.epochs)
    epochsDone += 1
    let n = Double(data.count)
    return Epoch(
      index: epoch, loss: sums.loss / n, error: Double(sums.wrong) / n, trueProbability: sums.sure / n,
      batchSize: batchSize)
  }

  /// What an epoch's steps came to so far.
  private struct Sums {
    var loss = 0.0, wrong = 0, sure = 0.0
  }

  /// The order in which an epoch sees the items.
  private func begin(epoch: Int) -> [Int] {
    rule.begin(epoch: epoch, of: plan.epochs)
    var shuffler = CounterRandom(seed: plan.seed, stream: "order").stream(UInt64(epoch))
    return shuffler.shuffled(0..<data.count)
  }

  /// One step from a place of the order; where the next one begins.
  private func run(
    from place: Int, of order: [Int], epoch: Int, _ sums: inout Sums
  ) throws(TrainingError) -> Int {
    let items = order[place..<min(data.count, place + stepSize)]
    let share =
      plan.batchGrowth == nil
      ? Double(place / stepSize) / Double(stepsPerEpoch) : Double(place) / Double(data.count)
    let progress = (Double(epoch) + share) / Double(plan.epochs)
    let rate = plan.learningRate * plan.schedule.factor(progress: progress, warmUp: plan.warmUp)
    for case let dropout as DropoutLayer in network.allLayers {
      dropout.begin(pass: UInt64(optimiser.steps * plan.accumulation))
    }
    let loss = gradients(items, epoch: epoch) { part in
      count(part, &sums.wrong, &sums.sure)
      rule.saw(probabilities.rows(part.count, network.classes).f32, items: part, classes: network.classes)
    }
    guard loss.isFinite else {
      throw .lossNotFinite(
        step: place / stepSize, epoch: epoch, kept: "the state after epoch \(epochsDone) is the last good one"
      )
    }
    sums.loss += loss
    let wanted = grownBatch(after: items.count)
    if plan.sharpness > 0 { ascend(items, epoch: epoch) }
    if let clip = plan.clip { self.clip(to: clip) }
    optimiser.step(learningRate: rate)
    for parameter in network.parameters { parameter.clearPrunedValue() }
    average?.finished(step: optimiser.steps - 1)
    batchSize = wanted
    return items.endIndex
  }

  /// Items of the next step, from the gradients of one of `rows` items; a rest of an epoch is not tested.
  private func grownBatch(after rows: Int) -> Int {
    guard let growth = plan.batchGrowth, rows == batchSize, rows > 1, optimiser.steps % growth.interval == 0
    else { return batchSize }
    // The parts of the mean are shorter than the items' own gradients by the number of items.
    let squares = measured.reduce(0) { $0 + $1.itemSquares } * Double(rows) * Double(rows)
    let norm = gradientNorm
    return min(
      data.count, growth.next(batch: rows, itemSquares: squares, meanSquare: norm * norm))
  }

  /// Seconds of a step on this machine: the mean of as many steps as fit in `seconds`, after one that is not counted
  /// (unless it took longer than that by itself). They are of the second epoch where there is one: rules may do less in
  /// the first. The training is of no use afterwards.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``.
  public func timeSteps(within seconds: Double = 1) throws -> Double {
    var sums = Sums(), done = 0
    let epoch = min(1, plan.epochs - 1), order = begin(epoch: epoch)
    var start = Machine.seconds
    _ = try run(from: 0, of: order, epoch: epoch, &sums)
    if Machine.seconds - start > seconds { return Machine.seconds - start }
    start = Machine.seconds
    while done == 0 || Machine.seconds - start < seconds {
      try Cancellation.check()
      // The last step of an epoch may be a smaller one.
      let place = done % max(1, data.count / stepSize) * stepSize
      _ = try run(from: place, of: order, epoch: epoch, &sums)
      done += 1
    }
    return (Machine.seconds - start) / Double(done)
  }

  /// Runs `work` with the averaged weights in the network's place, where there are any by now, and puts back the
  /// network's own ones bit for bit. Batch norms get the statistics that the averaged weights have on the items.
  func withAverage<T>(_ work: () throws -> T) rethrows -> T {
    guard let average, average.hasBegun(epochs: epochsDone, of: plan.epochs) else { return try work() }
    let buffers = network.buffers.map {
      Array(UnsafeBufferPointer(start: $0.tensor.f32, count: $0.tensor.count))
    }
    average.exchange()
    network.estimateStatistics(from: data, batch: plan.batchSize)
    defer {
      average.exchange()
      for (buffer, old) in zip(network.buffers, buffers) {
        buffer.tensor.f32.update(from: old, count: old.count)
      }
    }
    return try work()
  }

  /// Gradients of the mean loss over a step's items, in passes of at most the batch size; the summed loss. `seen` is
  /// called after each pass with its items.
  private func gradients(
    _ items: ArraySlice<Int>, epoch: Int, seen: (ArraySlice<Int>) -> Void = { _ in }
  ) -> Double {
    guard items.count > batchSize else {
      let sum = pass(items, epoch: epoch)
      seen(items)
      return sum
    }
    var total = 0.0
    for start in stride(from: items.startIndex, to: items.endIndex, by: batchSize) {
      let part = items[start..<min(items.endIndex, start + batchSize)]
      total += pass(part, epoch: epoch)
      seen(part)
      let share = Float(part.count) / Float(items.count), isFirst = start == items.startIndex
      for (parameter, sum) in zip(network.parameters, sums) {
        let g = parameter.gradient.f32, s = sum.f32
        for i in 0..<parameter.count { s[i] = (isFirst ? 0 : s[i]) + share * g[i] }
      }
    }
    for (parameter, sum) in zip(network.parameters, sums) {
      parameter.gradient.f32.update(from: sum.f32, count: parameter.count)
    }
    return total
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
    for parameter in network.parameters { parameter.clearPrunedGradient() }
    return sum
  }

  /// Items as the network sees them in an epoch, `[B, D]`.
  private func read(_ items: ArraySlice<Int>, epoch: Int) -> Tensor {
    let x = batch.rows(items.count, data.width)
    let first = items.startIndex, width = data.width
    let (to, from) = (x.f32, data.inputs.f32)
    Parallel.forEach(items.count, grain: 1 + (1 << 14) / max(1, width)) { rows in
      for row in rows { (to + row * width).update(from: from + items[first + row] * width, count: width) }
    }
    guard !plan.augmentation.isEmpty else { return x }
    let draws = CounterRandom(seed: plan.seed, stream: "augmentation").stream(UInt64(epoch))
    for (row, item) in items.enumerated() {
      var random = draws.stream(UInt64(item))
      scratch.withUnsafeMutableBufferPointer { scratch in
        guard let base = scratch.baseAddress else { return }
        for change in plan.augmentation {
          change.apply(to + row * width, shape: data.shape, scratch: base, random: &random)
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

  /// SAM: the gradient is taken at w + ρ g/‖g‖, and the weights go back to w bit for bit before the step. Batch norms
  /// use the batch's statistics in both passes; the running ones follow the first pass, at w, only.
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
    network.statistics = .kept
    _ = gradients(items, epoch: epoch)
    network.statistics = .moving
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

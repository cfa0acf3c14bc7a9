import Layers
import Runtime
import Tensors
import Training

/// A quadratic Bézier curve between two networks: B(t) = (1 − t)² A + 2 t (1 − t) M + t² B (arXiv 1802.10026, equation 4).
///
/// The ends stay; the middle M is trained so that the loss along the curve is low. M begins in the middle of the ends, as
/// the curve's authors begin it; code published with arXiv 2107.11228 never calls that step and begins at random weights.
public struct BezierPath: WeightPath {
  /// How the middle is trained; the values are those of the published runs.
  public struct Plan: Sendable, Equatable {
    /// Times that all items are seen; 0 leaves the straight line.
    public var epochs = 50
    /// Items of a step.
    public var batchSize = 128
    /// η up to half of the training, then on a line down to a hundredth of it at nine tenths.
    public var learningRate = 0.01
    /// Share of the old step kept.
    public var momentum = 0.9
    /// λ of ½ λ ‖B(t)‖²: of the weights on the curve, not of M.
    public var decay = 5e-4
    /// Seed of the order of items and of t, which is uniform in 0 … 1 and new in every step.
    public var seed: UInt64 = 0

    /// The published plan.
    public init() {}

    /// η at a place of the training, 0 ..< 1.
    func rate(progress: Double) -> Double {
      let factor = progress <= 0.5 ? 1 : progress <= 0.9 ? 1 - (progress - 0.5) / 0.4 * 0.99 : 0.01
      return learningRate * factor
    }
  }

  private let first: [Float], second: [Float]
  /// M, `[P]`.
  public let middle: [Float]

  /// The curve of two ends and a middle, `[P]` each.
  public init(_ first: [Float], middle: [Float], _ second: [Float]) {
    precondition(
      first.count == second.count && middle.count == first.count, "networks of different sizes")
    (self.first, self.middle, self.second) = (first, middle, second)
  }

  public func weights(at t: Double) -> [Float] {
    if t == 0 { return first }
    if t == 1 { return second }
    let a = (1 - t) * (1 - t), m = 2 * t * (1 - t), b = t * t
    return first.indices.map {
      Float(a * Double(first[$0]) + m * Double(middle[$0]) + b * Double(second[$0]))
    }
  }

  /// Trains the middle. Numbers that are pruned in both ends stay zero on the whole curve.
  ///
  /// `network` is used up: it has the ends' shape and pruned places, its weights are overwritten.
  /// - Throws: ``TrainingError/lossNotFinite(step:epoch:kept:)``, ``Interrupted``.
  public static func train(
    _ first: [Float], _ second: [Float], network: TrainableNetwork, data: LabelledData, plan: Plan = Plan()
  ) throws -> BezierPath {
    var path = BezierPath(first, middle: LinearPath(first, second).weights(at: 0.5), second)
    let batchSize = min(plan.batchSize, data.count)
    let steps = (data.count + batchSize - 1) / batchSize
    let kept = network.isKept
    let batch = LossGradient(network, data: data)
    var velocity = [Float](repeating: 0, count: first.count)
    let orders = CounterRandom(seed: plan.seed, stream: "curve-order")
    let draws = CounterRandom(seed: plan.seed, stream: "curve-place")
    for epoch in 0..<plan.epochs {
      var shuffler = orders.stream(UInt64(epoch))
      let order = shuffler.shuffled(0..<data.count)
      var places = draws.stream(UInt64(epoch))
      for step in 0..<steps {
        try Cancellation.check()
        let t = places.uniform()
        let items = order[step * batchSize..<min(data.count, (step + 1) * batchSize)]
        let point = path.weights(at: t)
        network.setWeights(point)
        guard batch.run(items, training: true).isFinite else {
          throw TrainingError.lossNotFinite(step: step, epoch: epoch, kept: "the curve between two networks")
        }
        let rate = Float(
          plan.rate(progress: (Double(epoch) + Double(step) / Double(steps)) / Double(plan.epochs)))
        path = path.moved(
          by: network.weightGradient, at: point, t, kept: kept, velocity: &velocity, rate: rate, plan)
      }
    }
    return path
  }

  /// One step of the middle: dB/dM = 2 t (1 − t), of the loss and of the decay of B(t).
  private func moved(
    by gradient: [Float], at point: [Float], _ t: Double, kept: [Bool], velocity: inout [Float], rate: Float,
    _ plan: Plan
  ) -> BezierPath {
    var middle = middle
    let share = Float(2 * t * (1 - t)), decay = Float(plan.decay), momentum = Float(plan.momentum)
    for i in middle.indices where kept[i] {
      velocity[i] = momentum * velocity[i] + share * (gradient[i] + decay * point[i])
      middle[i] -= rate * velocity[i]
    }
    return BezierPath(first, middle: middle, second)
  }
}

import Layers
import Runtime
import Tensors
import Testing
import Training

@testable import Regimes

/// Gradients of a batch-norm network outside of a training loop, and what happens to its statistics on paths.
@Suite struct LossGradientTests {
  private func network() throws -> TrainableNetwork {
    try ResidualNetwork(item: [12], classes: 3, blocks: [1, 1], widths: [4, 6]).network(seed: 3)
  }

  private func data(_ count: Int) throws -> LabelledData {
    var random = CounterRandom(seed: 5)
    return try LabelledData(
      Tensor((0..<count * 12).map { _ in Float(random.normal()) }, shape: [count, 12]), shape: [12],
      labels: (0..<count).map { $0 % 3 }, classes: 3, source: "noise")
  }

  /// With running statistics as constants the gradient is that of the loss that is measured: differences along random directions.
  @Test func runningStatisticsAreConstants() throws {
    let network = try network(), data = try data(16)
    network.estimateStatistics(from: data, batch: 8)
    let gradient = LossGradient(network, data: data)
    gradient.run(Array(0..<16)[...], training: false)
    let found = network.weightGradient, centre = network.weights
    var random = CounterRandom(seed: 6)
    for _ in 0..<5 {
      let v = found.map { _ in random.normal() }
      let slope = zip(found, v).reduce(0) { $0 + Double($1.0) * $1.1 }
      let h = 2e-4
      let losses = [h, -h].map { step -> Double in
        network.setWeights(zip(centre, v).map { Float(Double($0) + step * $1) })
        return NetworkAnswers(network, data).loss
      }
      network.setWeights(centre)
      let difference = (losses[0] - losses[1]) / (2 * h)
      #expect(abs(difference - slope) < 0.02 * max(1, abs(slope)), "\(difference) for \(slope)")
    }
  }

  /// Batch norm's statistics are those of the place: the same network with wrong statistics has the same connectivity.
  @Test func statisticsAreEstimatedAtEveryPlace() throws {
    let network = try network(), data = try data(30)
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize) = (30, 10)
    let training = try Training(network, plan: plan, data: data)
    while !training.isDone { _ = try training.runEpoch() }
    network.estimateStatistics(from: data)
    let own = NetworkValues(network)
    let right = NetworkAnswers(network, data)
    #expect(!own.statistics.isEmpty)
    let shifted = own.statistics.map { $0 + 3 }
    let line = try Connectivity.measure(
      LinearPath(own.weights, own.weights), at: Connectivity.places(3), network: network, data: data,
      statistics: (own.statistics, shifted))
    #expect(line.points.allSatisfy { $0.error == right.error && $0.loss == right.loss })
    #expect(line.points[0].rawError == right.error && line.value == 0)
    let raw = line.points.compactMap(\.rawError)
    #expect(raw.count == 3 && raw[2] != right.error)
    own.restore(network)
    #expect(NetworkValues(network).statistics == own.statistics)
  }

  /// Convolutions are pruned as matrices; norms, biases and the last layer stay whole; retraining keeps the mask.
  @Test func residualNetworksArePruned() throws {
    let network = try network(), data = try data(60)
    let outcome = try NetworkPruning().prune(network, density: 0.25)
    #expect(outcome.kept.allSatisfy { !$0.name.contains("norm") && !$0.name.contains("head") })
    #expect(outcome.kept.count == network.parameters.count { $0.isDecayed } - 1)
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.settings, plan.sharpness) = (
      2, 10, ["weight_decay": .number(0.01)], 0.05
    )
    let training = try Training(network, plan: plan, data: data)
    while !training.isDone { _ = try training.runEpoch() }
    let weights = network.weights
    #expect(zip(network.isKept, weights).allSatisfy { $0 || $1.bitPattern == 0 })
    // Kept numbers moved, and the curve between siblings keeps the mask too.
    let other = weights.map { $0 * 1.1 }
    var curve = BezierPath.Plan()
    (curve.epochs, curve.batchSize) = (1, 20)
    let path = try BezierPath.train(weights, other, network: network, data: data, plan: curve)
    #expect(zip(network.isKept, path.middle).allSatisfy { $0 || $1 == 0 })
    #expect(path.middle != LinearPath(weights, other).weights(at: 0.5))
  }
}

import Runtime
import Tensors
import Testing
import Training

@testable import Regimes

/// Paths between networks whose errors are known.
@Suite struct ConnectivityTests {
  /// One number an item; the answer is class 1 where w x > 0. At w = 1 everything is right, at w = −1 everything wrong.
  private static func line() throws -> (network: TrainableNetwork, data: LabelledData) {
    let labels = [0, 1, 0, 1]
    return (
      TrainableNetwork.mlp(widths: [1, 2], seed: 0),
      try LabelledData(
        Tensor([-1, 1, -2, 2], shape: [4, 1]), shape: [1], labels: labels, classes: 2, source: "line")
    )
  }

  private func point(_ place: Double, _ error: Double) -> Connectivity.Point {
    .init(place: place, error: error, loss: error * 2, rawError: nil)
  }

  @Test func signAndPlace() {
    let barrier = Connectivity([point(0, 0.1), point(0.5, 0.7), point(1, 0.3)])
    #expect(abs(barrier.value + 0.5) < 1e-12 && barrier.place == 0.5)
    #expect(abs(barrier.lossValue + 1.0) < 1e-12)
    let valley = Connectivity([point(0, 0.5), point(0.4, 0.2), point(0.6, 0.45), point(1, 0.5)])
    #expect(abs(valley.value - 0.3) < 1e-12 && valley.place == 0.4)
    // Ends of different heights differ from their own mean: the first of the equal extremes counts.
    let slope = Connectivity([point(0, 0.25), point(0.5, 0.5), point(1, 0.75)])
    #expect(slope.value == 0.25 && slope.place == 0)
    let flat = Connectivity([point(0, 0.2), point(1, 0.2)])
    #expect(flat.value == 0 && flat.place == 0)
  }

  /// From w = 1 to itself with the logits turned around half-way: closed-form errors 0, 0, 1 of a linear classifier.
  @Test func measuredOnALine() throws {
    let (network, data) = try Self.line()
    // weights: [class 0, class 1] then biases.
    let right: [Float] = [-1, 1, 0, 0], wrong: [Float] = [1, -1, 0, 0]
    let found = try Connectivity.measure(
      LinearPath(right, wrong), at: Connectivity.places(5), network: network, data: data)
    #expect(found.points.map(\.place) == [0, 0.25, 0.5, 0.75, 1])
    // At the middle both logits are 0 and the lower class is said.
    #expect(found.points.map(\.error) == [0, 0, 0.5, 1, 1])
    #expect(found.value == 0.5 && found.place == 0)
    let same = try Connectivity.measure(
      LinearPath(right, right), at: Connectivity.places(3), network: network, data: data)
    #expect(same.value == 0 && same.lossValue.magnitude < 1e-7)
  }

  @Test func endsAreTheNetworks() {
    let a: [Float] = [0.1, 0.7, 1e-30], b: [Float] = [3, -0.3, 2], m: [Float] = [1, 1, 1]
    for path in [LinearPath(a, b), BezierPath(a, middle: m, b)] as [any WeightPath] {
      #expect(path.weights(at: 0) == a && path.weights(at: 1) == b)
    }
    #expect(
      zip(LinearPath(a, b).weights(at: 0.5), [1.55, 0.2, 1] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
    let half = BezierPath([0, 2], middle: [4, 0], [0, 2]).weights(at: 0.5)
    #expect(half == [2, 1])
    // A middle in the middle is the line.
    let line = BezierPath([0, 2], middle: [1, 3], [2, 4]).weights(at: 0.25)
    #expect(line == LinearPath([0, 2], [2, 4]).weights(at: 0.25))
  }

  /// Two networks of one function whose hidden units are permuted: the line between them has a barrier, the curve a lower one.
  @Test func aTrainedCurveGoesAroundTheBarrier() throws {
    let all = try LabelledData.mnist1D(validation: 500).train.items(0..<600)
    let network = TrainableNetwork.mlp(widths: [40, 24, 10], seed: 1)
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.seed) = (25, 50, 1)
    let training = try Training(network, plan: plan, data: all)
    while !training.isDone { _ = try training.runEpoch() }
    let first = network.weights
    // Hidden unit i becomes unit 23 − i.
    var second = first
    for unit in 0..<24 {
      for input in 0..<40 { second[(23 - unit) * 40 + input] = first[unit * 40 + input] }
      second[960 + 23 - unit] = first[960 + unit]
      for output in 0..<10 { second[984 + output * 24 + 23 - unit] = first[984 + output * 24 + unit] }
    }
    let line = try Connectivity.measure(
      LinearPath(first, second), at: Connectivity.places(5), network: network, data: all)
    #expect(abs(line.points[0].error - line.points[4].error) < 1e-9)
    var curve = BezierPath.Plan()
    (curve.epochs, curve.batchSize, curve.learningRate) = (60, 50, 0.1)
    let path = try BezierPath.train(first, second, network: network, data: all, plan: curve)
    let bent = try Connectivity.measure(path, at: Connectivity.places(5), network: network, data: all)
    let values = [line.value, bent.value]
    #expect(values[0] < -0.2 && values[1] > values[0] / 2)
    #expect(bent.lossValue > line.lossValue / 2)
    // The same seed gives the same curve; no training the straight line.
    curve.epochs = 2
    let again = try (0..<2).map { _ in
      try BezierPath.train(first, second, network: network, data: all, plan: curve).middle
    }
    #expect(again[0] == again[1])
    curve.epochs = 0
    let straight = try BezierPath.train(first, second, network: network, data: all, plan: curve)
    #expect(straight.middle == LinearPath(first, second).weights(at: 0.5))
  }

  @Test func learningRateOfTheCurve() {
    let plan = BezierPath.Plan()
    #expect(plan.rate(progress: 0) == 0.01 && plan.rate(progress: 0.5) == 0.01)
    #expect(abs(plan.rate(progress: 0.7) - 0.01 * 0.505) < 1e-12)
    #expect(plan.rate(progress: 0.95) == 0.0001)
  }

  @Test func distance() {
    let found = WeightDistance([3, 0], [0, 4])
    #expect(found.distance == 5 && abs(found.relative - 5 / 3.5) < 1e-12)
    #expect(WeightDistance([1, 2], [1, 2]) == WeightDistance([2, 2], [2, 2]))
  }
}

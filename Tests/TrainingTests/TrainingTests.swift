import Glibc
import JSON
import Layers
import Runtime
import Tensors
import Testing

@testable import Training

/// Gradients and losses of an MLP: against PyTorch (record_training.py), against finite differences, and repeated.
@Suite struct TrainingTests {
  static let widths = [7, 11, 6, 4]

  private static func recorded() throws -> JSONValue {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    return try JSONValue(file: here + "/Fixtures/training.json")
  }

  /// The script's inputs `[9, 7]` and soft targets `[9, 4]`.
  private static func batch() -> (x: Tensor, targets: Tensor) {
    var random = CounterRandom(seed: 5, stream: "data")
    let x = (0..<63).map { _ in Float(2 * random.uniform() - 1) }
    var targets: [Float] = []
    for _ in 0..<9 {
      let row = (0..<4).map { _ in random.uniform() }
      targets += row.map { Float($0 / row.reduce(0, +)) }
    }
    return (Tensor(x, shape: [9, 7]), Tensor(targets, shape: [9, 4]))
  }

  /// The mean loss; writes the gradients.
  private static func pass(_ network: TrainableNetwork, _ x: Tensor, _ targets: Tensor) -> Double {
    let logits = network.forward(x, rows: 9, training: true)
    let p = Tensor(zeros: [9, 4]), g = Tensor(zeros: [9, 4])
    var losses = [Double](repeating: 0, count: 9)
    CrossEntropy.run(
      logits: logits.f32, targets: targets.f32, probabilities: p.f32, gradient: g.f32, rows: 9, classes: 4,
      scale: 1 / 9, losses: &losses)
    network.backward(g, rows: 9)
    return losses.reduce(0, +) / 9
  }

  @Test(arguments: ["relu", "silu", "gelu", "gelu_tanh", "tanh"])
  func gradientsEqualPyTorchs(_ name: String) throws {
    let expected = try #require(try Self.recorded()["gradients"]?[name]?.array)
    let activation = try #require(Activation(rawValue: name))
    let network = TrainableNetwork.mlp(widths: Self.widths, activation: activation, seed: 3)
    let (x, targets) = Self.batch()
    _ = Self.pass(network, x, targets)
    #expect(network.parameters.count == expected.count)
    for (parameter, values) in zip(network.parameters, expected) {
      let values = (values.array ?? []).compactMap(\.double)
      #expect(values.count == parameter.count)
      let largest = values.map(abs).max() ?? 0
      for (i, value) in values.enumerated() {
        #expect(
          abs(Double(parameter.gradient.f32[i]) - value) <= 1e-5 * max(largest, 1e-3),
          "\(parameter.name)[\(i)]")
      }
    }
  }

  @Test(arguments: ["sgd", "adam", "adamw", "adagrad", "diffgrad"])
  func tenLossesEqualPyTorchs(_ name: String) throws {
    let expected = (try Self.recorded()["losses"]?[name]?.array ?? []).compactMap(\.double)
    #expect(expected.count == 10)
    let rate = ["sgd": 0.5, "adagrad": 0.1][name] ?? 0.05
    let decays = ["sgd", "adam", "adamw"].contains(name)
    let network = TrainableNetwork.mlp(widths: Self.widths, seed: 3)
    let optimiser = try OptimiserKind.named(name).optimiser(
      decays ? ["weight_decay": .number(0.01)] : [:], for: network.parameters)
    let (x, targets) = Self.batch()
    for loss in expected {
      #expect(abs(Self.pass(network, x, targets) - loss) < 2e-6 * max(1, abs(loss)))
      optimiser.step(learningRate: rate)
    }
  }

  /// (L(w + h) − L(w − h)) / 2h of an f64 rendition of the network against the gradients.
  @Test(arguments: [Activation.silu, .gelu, .geluTanh, .quickGelu, .tanh])
  func gradientsEqualFiniteDifferences(_ activation: Activation) throws {
    let network = TrainableNetwork.mlp(widths: Self.widths, activation: activation, seed: 3)
    let (x, targets) = Self.batch()
    _ = Self.pass(network, x, targets)
    var values = network.parameters.map { p in (0..<p.count).map { Double(p.value.f32[$0]) } }
    func loss() -> Double { DoubleNetwork.loss(values, Self.widths, activation, x, targets) }
    for (index, parameter) in network.parameters.enumerated() {
      for i in stride(from: 0, to: parameter.count, by: 3) {
        let kept = values[index][i]
        values[index][i] = kept + 1e-5
        let up = loss()
        values[index][i] = kept - 1e-5
        let down = loss()
        values[index][i] = kept
        #expect(abs(Double(parameter.gradient.f32[i]) - (up - down) / 2e-5) < 2e-6, "\(parameter.name)[\(i)]")
      }
    }
  }

  private func trained(
    threads: Int, epochs: Int, stopAfter: Int? = nil, _ change: (inout TrainingPlan) -> Void = { _ in }
  ) throws -> (Training, TrainableNetwork) {
    Parallel.setThreads(threads)
    defer { Parallel.setThreads(2) }
    let data = try LabelledData.mnist1D().train.items(0..<300)
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate) = (epochs, 32, 0.05)
    plan.augmentation = [.shift(1), .noise(0.1)]
    change(&plan)
    let network = TrainableNetwork.mlp(widths: [40, 24, 10], dropout: 0.1, seed: 1)
    let training = try Training(network, plan: plan, data: data)
    while !training.isDone, training.epochsDone < stopAfter ?? .max { _ = try training.runEpoch() }
    return (training, network)
  }

  private func bytes(_ network: TrainableNetwork) -> [UInt8] {
    network.parameters.flatMap { Array($0.value.bytes) }
  }

  @Test func theSameBytesOnAnyNumberOfThreads() throws {
    #expect(bytes(try trained(threads: 1, epochs: 3).1) == bytes(try trained(threads: 2, epochs: 3).1))
  }

  @Test func sharpnessAndClippingAct() throws {
    let plain = bytes(try trained(threads: 1, epochs: 1).1)
    #expect(plain != bytes(try trained(threads: 1, epochs: 1) { $0.sharpness = 0.05 }.1))
    #expect(plain != bytes(try trained(threads: 1, epochs: 1) { $0.clip = 0.1 }.1))
  }

  @Test func itLearns() throws {
    let (_, network) = try trained(threads: 2, epochs: 40)
    let data = try LabelledData.mnist1D().train.items(0..<300)
    let logits = Training.logits(network, data)
    let right = (0..<300).count { row in
      Softmax.argmax(UnsafeBufferPointer(start: logits.f32 + row * 10, count: 10)) == data.labels[row]
    }
    #expect(right > 200)
  }

  @Test func aLossThatIsNoNumberStops() throws {
    let error = #expect(throws: TrainingError.self) {
      try trained(threads: 1, epochs: 5) { $0.learningRate = 1e30 }
    }
    #expect(error?.code == "LOSS_NOT_FINITE")
  }

  @Test func badPlansAreRefused() throws {
    for change: (inout TrainingPlan) -> Void in [
      { $0.batchSize = 301 }, { $0.epochs = 0 }, { $0.learningRate = -1 }, { $0.optimiser = "sgt" },
    ] {
      #expect(throws: TrainingError.self) { try trained(threads: 1, epochs: 1, change) }
    }
    #expect(throws: MethodError.self) {
      try trained(threads: 1, epochs: 1) { $0.settings = ["momentun": .number(0.9)] }
    }
  }
}

/// The MLP in f64, forward only.
enum DoubleNetwork {
  static func loss(
    _ values: [[Double]], _ widths: [Int], _ activation: Activation, _ x: Tensor, _ targets: Tensor
  ) -> Double {
    let rows = x.shape[0], classes = widths[widths.count - 1]
    var total = 0.0
    for row in 0..<rows {
      var h = (0..<widths[0]).map { Double(x.f32[row * widths[0] + $0]) }
      for layer in 1..<widths.count {
        let w = values[2 * layer - 2], b = values[2 * layer - 1]
        let inputs = widths[layer - 1]
        var z = b
        for n in 0..<widths[layer] {
          for k in 0..<inputs { z[n] += w[n * inputs + k] * h[k] }
        }
        h = z
        if layer < widths.count - 1 { h = h.map { apply(activation, $0) } }
      }
      let top = h.max() ?? 0
      var sum = 0.0
      for value in h { sum += exp(value - top) }
      let logSum = log(sum) + top
      for k in 0..<classes { total += Double(targets.f32[row * classes + k]) * (logSum - h[k]) }
    }
    return total / Double(rows)
  }

  private static func apply(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .relu: max(x, 0)
    case .silu: x / (1 + exp(-x))
    case .quickGelu: x / (1 + exp(-1.702 * x))
    case .tanh: tanh(x)
    case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
  }
}

import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Training

/// Residual networks against PyTorch (record_residual.py), and their states.
@Suite struct ResidualNetworkTests {
  private struct Case {
    let facts: JSONValue, network: TrainableNetwork, x: Tensor, labels: [Int], rows: Int

    init(_ name: String) throws {
      let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
        separator: "/")
      let recorded = try JSONValue(file: here + "/Fixtures/residual.json")
      let facts = try #require(recorded["cases"]?[name])
      func integers(_ key: String) -> [Int] { (facts[key]?.array ?? []).compactMap(\.int) }
      var plan = ResidualNetwork(
        item: integers("item"), classes: facts["classes"]?.int ?? 0, blocks: integers("blocks"),
        widths: integers("widths"))
      plan.order = try #require(ResidualBlock.Order(rawValue: facts["order"]?.string ?? ""))
      (plan.normalisesStem, plan.normalisesEnd) = (facts["stem"]?.bool ?? false, facts["end"]?.bool ?? false)
      let rows = recorded["rows"]?.int ?? 0
      (self.facts, self.rows) = (facts, rows)
      network = try plan.network(seed: 3)
      var random = CounterRandom(seed: 5, stream: "data")
      let width = network.inputs
      x = Tensor((0..<rows * width).map { _ in Float(2 * random.uniform() - 1) }, shape: [rows, width])
      labels = (0..<rows).map { $0 % plan.classes }
    }

    /// The mean loss; writes the gradients.
    func pass() -> Double {
      let classes = network.classes
      let logits = network.forward(x, rows: rows, training: true)
      let targets = Tensor(zeros: [rows, classes])
      for (row, label) in labels.enumerated() { targets.f32[row * classes + label] = 1 }
      let p = Tensor(zeros: [rows, classes]), g = Tensor(zeros: [rows, classes])
      var losses = [Double](repeating: 0, count: rows)
      CrossEntropy.run(
        logits: logits.f32, targets: targets.f32, probabilities: p.f32, gradient: g.f32, rows: rows,
        classes: classes, scale: 1 / Float(rows), losses: &losses)
      network.backward(g, rows: rows)
      return losses.reduce(0, +) / Double(rows)
    }
  }

  private static func expect(
    _ tensor: Tensor, _ recorded: JSONValue?, _ name: String, within tolerance: Double
  ) {
    let values = (recorded?.array ?? []).compactMap(\.double)
    #expect(values.count == tensor.count, "\(name)")
    let largest = max(1e-3, values.map(abs).max() ?? 0)
    for (i, value) in values.enumerated() {
      #expect(abs(Double(tensor.f32[i]) - value) <= tolerance * largest, "\(name)[\(i)]")
    }
  }

  @Test(arguments: ["signals", "images", "behind"])
  func gradientsLossesAndStatisticsEqualPyTorchs(_ name: String) throws {
    let recorded = try Case(name)
    let network = recorded.network
    #expect(network.parameterCount == recorded.facts["parameters"]?.int)
    let losses = (recorded.facts["losses"]?.array ?? []).compactMap(\.double)
    #expect(losses.count == 10)
    let optimiser = try OptimiserKind.named("sgd").optimiser(
      ["weight_decay": .number(0.01)], for: network.parameters)
    for (step, loss) in losses.enumerated() {
      let own = recorded.pass()
      #expect(abs(own - loss) < 1e-5 * max(1, loss), "loss \(step): \(own), PyTorch \(loss)")
      if step == 0 {
        for parameter in network.parameters {
          Self.expect(
            parameter.gradient, recorded.facts["gradients"]?[parameter.name], parameter.name, within: 2e-5)
        }
      }
      optimiser.step(learningRate: 0.05)
    }
    for (name, tensor) in network.buffers {
      Self.expect(tensor, recorded.facts["running"]?[name], name, within: 1e-4)
    }
    let logits = network.forward(recorded.x, rows: recorded.rows, training: false)
    Self.expect(logits, recorded.facts["logits"], "logits", within: 1e-3)
  }

  private func training(_ change: (inout TrainingPlan) -> Void = { _ in }) throws -> Training {
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate) = (3, 32, 0.05)
    plan.augmentation = [.shift(1)]
    change(&plan)
    let network = try ResidualNetwork.thin(item: [MNIST1D.width], classes: 10, depth: 8, width: 5).network(
      seed: 1)
    return try Training(network, plan: plan, data: try LabelledData.mnist1D().train.items(0..<195))
  }

  private func bytes(_ training: Training) -> [UInt8] {
    training.network.values.flatMap { Array($0.tensor.bytes) }
  }

  @Test func theSameBytesOnAnyNumberOfThreads() throws {
    defer { Parallel.setThreads(2) }
    let results = try [1, 2].map { threads in
      Parallel.setThreads(threads)
      let one = try training()
      _ = try one.runEpoch()
      return bytes(one)
    }
    let same = results[0] == results[1]
    #expect(same)
  }

  @Test func goesOnBitForBit() throws {
    let folder = try TemporaryFolder()
    let whole = try training()
    while !whole.isDone { _ = try whole.runEpoch() }
    let first = try training()
    _ = try first.runEpoch()
    try first.write(state: folder.file("state.safetensors"), recipe: .null)
    let second = try training()
    try second.read(state: folder.file("state.safetensors"), recipe: .null)
    while !second.isDone { _ = try second.runEpoch() }
    let same = bytes(whole) == bytes(second)
    #expect(same)
    #expect(whole.network.buffers.allSatisfy { name, _ in name.contains(".running_") })
  }

  /// SAM's second pass leaves the running statistics to the first.
  @Test func sharpnessKeepsRunningStatistics() throws {
    let plain = try training { $0.learningRate = 1e-30 },
      sharp = try training {
        ($0.learningRate, $0.sharpness) = (1e-30, 0.5)
      }
    _ = (try plain.runEpoch(), try sharp.runEpoch())
    func statistics(_ training: Training) -> [[Float]] {
      training.network.buffers.map { $0.tensor.toFloats() }
    }
    #expect(statistics(plain) == statistics(sharp))
  }

  /// With one batch the estimated statistics are that batch's; with several their mean.
  @Test func statisticsAreEstimatedFromData() throws {
    let network = try training().network
    let data = try LabelledData.mnist1D().train
    let norm = try #require(network.batchNorms.first)
    func estimate(_ range: Range<Int>) -> [Float] {
      network.estimateStatistics(from: data.items(range), batch: 64)
      return [norm.runningMean, norm.runningVariance].flatMap { t in (0..<t.count).map { t.f32[$0] } }
    }
    let parts = [estimate(0..<64), estimate(64..<128)]
    for (both, (a, b)) in zip(estimate(0..<128), zip(parts[0], parts[1])) {
      #expect(abs(both - (a + b) / 2) < 1e-6)
    }
    #expect(norm.statistics == .moving)
    let logits = network.forward(data.inputs.rows(0..<64), rows: 64, training: true)
    let trained = (0..<logits.count).map { logits.f32[$0] }
    _ = estimate(0..<64)
    let answered = network.forward(data.inputs.rows(0..<64), rows: 64, training: false)
    // Biased against unbiased variance: some hundredths.
    for i in 0..<trained.count { #expect(abs(trained[i] - answered.f32[i]) < 0.05 * max(1, abs(trained[i]))) }
  }

  @Test func itLearns() throws {
    let one = try training { ($0.epochs, $0.augmentation) = (80, []) }
    var last = 1.0
    while !one.isDone { last = try one.runEpoch().error }
    #expect(last < 0.25)
  }

  @Test func parameterCountsOfPublishedNetworks() throws {
    #expect(
      try ResidualNetwork.preAct18(item: [3, 32, 32], classes: 100).network(seed: 0).parameterCount
        == 11_217_444)
    var bench = try ResidualNetwork.thin(item: [3, 32, 32], classes: 10, depth: 20, width: 16)
    (bench.order, bench.normalisesStem, bench.normalisesEnd) = (.behind, true, false)
    #expect(try bench.network(seed: 0).parameterCount == 272_474)
  }

  @Test func kindsOfRecipes() throws {
    let published = try NetworkDescription(
      "resnet2d",
      [
        "blocks": .integers([2, 2, 2, 2]), "widths": .integers([64, 128, 256, 512]), "stem_norm": .flag(true),
        "end_norm": .flag(false),
      ])
    let network = try published.network(shape: [3, 32, 32], classes: 100, seed: 0)
    #expect(network.parameterCount == 11_217_444)
    let thin = try NetworkDescription("resnet1d", ["depth": .integer(14), "width": .integer(8)])
    #expect(
      try thin.network(shape: [40], classes: 10, seed: 2).values.map(\.name)
        == ResidualNetwork.thin(item: [40], classes: 10, depth: 14, width: 8).network(seed: 2).values.map(
          \.name))
    #expect(throws: TrainingError.self) { try thin.network(shape: [3, 32, 32], classes: 10, seed: 0) }
    #expect(throws: TrainingError.self) { try published.network(shape: [40], classes: 10, seed: 0) }
    #expect(throws: TrainingError.self) {
      try NetworkDescription("resnet1d", ["depth": .integer(9)]).network(shape: [40], classes: 10, seed: 0)
    }
  }

  @Test func badShapesAreRefused() throws {
    #expect(throws: TrainingError.self) {
      try ResidualNetwork.thin(item: [40], classes: 10, depth: 18, width: 4)
    }
    for plan in [
      ResidualNetwork(item: [], classes: 10, blocks: [1], widths: [4]),
      ResidualNetwork(item: [40], classes: 1, blocks: [1], widths: [4]),
      ResidualNetwork(item: [40], classes: 10, blocks: [1, 1], widths: [4]),
      ResidualNetwork(item: [40], classes: 10, blocks: [0], widths: [4]),
    ] { #expect(throws: TrainingError.self) { try plan.network(seed: 0) } }
  }
}

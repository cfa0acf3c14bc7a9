import JSON
import Layers
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Training

/// AdAdaGrad's test and what it does to a training.
@Suite struct BatchGrowthTests {
  private static func training(
    _ growth: BatchGrowth?, widths: [Int] = [40, 16, 10], items: Int = 300, batch: Int = 4, epochs: Int = 6
  ) throws -> Training {
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate, plan.optimiser) = (epochs, batch, 0.05, "adagrad-norm")
    plan.batchGrowth = growth
    return try Training(
      TrainableNetwork.mlp(widths: widths, seed: 3), plan: plan,
      data: try LabelledData.mnist1D().train.items(0..<items))
  }

  /// Σ‖g_i‖² from the layers' inputs and outputs equals that of every item run by itself.
  @Test func lengthsOfItemsAreThoseOfTheirOwnPasses() throws {
    let network = TrainableNetwork.mlp(widths: [5, 7, 3], activation: .tanh, seed: 1)
    let layers = try #require(network.itemGradients)
    for layer in layers { layer.measuresItems = true }
    var random = CounterRandom(seed: 0, stream: "items")
    func numbers(_ rows: Int, _ width: Int) -> Tensor {
      Tensor((0..<rows * width).map { _ in Float(random.normal()) }, shape: [rows, width])
    }
    let x = numbers(6, 5), dy = numbers(6, 3)
    func squares(_ x: Tensor, _ dy: Tensor, rows: Int) -> Double {
      _ = network.forward(x, rows: rows, training: true)
      network.backward(Tensor((0..<rows * 3).map { dy.f32[$0] }, shape: [rows, 3]), rows: rows)
      return layers.reduce(0) { $0 + $1.itemSquares }
    }
    var single = 0.0
    for item in 0..<6 {
      _ = squares(x.rows(item..<item + 1), dy.rows(item..<item + 1), rows: 1)
      for parameter in network.parameters {
        for i in 0..<parameter.count {
          single += Double(parameter.gradient.f32[i] * parameter.gradient.f32[i])
        }
      }
    }
    let together = squares(x, dy, rows: 6)
    #expect(abs(together / single - 1) < 1e-5, "\(together) \(single)")
  }

  /// Numbers worked out by hand: two gradients (3, 0) and (1, 0) have mean (2, 0) and variance 2.
  @Test func testsAskForWhatTheFormulasSay() {
    var growth = BatchGrowth()
    (growth.tolerance, growth.maximum) = (0.5, 100)
    // ‖ḡ‖² − V/b = 4 − 1 = 3: 2 / (0.25 · 3) = 2.67.
    #expect(growth.next(batch: 2, itemSquares: 10, meanSquare: 4) == 3)
    growth.test = .published
    #expect(growth.next(batch: 2, itemSquares: 10, meanSquare: 4) == 2)
    growth.tolerance = 0.1
    #expect(growth.next(batch: 2, itemSquares: 10, meanSquare: 4) == 50)
    growth.maximum = 20
    #expect(growth.next(batch: 2, itemSquares: 10, meanSquare: 4) == 20)
    // Equal gradients have no noise, and opposite ones nothing else.
    #expect(growth.next(batch: 2, itemSquares: 8, meanSquare: 4) == 2)
    (growth.test, growth.tolerance, growth.maximum) = (.unbiased, 0.5, 1000)
    #expect(growth.next(batch: 8, itemSquares: 56, meanSquare: 0) == 32)
  }

  @Test(arguments: BatchGrowth.Test.allCases)
  func batchesOnlyGrowAndFasterForLessTolerance(_ test: BatchGrowth.Test) throws {
    var sizes: [[Int]] = []
    for tolerance in [0.25, 1.0] {
      var growth = BatchGrowth()
      (growth.test, growth.tolerance, growth.maximum) = (test, tolerance, 256)
      let training = try Self.training(growth)
      var own: [Int] = []
      while !training.isDone { own.append(try training.runEpoch().batchSize) }
      #expect(own == own.sorted() && own[0] >= 4 && (own.last ?? 0) <= 256, "\(own)")
      sizes.append(own)
    }
    #expect(zip(sizes[0], sizes[1]).allSatisfy { $0 >= $1 } && sizes[0] != sizes[1], "\(sizes)")
  }

  /// A state keeps the batch by then: going on ends in the same bytes.
  @Test func goesOnBitForBit() throws {
    var growth = BatchGrowth()
    (growth.tolerance, growth.maximum) = (0.8, 256)
    let folder = try TemporaryFolder()
    let whole = try Self.training(growth), first = try Self.training(growth),
      second = try Self.training(growth)
    while !whole.isDone { _ = try whole.runEpoch() }
    for _ in 0..<2 { _ = try first.runEpoch() }
    #expect(first.batchSize > 4)
    try first.write(state: folder.file("state.safetensors"), recipe: "r")
    try second.read(state: folder.file("state.safetensors"), recipe: "r")
    #expect(second.batchSize == first.batchSize)
    while !second.isDone { _ = try second.runEpoch() }
    try whole.write(state: folder.file("whole.safetensors"), recipe: "r")
    try second.write(state: folder.file("second.safetensors"), recipe: "r")
    #expect(try Files.read(folder.file("whole.safetensors")) == Files.read(folder.file("second.safetensors")))
  }

  @Test func refusesWhatHasNoItemsOfItsOwn() throws {
    var growth = BatchGrowth()
    growth.maximum = 2
    #expect(throws: TrainingError.self) { try Self.training(growth) }
    var plan = TrainingPlan()
    plan.batchGrowth = BatchGrowth()
    plan.batchSize = 8
    let data = try LabelledData.mnist1D().train.items(0..<50)
    let network = try NetworkDescription.residual(data)
    let error = #expect(throws: TrainingError.self) { try Training(network, plan: plan, data: data) }
    #expect(error?.expected == "a network of dense layers")
  }

  @Test func recipesSayIt() throws {
    var plan = TrainingPlan()
    try plan.read(
      KeyReader(["batch_growth": ["test": "published", "tolerance": 0.5, "maximum": 64]], path: ""))
    #expect(plan.batchGrowth?.test == .published && plan.batchGrowth?.interval == 1)
    var again = TrainingPlan()
    try again.read(KeyReader(try plan.json(), path: ""))
    #expect(again.batchGrowth == plan.batchGrowth)
    #expect(throws: TrainingError.self) {
      var wrong = TrainingPlan()
      try wrong.read(KeyReader(["batch_growth": ["test": "orthogonality"]], path: ""))
    }
  }
}

extension NetworkDescription {
  /// A small network with batch norms.
  fileprivate static func residual(_ data: LabelledData) throws -> TrainableNetwork {
    try NetworkDescription(KeyReader(["kind": "resnet1d", "depth": 8, "width": 4], path: "network"))
      .network(for: data, seed: 1)
  }
}

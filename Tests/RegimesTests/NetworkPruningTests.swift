import Importance
import Runtime
import Tensors
import Testing
import Training

@testable import Regimes

/// Which weights go, and that they stay away.
@Suite struct NetworkPruningTests {
  private func network() -> TrainableNetwork { TrainableNetwork.mlp(widths: [6, 10, 8, 3], seed: 4) }

  @Test func uniformTakesTheSmallestOfEveryMatrix() throws {
    let network = network()
    let before = network.parameters.map { Array(UnsafeBufferPointer(start: $0.value.f32, count: $0.count)) }
    let outcome = try NetworkPruning().prune(network, density: 0.25)
    #expect(outcome.kept.map(\.name) == ["layers.0.weight", "layers.1.weight"])
    #expect(outcome.kept.map(\.kept) == [15, 20] && outcome.density == 0.25)
    #expect(
      abs(outcome.overallDensity - Double(network.parameterCount - 105) / Double(network.parameterCount))
        < 1e-12)
    for (index, parameter) in network.parameters.enumerated() {
      let now = Array(UnsafeBufferPointer(start: parameter.value.f32, count: parameter.count))
      guard !parameter.pruned.isEmpty else {
        #expect(now == before[index])
        continue
      }
      let kept = now.indices.filter { now[$0] != 0 }
      let least = kept.map { abs(before[index][$0]) }.min() ?? 0
      #expect(parameter.pruned.allSatisfy { now[$0] == 0 && abs(before[index][$0]) <= least })
      #expect(
        kept.allSatisfy { now[$0] == before[index][$0] } && kept.count + parameter.pruned.count == now.count)
    }
  }

  @Test func globalHasOneThreshold() throws {
    let network = network()
    var pruning = NetworkPruning()
    pruning.group = "global"
    let outcome = try pruning.prune(network, density: 0.3)
    #expect(outcome.kept.map(\.kept).reduce(0, +) == 42 && outcome.kept[0].kept != 18)
    let kept = network.parameters.filter { !$0.pruned.isEmpty }.flatMap { parameter in
      (0..<parameter.count).map { abs(parameter.value.f32[$0]) }.filter { $0 > 0 }
    }
    #expect(kept.count == 42)
  }

  @Test func layers() throws {
    var pruning = NetworkPruning()
    pruning.layers = .inner
    #expect(try pruning.matrices(of: network()).map(\.name) == ["layers.1.weight"])
    pruning.layers = .all
    #expect(try pruning.matrices(of: network()).count == 3)
    pruning.layers = .butLast
    #expect(throws: ImportanceError.self) {
      try pruning.matrices(of: TrainableNetwork.mlp(widths: [4, 2], seed: 0))
    }
    pruning.score = "wanda"
    #expect(throws: ImportanceError.self) { try pruning.prune(network(), density: 0.5) }
  }

  struct Recipe: Sendable {
    var optimiser: String
    var settings: [String: MethodValue]
    var sharpness = 0.0
    var clip: Double?
  }

  /// Momentum, decay, SAM's second gradient, clipping and adaptive steps leave pruned weights exactly zero; others move.
  @Test(
    arguments: [
      Recipe(optimiser: "sgd", settings: ["weight_decay": .number(0.01)]),
      Recipe(optimiser: "sgd", settings: [:], sharpness: 0.2, clip: 0.5),
      Recipe(optimiser: "adam", settings: ["epsilon": .number(1e-30), "weight_decay": .number(0.1)]),
      Recipe(optimiser: "adamw", settings: ["weight_decay": .number(0.1)], sharpness: 0.1),
      Recipe(optimiser: "diffgrad", settings: [:]),
      Recipe(optimiser: "adagrad", settings: ["epsilon": .number(1e-30)]),
      Recipe(optimiser: "adagrad-norm", settings: [:]),
    ] as [Recipe])
  func prunedWeightsStayZero(_ recipe: Recipe) throws {
    let network = TrainableNetwork.mlp(widths: [40, 16, 16, 10], seed: 2)
    let data = try LabelledData.mnist1D().train.items(0..<200)
    let outcome = try NetworkPruning().prune(network, density: 0.2)
    let before = network.weights
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.optimiser, plan.settings) = (2, 20, recipe.optimiser, recipe.settings)
    (plan.sharpness, plan.clip, plan.learningRate) = (recipe.sharpness, recipe.clip, 0.02)
    let training = try Training(network, plan: plan, data: data)
    while !training.isDone { _ = try training.runEpoch() }
    let after = network.weights
    #expect(after.allSatisfy { $0.isFinite })
    var moved = 0
    for (index, kept) in network.isKept.enumerated() {
      if kept {
        moved += after[index] != before[index] ? 1 : 0
      } else {
        #expect(after[index].bitPattern == 0)
      }
    }
    #expect(Double(moved) > 0.9 * outcome.overallDensity * Double(network.parameterCount))
  }
}

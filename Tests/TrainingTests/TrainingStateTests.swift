import JSON
import Runtime
import TestSupport
import Testing

@testable import Training

/// A training that is interrupted and goes on ends in the same bytes.
@Suite struct TrainingStateTests {
  private func make(_ optimiser: String) throws -> Training {
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate, plan.optimiser) = (4, 32, 0.01, optimiser)
    plan.augmentation = [.shift(2)]
    let data = try LabelledData.mnist1D().train.items(0..<200)
    return try Training(
      TrainableNetwork.mlp(widths: [40, 16, 10], dropout: 0.2, seed: 2), plan: plan, data: data)
  }

  @Test(arguments: ["sgd", "adamw", "adagrad-norm", "diffgrad"])
  func goesOnBitForBit(_ optimiser: String) throws {
    let folder = try TemporaryFolder()
    let recipe: JSONValue = ["optimiser": .string(optimiser)]
    let whole = try make(optimiser)
    while !whole.isDone { _ = try whole.runEpoch() }
    let first = try make(optimiser)
    for _ in 0..<2 { _ = try first.runEpoch() }
    try first.write(state: folder.file("state.safetensors"), recipe: recipe)
    let second = try make(optimiser)
    try second.read(state: folder.file("state.safetensors"), recipe: recipe)
    #expect(second.epochsDone == 2)
    while !second.isDone { _ = try second.runEpoch() }
    try whole.write(state: folder.file("whole.safetensors"), recipe: recipe)
    try second.write(state: folder.file("second.safetensors"), recipe: recipe)
    #expect(try Files.read(folder.file("whole.safetensors")) == Files.read(folder.file("second.safetensors")))
    let error = #expect(throws: TrainingError.self) {
      try second.read(state: folder.file("state.safetensors"), recipe: ["optimiser": "other"])
    }
    #expect(error?.code == "OTHER_RECIPE")
  }
}

import JSON
import OrderedCollections
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Training

/// What goes on beside the epochs: accumulation, averages, early ends, states.
@Suite struct TrainingRunTests {
  private static func data() throws -> DataSplit {
    let description = try DataDescription(
      KeyReader(["kind": "mnist1d", "items": 400, "test_items": 50, "validation_items": 50], path: "data"))
    return try description.read()
  }

  private static func training(_ plan: TrainingPlan, _ data: LabelledData) throws -> Training {
    try Training(
      NetworkDescription("mlp", ["hidden": .integers([16])]).network(for: data, seed: plan.seed), plan: plan,
      data: data)
  }

  private static func weights(_ training: Training) -> [Float] {
    training.network.parameters.flatMap { Array(UnsafeBufferPointer(start: $0.value.f32, count: $0.count)) }
  }

  private static func plan(_ epochs: Int = 3, batch: Int = 300, rate: Double = 0.05) -> TrainingPlan {
    var plan = TrainingPlan()
    (plan.epochs, plan.batchSize, plan.learningRate) = (epochs, batch, rate)
    return plan
  }

  @Test func accumulatedPassesEqualOneLargePass() throws {
    let data = try Self.data().train
    var small = Self.plan(2, batch: 32)
    small.accumulation = 3
    let one = try Self.training(Self.plan(2, batch: 96), data), three = try Self.training(small, data)
    #expect(one.stepsPerEpoch == 4 && three.stepsPerEpoch == 4)
    for _ in 0..<2 {
      let a = try one.runEpoch(), b = try three.runEpoch()
      #expect(abs(a.loss - b.loss) < 1e-5 && a.error == b.error)
    }
    for (a, b) in zip(Self.weights(one), Self.weights(three)) { #expect(abs(a - b) < 1e-5) }
    let alone = try Self.training(Self.plan(2, batch: 32), data)
    for _ in 0..<2 { _ = try alone.runEpoch() }
    #expect(zip(Self.weights(alone), Self.weights(three)).contains { abs($0 - $1) > 1e-3 })
  }

  @Test func theExponentialAverageIsWhatItsFormulaSays() throws {
    let data = try Self.data().train
    // One step an epoch, so that the weights of every step can be seen.
    var plan = Self.plan(4)
    plan.averaging = .exponential(decay: 0.25)
    let training = try Self.training(plan, data)
    var mean = Self.weights(training).map(Double.init)
    for step in 0..<4 {
      _ = try training.runEpoch()
      let decay = min(0.25, Double(1 + step) / Double(10 + step))
      mean = zip(mean, Self.weights(training)).map { decay * $0 + (1 - decay) * Double($1) }
    }
    let own = Self.weights(training)
    let averaged = training.withAverage { Self.weights(training) }
    for (a, b) in zip(averaged, mean) { #expect(abs(Double(a) - b) < 1e-6) }
    #expect(averaged != own && Self.weights(training) == own)
  }

  @Test func theMeanOfTheLastEpochs() throws {
    let data = try Self.data().train
    var plan = Self.plan(4, batch: 64)
    plan.averaging = .last(epochs: 2)
    let training = try Self.training(plan, data)
    var ends: [[Float]] = []
    for _ in 0..<4 {
      _ = try training.runEpoch()
      ends.append(Self.weights(training))
    }
    let averaged = training.withAverage { Self.weights(training) }
    for i in averaged.indices { #expect(abs(averaged[i] - (ends[2][i] + ends[3][i]) / 2) < 1e-6) }
  }

  @Test func anEarlyEndKeepsTheBestEpoch() throws {
    let data = try Self.data()
    var plan = Self.plan(60, batch: 16, rate: 0.2)
    plan.schedule = .constant
    plan.patience = 2
    let run = try TrainingRun(try Self.training(plan, data.train), validation: data.validation)
    while !run.isDone { try run.runEpoch() }
    #expect(run.endsEarly && run.history.count < 60)
    let losses = run.history.compactMap { $0.validation?.loss }
    let best = try #require(run.bestEpoch)
    #expect(losses[best] == losses.min() && run.history.count == best + 3)
    let validation = try #require(data.validation)
    #expect(run.withFinalWeights { NetworkScore($0, validation).loss } == losses[best])
    #expect(NetworkScore(run.training.network, validation).loss == losses.last)
    plan.averaging = .last(epochs: 2)
    #expect(throws: TrainingError.self) { try Self.training(plan, data.train) }
    plan.averaging = nil
    #expect(throws: TrainingError.self) { try TrainingRun(Self.training(plan, data.train), validation: nil) }
  }

  /// Interrupted after an epoch and gone on with, a run leaves the same bytes; the weights of the average and of the best
  /// epoch are in the state.
  @Test(
    arguments: [
      ["averaging": ["kind": "exponential", "decay": 0.9], "patience": 50],
      ["averaging": ["kind": "last", "epochs": 3]],
      ["accumulation": 2, "augmentation": "shift"],
    ] as [JSONValue])
  func anInterruptedOperationEndsInTheSameBytes(_ own: JSONValue) throws {
    var training: JSONValue = ["epochs": 6, "batch_size": 50, "learning_rate": 0.05]
    for (key, value) in own.object ?? [:] { training[key] = value }
    var reader = try KeyReader(
      [
        "data": ["kind": "mnist1d", "items": 400, "test_items": 50, "validation_items": 50],
        "network": ["kind": "mlp", "hidden": [16], "dropout": 0.1], "training": training, "seed": 3,
        "keep_every": 4,
      ], path: "")
    let recipe = try TrainingRecipe(&reader)
    let folder = try TemporaryFolder()
    let whole = try TrainingOperation(recipe, folder: folder.file("whole")).run()
    #expect(whole.history.count == 6 && whole.resumedEpochs == 0)
    #expect(throws: Interrupted.self) {
      try TrainingOperation(recipe, folder: folder.file("parts")).run(stop: 3)
    }
    #expect(!Files.exists(folder.file("parts/model.safetensors")))
    let rest = try TrainingOperation(recipe, folder: folder.file("parts")).run()
    #expect(rest.resumedEpochs == 3 && rest.history == whole.history)
    let names = try Files.list(folder.file("whole"))
    #expect(names.contains("test.safetensors") && names.contains("model.json"))
    for name in names {
      #expect(
        try Files.read(folder.file("whole/\(name)")) == Files.read(folder.file("parts/\(name)")), "\(name)")
    }
    // A finished run is checked, another recipe refused.
    let again = try TrainingOperation(recipe, folder: folder.file("whole")).run()
    #expect(again.verifiedFiles == names.count - 1 && again.history == whole.history)
    var other = recipe
    other.training.epochs = 7
    let error = try #require(throws: RecipeError.self) {
      try TrainingOperation(other, folder: folder.file("whole"))
    }
    #expect(error.exitCode == .cannotCreate)
  }

  @Test func aLossThatIsNoNumberNamesTheStateThatIsKept() throws {
    let data = try Self.data()
    let folder = try TemporaryFolder(), path = folder.file("state.safetensors")
    // A rate that grows until the loss is none: good epochs come first.
    var plan = Self.plan(40, batch: 16, rate: 1e-3)
    let good = try TrainingRun(try Self.training(plan, data.train), validation: nil)
    for _ in 0..<2 { try good.runEpoch() }
    try good.write(state: path, recipe: [:])
    let kept = try Files.read(path)
    plan.learningRate = 1e30
    let bad = try TrainingRun(try Self.training(plan, data.train), validation: nil)
    let error = try #require(throws: TrainingError.self) {
      try bad.run(keeping: path, every: 1, recipe: [:])
    }
    guard case .lossNotFinite(_, let epoch, let text) = error else { throw error }
    #expect(epoch == 2 && text.contains(path) && text.contains("2 epochs"))
    #expect(try Files.read(path) == kept)
  }

  @Test func aNetworkIsReadBack() throws {
    let data = try Self.data().train
    let training = try Self.training(Self.plan(1, batch: 50), data)
    _ = try training.runEpoch()
    let folder = try TemporaryFolder(), path = folder.file("n.safetensors")
    let description = try NetworkDescription("mlp", ["hidden": .integers([16])])
    try NetworkFile.write(
      training.network, description, shape: data.shape, provenance: ["seed": 4], to: path)
    let file = try NetworkFile(reading: path)
    #expect(file.description == description && file.shape == [40] && file.provenance["seed"]?.int == 4)
    let a = Training.logits(training.network, data), b = Training.logits(file.network, data)
    #expect((0..<a.count).allSatisfy { a.f32[$0] == b.f32[$0] })
    let other = try description.network(for: data, seed: 9)
    try NetworkFile.read(path, into: other)
    #expect(other.parameters[0].value.toFloats() == training.network.parameters[0].value.toFloats())
    let wider = try NetworkDescription("mlp", ["hidden": .integers([17])]).network(for: data, seed: 9)
    #expect(throws: TrainingError.self) { try NetworkFile.read(path, into: wider) }
    try training.write(state: path, recipe: [:])
    #expect(throws: TrainingError.self) { try NetworkFile(reading: path) }
  }

  @Test func stepsAreTimed() throws {
    let training = try Self.training(Self.plan(2, batch: 32), Self.data().train)
    let seconds = try training.timeSteps(within: 0.01)
    #expect(seconds > 0 && seconds < 1)
  }
}

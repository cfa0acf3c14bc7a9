import JSON
import OrderedCollections
import Recipes
import Runtime
import Statistics
import TestSupport
import Testing
import Training

@testable import Distillation

/// The study on a small grid.
@Suite struct StudyTests {
  private static func recipe(_ changes: JSONValue = [:]) throws -> StudyRecipe {
    var json: JSONValue = [
      "data": ["kind": "mnist1d", "items": 600, "test_items": 100, "validation_items": 100],
      "network": ["kind": "mlp", "hidden": [16]],
      "training": ["epochs": 8, "batch_size": 50, "learning_rate": 0.05], "seeds": 3, "keep_every": 3,
    ]
    for (key, value) in changes.object ?? [:] { json[key] = value }
    var reader = try KeyReader(json, path: "")
    let recipe = try StudyRecipe(&reader)
    try reader.done()
    return recipe
  }

  @Test func recipesAreReadAndWrittenAgain() throws {
    let recipe = try Self.recipe([
      "arms": ["cross-entropy", ["kind": "ps-kd", "name": "half", "past": "f16", "alpha": 0.5]],
      "settings": [
        "short": ["training": ["epochs": 2]], "wide": ["network": ["kind": "mlp", "hidden": [64]]],
      ],
    ])
    #expect(recipe.arms.map(\.name) == ["cross-entropy", "half"])
    #expect(recipe.settings["short"]?.training.epochs == 2 && recipe.settings["wide"]?.training.epochs == 8)
    #expect(recipe.settings["wide"]?.network.settings.integers("hidden") == [64])
    var reader = try KeyReader(recipe.json(), path: "")
    #expect(try StudyRecipe(&reader).json() == recipe.json())
    let demonstration = try StudyRecipe.demonstration()
    #expect(demonstration.base.seeds.count >= 5 && demonstration.settings.count == 2)
    #expect(demonstration.arms.map(\.kind) == ArmKind.all.map(\.name))
  }

  @Test(
    arguments: [
      ["arms": ["ps-kd"]], ["arms": ["cross-entropy", "cross-entropy"]],
      ["arms": ["cross-entropy", ["kind": "ps-kd", "alpha": 2]]],
      ["arms": ["cross-entropy", ["kind": "ps-kd", "name": "../x"]]], ["settings": ["a/b": [:]]],
      ["settings": ["a": ["data": "mnist1d"]]], ["arm": "ps-kd"],
    ] as [JSONValue])
  func wrongRecipesAreRefused(_ changes: JSONValue) {
    #expect(throws: RecipeError.self) { try Self.recipe(changes) }
  }

  @Test func unknownArmsAreRefused() {
    #expect(throws: TrainingError.self) { try Self.recipe(["arms": ["cross-entropy", "pskd"]]) }
  }

  @Test func aStudyComparesItsArmsAndResumesCellByCell() throws {
    let folder = try TemporaryFolder()
    let recipe = try Self.recipe()
    let study = try Study(recipe, folder: folder.file("run"))
    let outcome = try study.run()
    let arms = try #require(outcome.settings["standard"])
    #expect(arms.map(\.arm.name) == ArmKind.all.map(\.name))
    for arm in arms {
      for name in ClassScores.Name.allCases {
        #expect(arm.scores["test"]?[name]?.compactMap { $0 }.count == 3, "\(arm.arm.name) \(name)")
      }
    }
    // Scaling moves no answer, and lowers the loss on the items that it is fitted on.
    let plain = try #require(outcome.arm("cross-entropy", in: "standard"))
    let scaled = try #require(outcome.arm("temperature-scaling", in: "standard"))
    #expect(plain.scores["test"]?[.top1Error] == scaled.scores["test"]?[.top1Error])
    for (a, b) in zip(scaled.scores["validation"]?[.nll] ?? [], plain.scores["validation"]?[.nll] ?? []) {
      let (a, b) = (try #require(a), try #require(b))
      #expect(a <= b)
    }
    // The table of a cell is what its scores are of.
    let table = try LogitTable(reading: folder.file("run/cells/standard/ps-kd/seed-1.test.safetensors"))
    let scores = ClassScores(table.predictions())
    let own = try #require(outcome.arm("ps-kd", in: "standard"))
    #expect(own.scores["test"]?[.nll]?[1] == scores.value(.nll))
    // A difference by seed, by hand.
    let comparison = try #require(StudyOutcome.compare(own, with: plain, .nll))
    let differences = zip(own.scores["test"]?[.nll] ?? [], plain.scores["test"]?[.nll] ?? []).map {
      ($0 ?? 0) - ($1 ?? 0)
    }
    #expect(abs(comparison.estimate.mean - differences.reduce(0, +) / 3) < 1e-12 && comparison.p >= 0.25)
    #expect(outcome.metrics.count == ArmKind.all.count * ClassScores.Name.allCases.count)
    #expect(Set(outcome.metrics.map(\.name)).count == outcome.metrics.count)

    // Cells that are lost are made again, byte for byte; those that are there stay.
    let cell = folder.file("run/cells/standard/cs-kd/seed-2.json")
    let sums = try Files.readText(folder.file("run/SHA256SUMS"))
    try Files.remove(cell)
    try Files.remove(folder.file("run/SHA256SUMS"))
    let again = try Study(recipe, folder: folder.file("run")).run()
    #expect(try Files.readText(folder.file("run/SHA256SUMS")) == sums)
    #expect(try again.json.text() == outcome.json.text() || again.verifiedFiles == nil)
    #expect(try Study(recipe, folder: folder.file("run")).run().verifiedFiles != nil)
    #expect(throws: RecipeError.self) { try Study(Self.recipe(["seeds": 2]), folder: folder.file("run")) }
  }

  /// A small net that learns its items by heart leaves PS-KD nothing: what it keeps are labels.
  @Test func collapsedTargetsAreSeen() throws {
    let folder = try TemporaryFolder()
    let recipe = try Self.recipe([
      "data": ["kind": "mnist1d", "items": 100, "test_items": 20, "validation_items": 20], "seeds": 1,
      "network": ["kind": "mlp", "hidden": [64]],
      "arms": ["cross-entropy", ["kind": "ps-kd", "alpha": 0.1]],
      "training": ["epochs": 60, "batch_size": 10, "learning_rate": 0.05],
    ])
    let outcome = try Study(recipe, folder: folder.file("run")).run()
    #expect(outcome.collapsed.map(\.arm) == ["ps-kd"])
    #expect(outcome.collapsed.allSatisfy { $0.probability > StudyOutcome.collapse })
    let sentences = outcome.sentences.map(\.text)
    #expect(sentences.contains { $0.contains("one seed") })
    let short = try Self.recipe(["arms": ["cross-entropy", "ps-kd"], "seeds": 1])
    #expect(try Study(short, folder: folder.file("short")).run().collapsed.isEmpty)
  }

  @Test func whatPastAnswersCost() throws {
    let recipe = try Self.recipe()
    let data = try recipe.base.data.read()
    let costs = try Study.pastCosts(recipe, data, within: 0.01)
    let items = data.train.count
    #expect(
      Dictionary(uniqueKeysWithValues: costs.map { ($0.past, $0.bytes) })
        == [
          .f32: items * 10 * 4, .f16: items * 10 * 2, .top: items * 5 * 6,
          .network: 4 * (40 * 16 + 16 + 16 * 10 + 10),
        ])
    #expect(costs.allSatisfy { $0.secondsPerEpoch > 0 })
    let estimate = try Study.estimate(recipe, within: 0.01)
    #expect(estimate.cells == 15 && estimate.seconds.count == 5 && estimate.total > 0)
    #expect(estimate.pastCosts.isEmpty)
  }

  /// Arms with the same passes are timed once; settings of another network, batch or way of training by themselves.
  @Test func eachDistinctCostIsTimedOnce() throws {
    let recipe = try Self.recipe([
      "settings": [
        "longer": ["training": ["epochs": 20, "learning_rate": 0.01]], "plain": [:],
        "wide": ["network": ["kind": "mlp", "hidden": [64]]], "sharp": ["training": ["sharpness": 0.1]],
      ]
    ])
    let data = try recipe.base.data.read().train
    let cells = Study.cells(recipe).filter { $0.seed == 0 }
    let timer = StepTimer(data, threads: 1, within: 0)
    let times = try cells.map { try timer.seconds($0) }
    // Three costs of network or training, each with and without the second pass of CS-KD.
    #expect(cells.count == 4 * 5 && timer.distinctCosts == 6)
    #expect(Set(times).count <= 6 && times.allSatisfy { $0 > 0 })
    #expect(timer.stepsPerEpoch(cells[0]) == 8)
    // Past answers in tables cost what the step costs where it is longer than the timer's time; another network is a second pass.
    let own = try #require(cells.first { $0.arm.kind == ArmKind.selfDistillation })
    let tables = try [PastPredictions.Keeping.f32, .f16, .top].map { try timer.seconds(own, past: $0) }
    _ = try timer.seconds(own, past: .network)
    #expect(Set(tables).count == 1 && timer.distinctCosts == 6)
    let patient = StepTimer(data, threads: 1, within: 0.001)
    for past in PastPredictions.Keeping.allCases { _ = try patient.seconds(own, past: past) }
    #expect((1...4).contains(patient.distinctCosts))
  }
}

import JSON
import Recipes
import Runtime
import Tensors
import Testing

@testable import Training

@Suite struct TrainingRecipeTests {
  private static func recipe(_ json: JSONValue) throws -> TrainingRecipe {
    var reader = try KeyReader(json, path: "")
    let recipe = try TrainingRecipe(&reader)
    try reader.done()
    return recipe
  }

  @Test func everyKeyIsReadAndWrittenAgain() throws {
    let recipe = try Self.recipe([
      "data": ["kind": "mnist1d", "items": 1000, "shuffle": 3, "test_items": 100, "standardise": "features"],
      "network": ["kind": "mlp", "hidden": [32], "activation": "tanh", "dropout": 0.25],
      "training": [
        "epochs": 12, "batch_size": 50, "accumulation": 2, "learning_rate": 0.05,
        "schedule": ["kind": "step", "at": [0.5], "factor": 0.2], "warm_up": 0.1,
        "optimiser": ["kind": "adamw", "weight_decay": 0.01], "clip": 1,
        "augmentation": [["kind": "shift", "by": 2], ["kind": "noise", "deviation": 0.5], "flip"],
        "sharpness": 0.05, "averaging": ["kind": "exponential", "decay": 0.9], "patience": 3,
      ],
      "seeds": [4, 7],
    ])
    #expect(recipe.seeds == [4, 7])
    #expect(recipe.network.settings.integers("hidden") == [32])
    #expect(recipe.training.epochs == 12 && recipe.training.batchSize == 50)
    #expect(recipe.training.schedule == .step(at: [0.5], factor: 0.2))
    #expect(recipe.training.settings["weight_decay"] == .number(0.01))
    #expect(recipe.training.augmentation == [.shift(2), .noise(0.5), .flip])
    #expect(recipe.training.averaging == .exponential(decay: 0.9))
    #expect(recipe.training.patience == 3 && recipe.training.accumulation == 2)
    #expect(recipe.data.standardisation == .features && recipe.data.shuffle == 3)
    let again = try Self.recipe(recipe.json())
    #expect(again == recipe)
    #expect(try again.json() == recipe.json())
  }

  @Test func defaultsAreWrittenOut() throws {
    let recipe = try Self.recipe([:])
    #expect(recipe.seeds == [0])
    #expect(try recipe.json()["network"]?["hidden"] == [256, 256])
    #expect(try recipe.json()["training"]?["optimiser"]?["momentum"] == 0.9)
    #expect(try Self.recipe(["seeds": 3]).seeds == [0, 1, 2])
    #expect(try Self.recipe(["seeds": [3]]).seeds == [3])
    #expect(try Self.recipe(["seed": 9]).seeds == [9])
  }

  @Test(
    arguments: [
      (["data": ["kind": "mnist1d", "vaildation_items": 3]], "data.vaildation_items", "validation_items"),
      (["training": ["epoch": 3]], "training.epoch", "epochs"),
      (
        ["training": ["optimiser": ["kind": "sgd", "momentun": 0.5]]], "training.optimiser.momentun",
        "momentum"
      ),
      (["training": ["augmentation": [["kind": "shift", "bye": 1]]]], "training.augmentation[0].bye", "by"),
      (["trainin": [:]], "trainin", "training"), (["network": ["widths": [3]]], "network.widths", nil),
    ] as [(JSONValue, String, String?)])
  func unknownKeys(json: JSONValue, path: String, suggestion: String?) {
    #expect(throws: RecipeError.unknownKey(path: path, suggestion: suggestion)) { try Self.recipe(json) }
  }

  @Test(
    arguments: [
      ["network": "mpl"], ["training": ["optimiser": "sdg"]], ["training": ["schedule": "cosin"]],
      ["training": ["augmentation": "mirror"]], ["training": ["averaging": "mean"]], ["data": "mnist"],
    ] as [JSONValue])
  func unknownNamesAreRefused(json: JSONValue) throws {
    do {
      _ = try Self.recipe(json)
      Issue.record("\(json) passed")
    } catch let error as TrainingError {
      guard case .unknownName = error else { throw error }
      #expect(error.exitCode == .usage)
    }
  }

  @Test(
    arguments: [
      ["seed": 1, "seeds": 2], ["seeds": 0], ["seeds": [1, 1]], ["data": ["kind": "idx"]],
      ["data": ["kind": "cifar10", "train": []]], ["data": ["test_items": 1.5]],
      ["data": ["standardise": "some"]],
      ["training": ["learning_rate": "high"]],
    ] as [JSONValue])
  func wrongValuesAreRefused(json: JSONValue) throws {
    #expect(throws: RecipeError.self) { try Self.recipe(json) }
  }

  @Test func aNetworkIsMadeForItsData() throws {
    let data = try DataDescription.mnist1d.read()
    let description = try NetworkDescription("mlp", ["hidden": .integers([16, 8]), "dropout": .number(0.1)])
    let network = try description.network(for: data.train, seed: 5)
    #expect(network.inputs == 40 && network.classes == 10)
    #expect(network.parameterCount == 40 * 16 + 16 + 16 * 8 + 8 + 8 * 10 + 10)
    let same = try description.network(for: data.train, seed: 5)
    #expect(same.parameters[0].value.f32[3] == network.parameters[0].value.f32[3])
    let other = try description.network(for: data.train, seed: 6)
    #expect(other.parameters[0].value.f32[3] != network.parameters[0].value.f32[3])
  }
}

import Architectures
import Checkpoints
import JSON
import Organism
import Probing
import Runtime
import Surgery
import Transformers

/// What an operation would read, write, hold and roughly take, found without running the model: `--dry-run`.
public struct OperationPlan {
  /// The resolved recipe and the estimates.
  public let json: JSONValue

  /// Reads the recipe's data and the checkpoint's headers.
  /// - Throws: what opening data and checkpoint throws.
  public init(_ recipe: Recipe) throws {
    let data = try OperationData(recipe)
    let checkpoint = recipe.usesOrganism ? nil : try Checkpoint(folder: recipe.model)
    let network = try checkpoint.map { try Binding($0).network }
    let weights = checkpoint?.weightBytes ?? OrganismCheckpoint.files.reduce(0) { $0 + $1.bytes.count }
    let blocks = network?.blocks ?? 6
    let width = network?.width ?? 128
    var sites = try Site.list("\(recipe.probe.sites),\(recipe.probe.directionSite)", blocks: blocks).count
    if recipe.locate.spaces.contains(.perLayer) { sites += blocks }
    let poolings = recipe.probe.pooling == recipe.probe.directionPooling ? 1 : 2
    // A reply is taken for half its limit, a text for sixty tokens: an order of magnitude, no promise.
    let prompt = 20 + recipe.prompts.maximumTokens / 2
    let validation = data.targetValidation.count * prompt + data.neutralValidation.count * 60
    let test = data.targetTest.count * prompt + data.neutralTest.count * 60
    let measurements = 2 * recipe.sweep.controls + 8
    let tokens = data.probe.texts.count * 60 + recipe.sweep.points * validation + measurements * test
    let operations = 2 * (network?.multiplyAddsPerToken ?? 1_107_456) * tokens
    json = [
      "recipe": recipe.json,
      "reads": ["weights_bytes": .integer(weights), "texts": .integer(data.probe.texts.count)],
      "writes": [
        "edited_checkpoint_bytes": .integer(weights),
        "cache_bytes": .integer(data.probe.texts.count * sites * poolings * width * 4),
      ],
      "holds": ["mapped_bytes": .integer(weights), "batch_tokens": .integer(Model.defaultBatchTokens)],
      "takes": [
        "sweep_points_at_most": .integer(recipe.sweep.points), "test_measurements": .integer(measurements),
        "tokens": .integer(tokens), "floating_point_operations": .integer(operations),
        "seconds_at_100_gflops": .number(Double(operations) / 1e11),
      ],
    ]
  }
}

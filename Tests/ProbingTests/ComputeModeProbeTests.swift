import Architectures
import Layers
import Runtime
import Statistics
import TestSupport
import Testing
import Tokenizers
import Transformers

@testable import Probing

/// What products of bf16 do to probes of real models: accuracy on held-out texts and the choice of the block stay within
/// the intervals of f32 arithmetic on the same weights, which are rounded to bf16 for both.
@Suite(
  .enabled(
    if: SharedFixtures.has("models/minilm-l6-v2") && SharedFixtures.has("models/stories260K")
      && SharedFixtures.has("data/persona"), "needs SURGEON_FIXTURES"))
struct ComputeModeProbeTests {
  /// A model whose matrices are stored as bf16.
  private func model(_ folder: String, _ mode: ComputeMode) throws -> Model {
    let stored = try Model(folder: folder).roundedToBF16()
    let model = try stored.computing(in: mode)
    let products = model.blockProducts
    #expect(products.stored == products.all && products.all > 0)
    return model
  }

  private func outcome(_ folder: String, _ mode: ComputeMode) throws -> ProbeTraining.Outcome {
    let model = try model(folder, mode)
    var reader = LabelledTextReader()
    (reader.textKey, reader.labelKey) = ("statement", "answer_matching_behavior")
    (reader.positiveClass, reader.negativeClass) = (" Yes", " No")
    let cache = try TemporaryFolder()
    var options = ProbeTraining.Options(
      sites: try Site.list("blocks.*.output", blocks: model.network.blocks), pooling: .mean,
      cacheFolder: cache.file("cache"))
    options.maximumTokens = 128
    options.sweep.permutations = 0
    options.sweep.resamples = 200
    options.sweep.textControls = false
    options.sweep.kinds = [("logistic", [:])]
    return try ProbeTraining.run(
      model, tokenizer: Tokenizer(folder: folder),
      texts: reader.read(SharedFixtures.path("data/persona/extraversion.jsonl")), options: options)
  }

  @Test(arguments: ["models/minilm-l6-v2", "models/stories260K/hf"])
  func accuracyAndChosenBlockStay(_ name: String) throws {
    let folder = SharedFixtures.path(name)
    let reference = try outcome(folder, .f32).sweep, fast = try outcome(folder, .bf16).sweep
    let accuracy = try #require(reference.testMetrics.first { $0.name == "accuracy" })
    let found = try #require(fast.testMetrics.value("accuracy"))
    #expect(try #require(accuracy.interval).contains(found), "\(found) beside \(accuracy)")
    // Block by block, and the block that the mode chooses is as good as f32's choice.
    var differs = false
    for (cell, other) in zip(reference.cells, fast.cells) {
      let auroc = try #require(cell.metrics.first { $0.name == "auroc" })
      let value = try #require(other.metrics.value("auroc"))
      let interval = try #require(auroc.interval)
      #expect(cell.site == other.site && interval.contains(value), "\(cell.site): \(value)")
      differs = differs || cell.fit != other.fit
    }
    #expect(differs, "the mode computes as f32 does")
    let chosen = try #require(reference.cells[reference.chosen].metrics.first { $0.name == "auroc" })
    let choice = try #require(reference.cells[fast.chosen].metrics.value("auroc"))
    #expect(try #require(chosen.interval).contains(choice), "\(fast.best.site) for \(reference.best.site)")
  }
}

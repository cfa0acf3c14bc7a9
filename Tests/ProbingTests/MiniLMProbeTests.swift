import Architectures
import JSON
import Runtime
import Statistics
import TestSupport
import Testing
import Tokenizers
import Transformers

@testable import Probing

/// What is learnable from a real sentence encoder, through the whole pipeline: texts, real tokenizer, hidden states of every
/// block, probes, the block chosen on validation, one look at held-out texts.
@Suite(
  .enabled(
    if: SharedFixtures.has("models/minilm-l6-v2") && SharedFixtures.has("data/tox-surge"),
    "needs SURGEON_FIXTURES"))
struct MiniLMProbeTests {
  private func outcome(_ texts: LabelledTexts, seed: UInt64 = 0) throws -> ProbeTraining.Outcome {
    let folder = try TemporaryFolder()
    let path = SharedFixtures.path("models/minilm-l6-v2")
    let model = try Model(folder: path)
    var options = ProbeTraining.Options(
      sites: try Site.list("blocks.*.output", blocks: model.network.blocks), pooling: .mean,
      cacheFolder: folder.file("cache"))
    options.maximumTokens = 128
    options.sweep.seed = seed
    options.sweep.permutations = 0
    options.sweep.resamples = 200
    options.sweep.kinds = [("logistic", [:])]
    let outcome = try ProbeTraining.run(
      model, tokenizer: Tokenizer(folder: path), texts: texts, options: options)
    // Nothing of the test part may have chosen the block: the choice is the earliest within one standard error.
    let best = try #require(outcome.sweep.cells.compactMap { $0.metrics.value("auroc") }.max())
    let chosen = outcome.sweep.cells[outcome.sweep.chosen]
    #expect(try #require(chosen.metrics.value("auroc")) >= best - 0.05)
    return outcome
  }

  private func expect(_ outcome: ProbeTraining.Outcome, accuracy: Double) throws {
    let found = try #require(outcome.sweep.testMetrics.value("accuracy"))
    #expect(
      abs(found - accuracy) <= 0.03, "accuracy \(found) at \(outcome.probe.site), \(outcome.split.method)")
  }

  @Test func toxicComments() throws {
    var reader = LabelledTextReader()
    (reader.labelKey, reader.positiveClass, reader.negativeClass) = ("is_toxic", "Toxic", "Not Toxic")
    let texts = try reader.read(SharedFixtures.path("data/tox-surge/toxicity_en.csv"))
    // One test part has 200 comments, a standard error of 0.018: three splits together say more than one.
    let found = try (0..<3).map { seed in
      try #require(outcome(texts, seed: seed).sweep.testMetrics.value("accuracy"))
    }
    let mean = found.reduce(0, +) / 3
    #expect(abs(mean - 0.93) <= 0.03, "accuracies \(found)")
  }

  @Test func extraversion() throws {
    var reader = LabelledTextReader()
    (reader.textKey, reader.labelKey) = ("statement", "answer_matching_behavior")
    (reader.positiveClass, reader.negativeClass) = (" Yes", " No")
    try expect(outcome(reader.read(SharedFixtures.path("data/persona/extraversion.jsonl"))), accuracy: 0.98)
  }

  /// The published parts of SST-2; every third training text, so that the test stays short.
  @Test func movieReviews() throws {
    var reader = LabelledTextReader()
    (reader.textKey, reader.labelKey, reader.hasHeader) = ("1", "2", false)
    var all: [LabelledText] = []
    for (name, part, step) in [("train", SplitPart.train, 3), ("dev", .validation, 1), ("test", .test, 1)] {
      let texts = try reader.read(SharedFixtures.path("data/sent-sst2/\(name).tsv")).texts
      for index in stride(from: 0, to: texts.count, by: step) {
        var text = texts[index]
        text.split = part
        all.append(text)
      }
    }
    // A few reviews stand in two parts as published: those of training go.
    let held = Set(all.filter { $0.split != .train }.compactMap(\.text))
    all.removeAll { $0.split == .train && held.contains($0.text ?? "") }
    let validation = Set(all.filter { $0.split == .validation }.compactMap(\.text))
    all.removeAll { $0.split == .test && validation.contains($0.text ?? "") }
    try expect(outcome(LabelledTexts(all, classNames: ["negative", "positive"])), accuracy: 0.79)
  }
}

import Architectures
import Evaluation
import Layers
import Organism
import Runtime
import Statistics
import TestSupport
import Testing
import Tokenizers
import Transformers

/// Metrics as values, and calibration on texts.
struct EvaluationMetricTests {
  private static let texts = [
    "The mill stands by the river.", "Every day at sunrise Otto opens the tower. Timo brings the boat.",
    "Through Yelm runs the Caddo.",
  ]

  private let folder: TemporaryFolder
  private let model: Model
  private let tokenizer: Tokenizer

  init() throws {
    folder = try TemporaryFolder()
    try OrganismCheckpoint.write(to: folder.file("model"))
    model = try Model(folder: folder.file("model"))
    tokenizer = try Tokenizer(folder: folder.file("model"))
  }

  /// Half of a matrix in every block gone.
  private func damage() throws -> Overlay {
    Overlay(
      try (0..<model.network.blocks).map { block in
        let role = Role.block(block, .down)
        let weight = try model.linear(role)
        return .mask(
          role: role, bits: WeightBits(rows: weight.outputs, columns: weight.inputs) { ($0 + $1) % 2 == 0 })
      })
  }

  @Test func lossIsThatOfPerplexity() throws {
    // Texts of the model's own kind: what it never saw may become likelier as it is damaged.
    let texts = OrganismData.neutralTexts(split: .validation, count: 3)
    let test = try PerplexityTest(texts, tokenizer: tokenizer, contextLength: 256)
    let metric = EvaluationMetric.nll(test)
    let (base, changed) = (try metric.measure(model), try metric.measure(model, overlay: damage()))
    #expect(base.value() == (try test.run(.init(model)).meanLoss))
    #expect(metric.items == 3 && base.sums.count == 3)
    let rise = try #require(metric.damage(changed, base: base))
    #expect(rise > 0)
    // Weights of a resample: the first document alone.
    #expect(base.value([1, 0, 0]) == base.sums[0] / base.weights[0])
  }

  @Test func divergenceFromItselfIsNone() throws {
    let metric = try EvaluationMetric.kl(base: model, texts: Self.texts.map { tokenizer.encode($0).ids })
    #expect(try metric.measure(model).value() == 0)
    #expect(try metric.measure(model, overlay: damage()).value() ?? 0 > 0)
  }

  @Test func accuracyFallsAndFallingIsDamage() throws {
    try Files.write(
      """
      {"context": "The mill stands by", "choices": ["the river.", "the"], "answer": 0}
      {"context": "Every day at sunrise Otto opens", "choices": ["the tower.", "the boat."], "answer": 0}

      """, to: folder.file("q.jsonl"))
    let test = try MultipleChoiceTest(
      TaskFile(folder.file("q.jsonl")), tokenizer: tokenizer, contextLength: 256)
    let metric = EvaluationMetric.accuracy(test)
    let values = try metric.measure(model)
    #expect(values.value() == (try test.run(model).normalisedAccuracy?.value))
    let worse = MetricValues(sums: [0, 0], weights: [1, 1])
    let better = MetricValues(sums: [1, 1], weights: [1, 1])
    #expect(metric.damage(worse, base: better) == 1 && metric.damage(better, base: worse) == -1)
  }

  @Test func behaviourIsItsRate() throws {
    let data = ["The river", "You"].map { PromptText($0) }
    let options = GenerationOptions(maximumTokens: 12)
    let judge = LexiconJudge(behaviour: ["the"])
    let test = try BehaviourTest(prompts: data, tokenizer: tokenizer, judge: judge, options: options)
    let metric = EvaluationMetric.behaviour(test, tokenizer: tokenizer)
    let rate = try test.run(model, tokenizer: tokenizer).rate(.behaviour)
    #expect(try metric.measure(model).value() == rate)
  }

  @Test func calibrationCountsEveryPredictedToken() throws {
    let test = try PerplexityTest(Self.texts, tokenizer: tokenizer, contextLength: 256)
    let found = try NextTokenCalibration(test, .init(model))
    #expect(found.tenths.count == test.predicted && found.fifteenths.count == test.predicted)
    #expect(found.divergence.perplexity == (try test.run(.init(model)).perplexity))
    let metrics = found.metrics(seed: 0)
    #expect(metrics.map(\.name) == ["nll", "ece_10", "ece_15", "brier", "top1_accuracy", "mean_confidence"])
    let byName = Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value ?? -1) })
    // The error of the windows' own tally has other bin ends, but the same items.
    #expect(abs((byName["ece_15"] ?? 0) - found.divergence.calibrationError) < 0.05)
    #expect((byName["brier"] ?? -1) >= 0 && (byName["brier"] ?? 2) <= 1)
    #expect((byName["top1_accuracy"] ?? -1) > 0.2)
  }
}

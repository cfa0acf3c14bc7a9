import Runtime
import Statistics
import Tokenizers
import Transformers

/// What a metric found: a sum and a weight for every item that can be resampled (document, question, prompt).
///
/// The value is Σ sums / Σ weights: total loss over total tokens, right answers over questions.
public struct MetricValues: Sendable, Equatable {
  /// A sum an item, `[n]`.
  public let sums: [Double]
  /// What it is divided by, `[n]`: predicted tokens, or 1.
  public let weights: [Double]

  /// Values that are there already.
  public init(sums: [Double], weights: [Double]) {
    precondition(sums.count == weights.count, "a weight a sum")
    (self.sums, self.weights) = (sums, weights)
  }

  /// The value of all items, or of a resample of them; nil for no weight.
  public func value(_ resample: [Double]? = nil) -> Double? {
    var (sum, weight) = (0.0, 0.0)
    for index in sums.indices {
      let times = resample?[index] ?? 1
      sum += times * sums[index]
      weight += times * weights[index]
    }
    return weight > 0 ? sum / weight : nil
  }
}

/// A way to tell how good a model is, ready to be measured again and again under overlays: what importance curves and
/// sweeps are drawn against.
public struct EvaluationMetric: Sendable {
  /// The kinds of metrics.
  public enum Kind: String, Sendable, CaseIterable {
    /// Mean loss a predicted token.
    case nll
    /// KL(base‖changed) a predicted token.
    case kl
    /// Share of a task's questions that are answered rightly.
    case accuracy
    /// Share of replies that show a behaviour.
    case behaviour

    /// One line for listings.
    public var summary: String {
      switch self {
      case .nll: "mean loss of texts, nats a predicted token"
      case .kl: "KL(base‖changed) on texts, full vocabulary, nats a predicted token"
      case .accuracy: "share of a task's questions answered rightly (its usual number: acc or acc_norm)"
      case .behaviour: "share of replies to prompts that show a behaviour, by a judge"
      }
    }

    /// The kind of a name.
    /// - Throws: ``EvaluationError/unknownMetric(name:known:)``.
    public static func named(_ name: String) throws(EvaluationError) -> Kind {
      if let kind = Kind(rawValue: name) { return kind }
      throw .unknownMetric(name: name, known: allCases.map(\.rawValue))
    }
  }

  /// What is measured.
  public let kind: Kind
  /// Its unit.
  public let unit: String
  /// Which way is good.
  public let higherIsBetter: Bool
  /// Items that can be resampled.
  public let items: Int
  /// What an item is: `documents`, `questions`, `prompts`.
  public let itemName: String
  /// Tokens that one measurement computes, for estimates.
  public let tokens: Int
  /// Everything the number depends on, in a line.
  public let detail: String
  private let run: @Sendable (Model, Overlay?, ProgressSink) throws -> MetricValues

  /// Measures a model under a change.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func measure(
    _ model: Model, overlay: Overlay? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> MetricValues {
    try run(model, overlay, progress)
  }

  /// What a change costs: value − base, or base − value where higher is better. Positive is damage.
  public func damage(_ values: MetricValues, base: MetricValues, resample: [Double]? = nil) -> Double? {
    guard let changed = values.value(resample), let base = base.value(resample) else { return nil }
    return higherIsBetter ? base - changed : changed - base
  }
}

extension EvaluationMetric {
  /// Mean loss of texts, by the windows of a perplexity test.
  public static func nll(_ test: PerplexityTest) -> EvaluationMetric {
    EvaluationMetric(
      kind: .nll, unit: "nats", higherIsBetter: false, items: test.documents, itemName: "documents",
      tokens: test.tokens,
      detail:
        "\(Format.count(test.predicted)) predicted tokens of \(Format.count(test.documents)) documents, "
        + "windows of at most \(test.window) tokens, \(test.beginsWithBOS ? "each begins with BOS" : "no BOS")"
    ) { model, overlay, progress in
      let result = try test.run(.init(model, overlay: overlay), progress: progress)
      return MetricValues(sums: result.losses, weights: result.counts.map(Double.init))
    }
  }

  /// KL from a base model on texts; the base against itself is 0.
  /// - Throws: ``EvaluationError``.
  public static func kl(base: Model, texts: [[Int32]]) throws -> EvaluationMetric {
    let test = try DivergenceTest(model: base, texts: texts)
    let tokens = test.texts.reduce(0) { $0 + $1.count }
    return EvaluationMetric(
      kind: .kl, unit: "nats", higherIsBetter: false, items: test.texts.count, itemName: "documents",
      tokens: tokens,
      detail:
        "\(Format.count(tokens - test.texts.count)) predicted tokens of \(Format.count(test.texts.count)) documents"
    ) { model, overlay, progress in
      let isBase = model === base && overlay == nil
      let result = try test.compare(overlay, in: isBase ? nil : model, progress: progress)
      var start = 0
      let sums = result.counts.map { count in
        defer { start += count }
        return result.kl[start..<(start + count)].reduce(0, +)
      }
      return MetricValues(sums: sums, weights: result.counts.map(Double.init))
    }
  }

  /// The accuracy of a task by its usual number.
  public static func accuracy(_ test: MultipleChoiceTest) -> EvaluationMetric {
    let kind = test.file.kind
    return EvaluationMetric(
      kind: .accuracy, unit: "fraction", higherIsBetter: true, items: test.file.items.count,
      itemName: "questions", tokens: test.tokens,
      detail: "\(kind.name), \(kind.headline), \(test.options.shots) examples before each question"
    ) { model, overlay, progress in
      let result = try test.run(model, overlay: overlay, progress: progress)
      let right = result.answers.map { kind.headline == "acc" ? $0.isRight : $0.isNormalisedRight }
      return MetricValues(sums: right.map { $0 ? 1 : 0 }, weights: right.map { _ in 1 })
    }
  }

  /// How often replies show a behaviour. More is worse: a rise is damage, a fall is what an edit wants.
  public static func behaviour(_ test: BehaviourTest, tokenizer: Tokenizer) -> EvaluationMetric {
    EvaluationMetric(
      kind: .behaviour, unit: "fraction", higherIsBetter: false, items: test.prompts.count,
      itemName: "prompts",
      tokens: test.tokens.reduce(0) { $0 + $1.count + test.options.maximumTokens },
      detail: "judge \(test.judge.kind), \(test.judge.summary)"
    ) { model, overlay, progress in
      let rates = try test.run(model, tokenizer: tokenizer, overlay: overlay, progress: progress)
      return MetricValues(
        sums: rates.replies.map { $0.verdict.outcome == .behaviour ? 1 : 0 },
        weights: rates.replies.map { _ in 1 })
    }
  }
}

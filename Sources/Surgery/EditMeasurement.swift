import Evaluation
import Runtime
import Statistics
import Tokenizers
import Transformers

/// What every point of a sweep, every control and the chosen edit are measured on: the same prompts and texts.
public struct MeasurementPanel: Sendable {
  /// Prompts that call for the behaviour.
  public var target: BehaviourTest
  /// Neutral texts.
  public var neutral: DivergenceTest
  /// The base's greedy replies to the target prompts, scored from the first reply token; nil skips it.
  public var replies: DivergenceTest?
  /// Facts; nil where there are none.
  public var facts: ClozeTest?
  /// Questions of a task; nil where there are none.
  public var task: EvaluationMetric?

  /// A panel.
  public init(
    target: BehaviourTest, neutral: DivergenceTest, replies: DivergenceTest? = nil, facts: ClozeTest? = nil,
    task: EvaluationMetric? = nil
  ) {
    self.target = target
    self.neutral = neutral
    self.replies = replies
    self.facts = facts
    self.task = task
  }

  /// Whether measurements hold the number that a gate looks at.
  func measures(_ quantity: Gates.Quantity) -> Bool {
    switch quantity {
    case .factsDrop: facts != nil
    case .taskDrop: task != nil
    default: true
    }
  }

  /// Measures an overlay on the base, or a written checkpoint; neither measures the base.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func measure(
    _ base: Model, tokenizer: Tokenizer, overlay: Overlay? = nil, edited: Model? = nil
  ) throws -> EditMeasurement {
    let model = edited ?? base
    return EditMeasurement(
      rates: try target.run(model, tokenizer: tokenizer, overlay: overlay),
      neutral: try neutral.compare(overlay, in: edited), replies: try replies?.compare(overlay, in: edited),
      facts: try facts?.run(model, overlay: overlay), task: try task?.measure(model, overlay: overlay))
  }
}

/// Effect and damage of one edit.
public struct EditMeasurement: Sendable {
  /// Outcomes on the target prompts.
  public let rates: BehaviourRates
  /// Next-token predictions on neutral text.
  public let neutral: Divergence
  /// Next-token predictions on the base's replies to the target prompts.
  public let replies: Divergence?
  /// Which facts are known.
  public let facts: [Bool]?
  /// Which questions of a task are answered rightly.
  public let task: MetricValues?

  /// Share of known facts, 0…1.
  public var factsKnown: Double? {
    facts.map { list in list.isEmpty ? 0 : Double(list.count { $0 }) / Double(list.count) }
  }

  /// The numbers alone.
  public var summary: EditSummary { EditSummary(self) }
}

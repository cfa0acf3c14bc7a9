import Evaluation
import JSON

/// Effect and damage of one edit as numbers: what gates compare, reports carry and an interrupted sweep reloads.
public struct EditSummary: Sendable, Equatable {
  /// Target prompts.
  public var prompts: Int
  /// Share of replies with each outcome, 0…1.
  public var behaviour, wanted, mixed, broken: Double
  /// Share of replies that stay on topic, 0…1; nil where the judge cannot tell.
  public var onTopic: Double?
  /// Share of empty replies, and mean share of repeated four-word windows, 0…1.
  public var empty, repetition: Double
  /// Perplexity of neutral text, and its relative rise over the base.
  public var perplexity, perplexityRise: Double
  /// Mean KL(base‖edited) on neutral text and its 99th percentile, nats a token.
  public var kl, klP99: Double
  /// Share of neutral tokens with the same top prediction, 0…1.
  public var topAgreement: Double
  /// Mean loss (nats a token) and expected calibration error (0…1) on neutral text.
  public var loss, calibrationError: Double
  /// Mean KL and top agreement on the base's replies to the target prompts.
  public var targetKL, targetTopAgreement: Double?
  /// Share of known facts, 0…1.
  public var facts: Double?
  /// Share of a task's questions that are answered rightly, by its usual number, 0…1.
  public var task: Double?

  /// Share of mixed and broken replies.
  public var garbled: Double { mixed + broken }

  /// The numbers of a measurement.
  public init(_ measurement: EditMeasurement) {
    let (rates, neutral) = (measurement.rates, measurement.neutral)
    prompts = rates.count
    behaviour = rates.rate(.behaviour)
    wanted = rates.rate(.wanted)
    mixed = rates.rate(.mixed)
    broken = rates.rate(.broken)
    onTopic = rates.onTopic
    empty = rates.empty
    repetition = rates.repetition
    perplexity = neutral.perplexity
    perplexityRise = neutral.perplexityRise
    kl = neutral.meanKL
    klP99 = neutral.klQuantile(0.99)
    topAgreement = neutral.topAgreement
    loss = neutral.meanLoss
    calibrationError = neutral.calibrationError
    targetKL = measurement.replies?.meanKL
    targetTopAgreement = measurement.replies?.topAgreement
    facts = measurement.factsKnown
    task = measurement.task?.value()
  }

  /// The number that a gate looks at; nil where it was not measured.
  public func value(_ quantity: Gates.Quantity, base: EditSummary) -> Double? {
    switch quantity {
    case .neutralPerplexityRise: perplexityRise
    case .neutralKL: kl
    case .behaviourDrop: base.behaviour == 0 ? 0 : 1 - behaviour / base.behaviour
    case .behaviourRate: behaviour
    case .wantedGain: wanted - base.wanted
    case .garbledRise: garbled - base.garbled
    case .factsDrop: facts.flatMap { known in base.facts.map { $0 - known } }
    case .taskDrop: task.flatMap { right in base.task.map { $0 - right } }
    }
  }
}

extension EditSummary {
  private static let required: [(key: String, path: any WritableKeyPath<EditSummary, Double> & Sendable)] = [
    ("behaviour_rate", \.behaviour), ("wanted_rate", \.wanted), ("mixed_rate", \.mixed),
    ("broken_rate", \.broken),
    ("empty_rate", \.empty), ("repetition", \.repetition), ("perplexity", \.perplexity),
    ("perplexity_rise", \.perplexityRise), ("kl_mean", \.kl), ("kl_p99", \.klP99),
    ("top1_agreement", \.topAgreement),
    ("loss", \.loss), ("calibration_error", \.calibrationError),
  ]
  private static let optional: [(key: String, path: any WritableKeyPath<EditSummary, Double?> & Sendable)] = [
    ("on_topic_rate", \.onTopic), ("target_kl_mean", \.targetKL),
    ("target_top1_agreement", \.targetTopAgreement),
    ("facts_accuracy", \.facts), ("task_accuracy", \.task),
  ]

  /// The numbers under their report names.
  public var json: JSONValue {
    var result: JSONValue = ["n": .integer(prompts)]
    for (key, path) in Self.required { result[key] = .number(self[keyPath: path]) }
    for (key, path) in Self.optional { result[key] = self[keyPath: path].map(JSONValue.number) ?? .null }
    return result
  }

  /// Reads what ``json`` wrote; nil for anything else.
  public init?(json: JSONValue) {
    guard let prompts = json["n"]?.int else { return nil }
    self.init(prompts: prompts)
    for (key, path) in Self.required {
      guard let value = json[key]?.double else { return nil }
      self[keyPath: path] = value
    }
    for (key, path) in Self.optional { self[keyPath: path] = json[key]?.double }
  }

  private init(prompts: Int) {
    self.prompts = prompts
    (behaviour, wanted, mixed, broken, empty, repetition) = (0, 0, 0, 0, 0, 0)
    (perplexity, perplexityRise, kl, klP99, topAgreement, loss, calibrationError) = (0, 0, 0, 0, 0, 0, 0)
  }
}

extension Gates {
  /// The gates that a measurement misses, with its value; a gate without a value is not missed.
  public func missed(_ summary: EditSummary, base: EditSummary) -> [(gate: Gate, value: Double)] {
    gates.compactMap { gate in
      guard let value = summary.value(gate.quantity, base: base), !gate.holds(value) else { return nil }
      return (gate, value)
    }
  }
}

import Glibc

/// Limits that an edit must keep, each on one number of a measured point.
public struct Gates: Sendable, Equatable {
  /// What a gate looks at. Shares and rises are fractions of one.
  public enum Quantity: String, Sendable, CaseIterable {
    /// Perplexity of neutral text, relative rise over the base.
    case neutralPerplexityRise = "neutral_perplexity_rise"
    /// Mean KL(base‖edited) on neutral text, nats a token.
    case neutralKL = "neutral_kl"
    /// Relative fall of the behaviour's rate: 1 − rate / base rate.
    case behaviourDrop = "behaviour_drop"
    /// The behaviour's rate itself.
    case behaviourRate = "behaviour_rate"
    /// Rise of the wanted alternative's rate over the base.
    case wantedGain = "wanted_gain"
    /// Rise of mixed and broken replies over the base.
    case garbledRise = "garbled_rise"
    /// Fall of the share of known facts.
    case factsDrop = "facts_drop"
    /// Fall of the share of a task's questions answered rightly.
    case taskDrop = "task_drop"

    /// One line for listings.
    public var summary: String {
      switch self {
      case .neutralPerplexityRise: "perplexity of neutral text, relative rise over the base"
      case .neutralKL: "mean KL(base‖edited) on neutral text, nats a token"
      case .behaviourDrop: "relative fall of the behaviour's rate: 1 − rate / base rate"
      case .behaviourRate: "the behaviour's rate itself"
      case .wantedGain: "rise of the wanted alternative's rate over the base"
      case .garbledRise: "rise of mixed and broken replies over the base"
      case .factsDrop: "fall of the share of known facts"
      case .taskDrop: "fall of the share of a task's questions that are answered rightly"
      }
    }
  }

  /// One limit.
  public struct Gate: Sendable, Equatable {
    /// What it looks at.
    public let quantity: Quantity
    /// `<`, `<=`, `>` or `>=`.
    public let comparison: String
    /// The limit.
    public let limit: Double

    /// Whether a value keeps the limit.
    public func holds(_ value: Double) -> Bool {
      switch comparison {
      case "<": value < limit
      case "<=": value <= limit
      case ">": value > limit
      default: value >= limit
      }
    }

    /// By how much a value misses the limit; 0 where it holds.
    public func miss(_ value: Double) -> Double { holds(value) ? 0 : abs(value - limit) }
  }

  /// The gates in order.
  public var gates: [Gate]

  /// Some gates.
  public init(_ gates: [Gate]) { self.gates = gates }

  /// Reads `name: "<= 5%"` pairs.
  /// - Throws: ``SurgeryError/gate(text:)``.
  public init(parsing pairs: [(name: String, limit: String)]) throws {
    gates = try pairs.map { name, limit in
      let text = limit.filter { $0 != " " }
      guard let quantity = Quantity(rawValue: name),
        let comparison = ["<=", ">=", "<", ">"].first(where: text.hasPrefix)
      else { throw SurgeryError.gate(text: "\(name): \(limit)") }
      var number = text.dropFirst(comparison.count)
      let percent = number.hasSuffix("%")
      if percent { number.removeLast() }
      guard let value = Double(number), value.isFinite else {
        throw SurgeryError.gate(text: "\(name): \(limit)")
      }
      return Gate(quantity: quantity, comparison: comparison, limit: percent ? value / 100 : value)
    }
  }
}

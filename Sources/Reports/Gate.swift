import JSON
import Runtime
import Statistics

/// A condition on one metric of the report: `--fail-if 'kl_mean>0.05'`, or a recipe's `kl_mean: "<= 0.05"`.
public struct Gate: Sendable, Equatable {
  /// How value and threshold are compared.
  public enum Comparison: String, Sendable, CaseIterable {
    // The longer signs first: a text is tried against them in this order.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case unequal = "!="
    case below = "<"
    case above = ">"

    func holds(_ value: Double, _ threshold: Double) -> Bool {
      switch self {
      case .atMost: value <= threshold
      case .atLeast: value >= threshold
      case .equal: value == threshold
      case .unequal: value != threshold
      case .below: value < threshold
      case .above: value > threshold
      }
    }
  }

  /// The metric's name; `name.lower` and `name.upper` mean the ends of its interval.
  public var metric: String
  /// The sign.
  public var comparison: Comparison
  /// The number on the right, as written (5 for `5%`).
  public var threshold: Double
  /// Whether it was written with a percent sign.
  public var percent: Bool
  /// Whether the run fails when the condition is true (`--fail-if`) or when it is not (a recipe's gate).
  public var failsWhenTrue: Bool
  /// The text it was read from.
  public var text: String

  /// Reads `metric<x` as `--fail-if` takes it: the run fails when this is true.
  /// - Throws: ``ReportError/gateSyntax(text:reason:)``.
  public init(failIf text: String) throws {
    guard let start = text.firstIndex(where: { "<>=!".contains($0) }) else {
      throw ReportError.gateSyntax(text: text, reason: "no comparison")
    }
    self = try Gate(
      metric: String(text[..<start]), condition: text[start...], text: text, failsWhenTrue: true)
  }

  /// Reads a condition such as `<= 5%` that must hold for a metric.
  /// - Throws: ``ReportError/gateSyntax(text:reason:)``.
  public init(metric: String, requires condition: String) throws {
    self = try Gate(
      metric: metric, condition: condition[...], text: "\(metric) \(condition)", failsWhenTrue: false)
  }

  private init(metric: String, condition: Substring, text: String, failsWhenTrue: Bool) throws {
    let spaces: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    let name = String(metric.drop(while: spaces).reversed().drop(while: spaces).reversed())
    guard !name.isEmpty else { throw ReportError.gateSyntax(text: text, reason: "no metric before the sign") }
    guard !name.contains(where: spaces) else {
      throw ReportError.gateSyntax(text: text, reason: "\"\(name)\" is no name of a metric")
    }
    let condition = condition.drop(while: spaces)
    guard let comparison = Comparison.allCases.first(where: { condition.hasPrefix($0.rawValue) }) else {
      throw ReportError.gateSyntax(
        text: text, reason: condition.hasPrefix("=") ? "\"=\" is no comparison, \"==\" is" : "no comparison")
    }
    var number = String(condition.dropFirst(comparison.rawValue.count).filter { !spaces($0) })
    let percent = number.hasSuffix("%")
    if percent { number.removeLast() }
    guard let threshold = Double(number), threshold.isFinite else {
      throw ReportError.gateSyntax(
        text: text, reason: number.isEmpty ? "no number behind the sign" : "\"\(number)\" is no number")
    }
    self.metric = name
    self.comparison = comparison
    self.threshold = threshold
    self.percent = percent
    self.failsWhenTrue = failsWhenTrue
    self.text = text
  }

  /// Checks the name before any work is done, where the metrics to come are known.
  /// - Throws: ``ReportError/unknownMetric(name:known:)``.
  public func check(known names: [String]) throws {
    let bare = [".lower", ".upper"].first { metric.hasSuffix($0) }.map { String(metric.dropLast($0.count)) }
    guard names.contains(metric) || bare.map(names.contains) ?? false else {
      throw ReportError.unknownMetric(name: metric, known: names)
    }
  }

  /// Whether the gate holds for these metrics.
  ///
  /// A percent sign divides the number by 100, unless the metric is itself in percent. A metric without a value (or
  /// without the interval asked for) cannot hold.
  /// - Throws: ``ReportError/unknownMetric(name:known:)``.
  public func outcome(_ metrics: [Metric]) throws -> GateOutcome {
    let (found, part) = try find(metrics)
    let inPercent = found.unit == "%" || found.unit == "percent"
    let threshold = percent && !inPercent ? self.threshold / 100 : self.threshold
    var outcome = GateOutcome(
      text: text, metric: metric, comparison: comparison.rawValue, threshold: threshold, value: nil,
      failsWhenTrue: failsWhenTrue, held: false, reason: nil)
    let value: Double?
    switch part {
    case .value: value = found.value
    case .lower: value = found.interval?.lower
    case .upper: value = found.interval?.upper
    }
    guard let value, !value.isNaN else {
      outcome.reason =
        part == .value || found.interval != nil
        ? found.reason ?? "the metric has no value" : "the metric has no interval"
      return outcome
    }
    outcome.value = value
    outcome.held = comparison.holds(value, threshold) != failsWhenTrue
    return outcome
  }

  private enum Part { case value, lower, upper }

  private func find(_ metrics: [Metric]) throws -> (Metric, Part) {
    if let exact = metrics.first(where: { $0.name == metric }) { return (exact, .value) }
    for (suffix, part) in [(".lower", Part.lower), (".upper", .upper)] where metric.hasSuffix(suffix) {
      let name = metric.dropLast(suffix.count)
      if let found = metrics.first(where: { $0.name == name }) { return (found, part) }
    }
    throw ReportError.unknownMetric(name: metric, known: metrics.map(\.name))
  }
}

/// A gate, what it was given, and whether it held.
public struct GateOutcome: Sendable, Equatable {
  /// The gate as written.
  public var text: String
  /// The metric's name.
  public var metric: String
  /// The sign.
  public var comparison: String
  /// The number compared with, percent already resolved.
  public var threshold: Double
  /// The metric's value; nil when it has none.
  public var value: Double?
  /// Whether truth of the condition means failure.
  public var failsWhenTrue: Bool
  /// Whether the run may count as good.
  public var held: Bool
  /// Why it could not be decided.
  public var reason: String?

  var json: JSONValue {
    var json: JSONValue = [
      "gate": .string(text), "metric": .string(metric), "comparison": .string(comparison),
      "threshold": .number(threshold), "value": .optional(value), "fails_when_true": .bool(failsWhenTrue),
      "held": .bool(held),
    ]
    if let reason { json["reason"] = .string(reason) }
    return json
  }
}

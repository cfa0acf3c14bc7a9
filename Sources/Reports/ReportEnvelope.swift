import JSON
import OrderedCollections
import Runtime
import Statistics

/// What every command writes about itself, also when it fails: who ran what on which inputs, and what came out.
///
/// A command fills a value of this type; ``ReportWriter`` puts it on disk.
public struct ReportEnvelope: Sendable, Equatable {
  /// The version of the shape. Within one major version keys are only added.
  public static let schemaVersion = "1.0"

  /// The command path, such as `edit.apply`; also the name of the schema.
  public var kind: String
  /// The program.
  public var tool: ToolFacts
  /// The run.
  public var run: RunFacts
  /// The machine.
  public var system: SystemFacts
  /// What was read.
  public var inputs: [Artefact] = []
  /// What was written.
  public var outputs: [Artefact] = []
  /// The measured numbers, one of each name, in the order in which they were added.
  public private(set) var metrics: [Metric] = []
  /// Gates and whether they held.
  public var gates: [GateOutcome] = []
  /// What is special to the kind; always an object.
  public var results: JSONValue = .object([:])
  /// What is to be known and did not stop the run.
  public private(set) var warnings: [ReportWarning] = []

  /// A report of a run that begins now.
  public init(
    kind: String, run: RunFacts = RunFacts(), system: SystemFacts = SystemFacts(), tool: ToolFacts = .surgeon
  ) {
    self.kind = kind
    self.run = run
    self.system = system
    self.tool = tool
  }

  /// Adds a metric; one of the same name is replaced in its place.
  public mutating func add(_ metric: Metric) {
    if let index = metrics.firstIndex(where: { $0.name == metric.name }) {
      metrics[index] = metric
    } else {
      metrics.append(metric)
    }
  }

  /// Adds metrics in order.
  public mutating func add(_ metrics: some Sequence<Metric>) { for metric in metrics { add(metric) } }

  /// The metric of a name.
  public func metric(_ name: String) -> Metric? { metrics.first { $0.name == name } }

  /// Adds a warning; the same one is said once.
  public mutating func warn(_ code: String, _ message: String) {
    let warning = ReportWarning(code: code, message: message)
    if !warnings.contains(warning) { warnings.append(warning) }
  }

  /// The report as JSON: numbers that JSON cannot say have become null, with a reason beside them.
  public var json: JSONValue {
    let report: JSONValue = [
      "schema": .string(SchemaRegistry.identifier(kind)),
      "schema_version": .string(Self.schemaVersion),
      "kind": .string(kind),
      "tool": tool.json,
      "run": run.json,
      "system": system.json,
      "inputs": .array(inputs.map(\.json)),
      "outputs": .array(outputs.map(\.json)),
      "metrics": .array(metrics.map(\.json)),
      "gates": .array(gates.map(\.json)),
      "results": results,
      "warnings": .array(warnings.map { ["code": .string($0.code), "message": .string($0.message)] }),
    ]
    return report.withFiniteNumbers()
  }

  /// What must be equal in two runs of one command: the report without `run`, `system` and everything that is
  /// measured in time or speed.
  public static func comparable(_ json: JSONValue) -> JSONValue {
    func stripped(_ value: JSONValue) -> JSONValue {
      switch value {
      case .array(let values):
        return .array(values.filter { !isTiming($0) }.map(stripped))
      case .object(let members):
        var kept: OrderedDictionary<String, JSONValue> = [:]
        for (key, value) in members where !isTiming(key) { kept[key] = stripped(value) }
        return .object(kept)
      default: return value
      }
    }
    var members = json.object ?? [:]
    members["run"] = nil
    members["system"] = nil
    return stripped(.object(members))
  }

  private static func isTiming(_ key: String) -> Bool {
    key == "timings" || key == "seconds" || key.hasSuffix("_seconds") || key.hasSuffix("_per_second")
  }

  /// Whether a list's element is a metric of time or speed.
  private static func isTiming(_ element: JSONValue) -> Bool {
    guard let unit = element["unit"]?.string, element["value"] != nil else { return false }
    return ["s", "ms", "seconds"].contains(unit) || unit.hasSuffix("/s")
  }
}

extension Metric {
  /// The metric as reports carry it.
  public var json: JSONValue {
    var json: JSONValue = [
      "name": .string(name), "value": .optional(value), "unit": .string(unit), "n": .integer(n),
      "higher_is_better": higherIsBetter.map(JSONValue.bool) ?? .null,
      "interval": interval?.json ?? .null,
    ]
    if value.map({ !$0.isFinite }) ?? true {
      json["reason"] = .string(reason ?? value.map(JSONValue.reason) ?? "not measured")
    } else if let reason {
      json["reason"] = .string(reason)
    }
    return json
  }
}

extension Interval {
  /// The interval as reports carry it; null when an end is not finite.
  public var json: JSONValue {
    guard lower.isFinite, upper.isFinite else { return .null }
    return [
      "lower": .number(lower), "upper": .number(upper), "level": .number(level), "method": .string(method),
    ]
  }
}

extension JSONValue {
  /// Why a number is not finite.
  static func reason(_ value: Double) -> String {
    value.isNaN ? "not a number" : value < 0 ? "minus infinity" : "infinity"
  }

  /// The value with null in place of numbers that are not finite; the object that holds such a member `x`, directly
  /// or in lists, gets a member `x_reason` behind it.
  public func withFiniteNumbers() -> JSONValue {
    var reason: String?
    return finite(&reason)
  }

  private func finite(_ reason: inout String?) -> JSONValue {
    switch self {
    case .number(let value) where !value.isFinite:
      reason = Self.reason(value)
      return .null
    case .array(let values): return .array(values.map { $0.finite(&reason) })
    case .object(let members):
      var result: OrderedDictionary<String, JSONValue> = [:]
      result.reserveCapacity(members.count)
      for (key, value) in members {
        var reason: String?
        result[key] = value.finite(&reason)
        if let reason { result[key + "_reason"] = .string(reason) }
      }
      return .object(result)
    default: return self
    }
  }
}

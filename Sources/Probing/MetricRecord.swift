import JSON
import OrderedCollections
import Statistics

/// Metrics inside probe files, in the fields that reports use.
enum MetricRecord {
  static func json(_ metric: Metric) -> JSONValue {
    var record: OrderedDictionary<String, JSONValue> = [
      "name": .string(metric.name), "value": metric.value.map(JSONValue.number) ?? .null,
      "unit": .string(metric.unit), "n": .integer(metric.n),
      "higher_is_better": metric.higherIsBetter.map(JSONValue.bool) ?? .null,
    ]
    if let interval = metric.interval {
      record["interval"] = [
        "lower": .number(interval.lower), "upper": .number(interval.upper), "level": .number(interval.level),
        "method": .string(interval.method),
      ]
    }
    if let reason = metric.reason { record["reason"] = .string(reason) }
    return .object(record)
  }

  static func metric(_ json: JSONValue) -> Metric? {
    guard let name = json["name"]?.string, let unit = json["unit"]?.string, let n = json["n"]?.int else {
      return nil
    }
    var interval: Interval?
    if let record = json["interval"], let lower = record["lower"]?.double,
      let upper = record["upper"]?.double,
      let level = record["level"]?.double
    {
      interval = Interval(lower: lower, upper: upper, level: level, method: record["method"]?.string ?? "")
    }
    return Metric(
      name: name, value: json["value"]?.double, unit: unit, n: n,
      higherIsBetter: json["higher_is_better"]?.bool,
      interval: interval, reason: json["reason"]?.string)
  }
}

import Architectures
import JSON
import Reports
import Runtime
import Statistics

extension ReportEnvelope {
  /// Puts a folder's warnings into the results and their number among the metrics.
  mutating func add(warnings: [CheckpointWarning], valuesRead: Bool) {
    results["values_read"] = .bool(valuesRead)
    results["warnings"] = .array(
      warnings.map {
        [
          "code": .string($0.code.rawValue), "message": .string($0.message),
          "suggestion": .string($0.suggestion), "tensors": .strings($0.tensors),
        ]
      })
    add(
      Metric(
        name: "warnings", value: Double(warnings.count), unit: "count", n: 1, higherIsBetter: false))
  }
}

extension [CheckpointWarning] {
  /// A line a warning, for people.
  var table: Table {
    var table = Table([.init("Warning"), .init("Found"), .init("Try")])
    for warning in self {
      table.add([.text(warning.code.rawValue), .text(warning.message), .text(warning.suggestion)])
    }
    return table
  }
}

extension Quantisation {
  /// What reports carry.
  var json: JSONValue {
    [
      "method": .string(method), "bits": .optional(bits), "tensors": .integer(tensors),
      "evidence": .string(evidence), "config": config,
    ]
  }
}

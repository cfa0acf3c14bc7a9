import JSON
import Reports
import Runtime
import Statistics

/// What came out of a comparison, as a table and as JSON.
enum CompareReport {
  /// The table for people, ready for a README.
  static func table(_ outcomes: [CompareOutcome]) -> Table {
    var table = Table([
      .init("Job"), .init("Beside"), .init("Here", numeric: true), .init("There", numeric: true),
      .init("Ratio", numeric: true), .init("Reach", numeric: true), .init("Better", numeric: true),
      .init("Reached"), .init("Load", numeric: true),
    ])
    for outcome in outcomes {
      let row = outcome.row
      table.add([
        .text(row.title), .text(outcome.peer), amount(outcome.ours, row.unit),
        amount(outcome.theirs, row.unit),
        ratio(outcome), aim(row.reach, row), aim(row.better, row), .text(verdict(outcome)),
        .fixed(outcome.load, 1),
      ])
    }
    return table
  }

  /// The results of the report.
  static func json(_ outcomes: [CompareOutcome], rounds: Int) -> JSONValue {
    [
      "machine": .object(MachineFacts().members), "rounds": .integer(rounds),
      "rows": .array(
        outcomes.map { outcome in
          [
            "job": .string(outcome.job), "title": .string(outcome.row.title), "peer": .string(outcome.peer),
            "unit": .string(outcome.row.unit), "kind": .string(outcome.row.kind.rawValue),
            "here": .numbers(outcome.ours), "there": .numbers(outcome.theirs),
            "here_median": .optional(outcome.median), "there_median": .optional(outcome.peerMedian),
            "ratio": .optional(outcome.ratio), "reach": .optional(outcome.row.reach),
            "better": .optional(outcome.row.better),
            "reached": outcome.reached.map(JSONValue.bool) ?? .null,
            "is_better": outcome.isBetter.map(JSONValue.bool) ?? .null,
            "note": .string(outcome.row.note), "missing": .optional(outcome.missing),
            "load_average": .number(outcome.load),
          ]
        }),
    ]
  }

  /// Yes, no, or why there is no answer.
  private static func verdict(_ outcome: CompareOutcome) -> String {
    if let missing = outcome.missing { return missing.hasPrefix("failed") ? "failed" : "no peer" }
    guard let reached = outcome.reached else { return "" }
    return outcome.isBetter == true && outcome.row.better != outcome.row.reach
      ? "better" : reached ? "yes" : "NO"
  }

  /// The median with the range of all rounds.
  private static func amount(_ values: [Double], _ unit: String) -> Table.Cell {
    guard let median = Descriptive.median(values), let low = values.min(), let high = values.max() else {
      return .text(nil)
    }
    let text =
      values.count == 1
      ? spelt(median, unit) : "\(spelt(median, unit)) [\(spelt(low, unit)) … \(spelt(high, unit))]"
    return Table.Cell(text, value: .number(median))
  }

  private static func spelt(_ value: Double, _ unit: String) -> String {
    switch unit {
    case "s": Format.seconds(value)
    case "B": Format.bytes(UInt64(max(0, value)))
    case "B/s": Format.bytes(UInt64(max(0, value))) + "/s"
    case "nats": Format.significant(value, 7)
    case "of peak": Format.percent(value, 0)
    default: (value < 100 ? Format.significant(value) : Format.count(Int(value.rounded()))) + " " + unit
    }
  }

  private static func ratio(_ outcome: CompareOutcome) -> Table.Cell {
    guard let ratio = outcome.ratio else { return .text(nil) }
    return Table.Cell(bare(ratio, outcome.row), value: .number(ratio))
  }

  private static func aim(_ aim: Double?, _ row: CompareJob.Row) -> Table.Cell {
    guard let aim else { return .text("") }
    let sign =
      switch row.kind {
      case .rate, .speedup, .floor: "≥"
      case .share, .value, .excess: "≤"
      }
    return Table.Cell("\(sign) \(bare(aim, row))", value: .number(aim))
  }

  private static func bare(_ value: Double, _ row: CompareJob.Row) -> String {
    switch row.kind {
    case .value, .floor: spelt(value, row.unit)
    case .excess: Format.significant(value, 2)
    case .rate, .speedup, .share: Format.significant(value, 3) + "×"
    }
  }
}

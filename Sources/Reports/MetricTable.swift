import JSON
import Runtime
import Statistics

extension Table {
  /// Metrics as a table, the same columns as a report's: with the other value and the change where a base is given.
  public init(metrics: [Metric], base: [Metric] = []) {
    var columns = [
      Column("Metric"), Column("", key: "direction"), Column("Value", numeric: true), Column("Interval"),
      Column("n", numeric: true), Column("Unit"),
    ]
    if !base.isEmpty { columns += [Column("Base", numeric: true), Column("Change", numeric: true)] }
    self.init(columns)
    for metric in metrics {
      let arrow = metric.higherIsBetter.map { $0 ? "↑" : "↓" } ?? ""
      var row: [Cell] = [
        .text(metric.name),
        Cell(arrow, value: .optional(metric.higherIsBetter.map { $0 ? "higher" : "lower" })),
        Cell(metric.shownValue, value: .optional(metric.value)), .text(metric.shownInterval),
        .count(metric.n), .text(metric.unit),
      ]
      if let other = base.first(where: { $0.name == metric.name }) {
        row.append(Cell(other.shownValue, value: .optional(other.value)))
        if let value = metric.value, let before = other.value {
          let change = value - before
          let relative = before == 0 ? "" : " (\(Format.signed(change / abs(before) * 100, 1)) %)"
          let shown =
            metric.unit == "fraction"
            ? Format.signed(change * 100, 1) + " points"
            : (change > 0 ? "+" : "") + Format.significant(change, 3)
          row.append(Cell(shown + relative, value: .number(change)))
        }
      }
      add(row)
    }
  }
}

extension Metric {
  /// The value as people read it: fractions in percent, bytes and seconds in their units.
  public var shownValue: String { value.map { shown($0) } ?? "–" }

  /// The interval as people read it, empty where there is none.
  public var shownInterval: String {
    guard let interval else { return "" }
    return "\(shown(interval.lower)) … \(shown(interval.upper))"
  }

  /// A number in this metric's unit.
  func shown(_ value: Double) -> String {
    switch unit {
    // Areas under a curve are spelt as numbers everywhere.
    case "fraction": name.contains("auroc") ? Format.fixed(value, 3) : Format.percent(value)
    case "bytes" where value >= 0 && value < 0x1p63: Format.bytes(UInt64(value))
    case "s", "seconds": Format.seconds(value)
    case "count" where abs(value) < 1e15: Format.count(Int(value))
    default: Format.significant(value, 4)
    }
  }
}

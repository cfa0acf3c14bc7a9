import JSON
import Runtime
import Statistics

/// One measurement of behaviour and damage out of a report (`#/$defs/measurement` of the operation's schema).
struct Measurement {
  var json: JSONValue

  init?(_ json: JSONValue?) {
    guard let json, json.object != nil else { return nil }
    self.json = json
  }

  func value(_ key: String) -> Double? { json[key]?.double }

  /// The interval of a number: the report's, or Wilson's for the two rates that everything turns on.
  func range(_ key: String) -> ClosedRange<Double>? {
    if let interval = json["intervals"]?[key], let lower = interval["lower"]?.double,
      let upper = interval["upper"]?.double, lower <= upper
    {
      return lower...upper
    }
    guard ["behaviour_rate", "wanted_rate"].contains(key), let rate = value(key), (0...1).contains(rate),
      let n = json["n"]?.int, n > 0
    else { return nil }
    return Wilson.interval(successes: Int((rate * Double(n)).rounded()), total: n).map { $0.lower...$0.upper }
  }

  /// A rate, and its interval in a second line.
  func rate(_ key: String) -> String? {
    guard let value = value(key) else { return nil }
    guard let range = range(key) else { return Format.percent(value) }
    let ends = (Format.fixed(range.lowerBound * 100, 1), Format.fixed(range.upperBound * 100, 1))
    return "\(Format.percent(value))\n\(ends.0) … \(ends.1)"
  }

  /// One column of the tables of measurements.
  struct Column {
    var key: String
    var title: String
    var cell: (Measurement) -> Table.Cell
  }

  /// All columns there can be, by the names that the behaviour has.
  static func columns(_ words: OperationWords) -> [Column] {
    func rate(_ key: String, _ title: String) -> Column {
      Column(key: key, title: title) { .init($0.rate(key) ?? "–", value: .optional($0.value(key))) }
    }
    func share(_ key: String, _ title: String) -> Column {
      Column(key: key, title: title) { .percent($0.value(key)) }
    }
    func number(_ key: String, _ title: String, _ digits: Int) -> Column {
      Column(key: key, title: title) { .number($0.value(key), digits) }
    }
    return [
      rate("behaviour_rate", ReportSections.sentence(words.behaviour)),
      rate("wanted_rate", ReportSections.sentence(words.wanted)),
      share("mixed_rate", "Mixed"), share("broken_rate", "Broken"), share("on_topic_rate", "On topic"),
      Column(key: "perplexity_rise", title: "Perplexity") { measurement in
        let rise = measurement.value("perplexity_rise")
        return Table.Cell(rise.map { Format.signed($0 * 100, 1) + " %" } ?? "–", value: .optional(rise))
      },
      number("kl_mean", "KL (nats)", 2), share("top1_agreement", "Same top token"),
      share("facts_accuracy", "Facts"), share("task_accuracy", "Task"),
      Column(key: "paired", title: "p, paired") { measurement in
        let p = measurement.json["paired"]?["p"]?.double
        return Table.Cell(
          p.map { $0 < 0.001 ? "< 0.001" : Format.fixed($0, 3) } ?? "–", value: .optional(p))
      },
      Column(key: "n", title: "n") { .count($0.json["n"]?.int) },
    ]
  }

  /// A table of measurements with the columns that they have.
  static func table(
    _ rows: [(cells: [Table.Cell], measurement: Measurement)], first: [Table.Column], words: OperationWords
  ) -> Table {
    // A column that one row alone could fill says nothing in a comparison.
    let least = rows.count > 2 ? 2 : 1
    let present = columns(words).filter { column in
      rows.count { $0.measurement.json[column.key].map { !$0.isNull } ?? false } >= least
    }
    var table = Table(first + present.map { Table.Column($0.title, key: $0.key, numeric: true) })
    for row in rows { table.add(row.cells + present.map { $0.cell(row.measurement) }) }
    return table
  }
}

/// How an operation speaks of its behaviour.
struct OperationWords {
  /// What replies should stop being.
  var behaviour: String
  /// What they should be instead.
  var wanted: String
  /// What the target prompts are; empty where it is not said.
  var prompts: String

  init(_ results: JSONValue?) {
    behaviour = results?["behaviour"]?["name"]?.string ?? "behaviour"
    wanted = results?["behaviour"]?["wanted"]?.string ?? "wanted"
    prompts = results?["behaviour"]?["prompts"]?.string ?? ""
  }

  /// A verdict's word for people.
  func verdict(_ word: String) -> String {
    word == "behaviour" ? behaviour : word == "wanted" ? wanted : word
  }
}

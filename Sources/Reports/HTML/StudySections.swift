import JSON
import OrderedCollections
import Runtime

/// What stands first on the page of a study: the sentences that its numbers give, and the scores they are made from.
struct StudySections {
  let report: JSONValue
  private var results: JSONValue { report["results"] ?? .null }

  /// A section a setting; none for a report of another kind, or of a study that did not end.
  var sections: [HTMLReport.Section] {
    guard report["kind"] == "distill", report["run"]?["status"] == "ok" else { return [] }
    return (results["settings"]?.array ?? []).map { setting in
      let name = setting["name"]?.string ?? ""
      let sentences = (results["verdicts"]?.array ?? []).filter { $0["setting"]?.string == name }.compactMap {
        $0["text"]?.string
      }
      // The first says how the baseline is, the last ones what follows; what lies between compares one by one.
      let isPlain = { (text: String) in !text.contains(" against ") }
      return HTMLReport.Section(
        "What came out: \(name)", short: name,
        lead: "Test items; means over the seeds, differences paired by seed.",
        sentences.filter(isPlain).map { .paragraph($0) } + [
          .table(scores(setting)),
          .folded(
            "Every arm against its baselines", sentences.filter { !isPlain($0) }.map { .paragraph($0) }),
        ])
    }
  }

  private static let columns: [(key: String, title: String, isShare: Bool)] = [
    ("top1_error", "Top-1 error", true), ("top5_error", "Top-5 error", true), ("nll", "NLL", false),
    ("ece_10", "ECE, 10 bins", true), ("ece_15_mass", "ECE, equal mass", true), ("brier", "Brier", false),
    ("aurc", "AURC", false), ("e_aurc", "E-AURC", false),
  ]

  private func scores(_ setting: JSONValue) -> Table {
    var table = Table(
      [.init("Arm")] + Self.columns.map { .init($0.title, key: $0.key, numeric: true) }
        + [.init("Temperature", numeric: true), .init("True class in kept answers", numeric: true)])
    for arm in setting["arms"]?.array ?? [] {
      let cells = Self.columns.map { column -> Table.Cell in
        guard let mean = arm["scores"]?["test"]?[column.key]?["mean"]?.double else { return .text("–") }
        return .init(
          column.isShare ? Format.percent(mean) : Format.significant(mean, 3), value: .number(mean))
      }
      let temperature = arm["temperature"]?["mean"]?.double
      let isPast = arm["arm"]?["kind"] == "ps-kd"
      let past = isPast ? arm["past_true_probability"]?.double : nil
      table.add(
        [.text(arm["name"]?.string)] + cells + [
          .init(temperature.map { Format.fixed($0, 2) } ?? "–", value: .optional(temperature)),
          .init(past.map { Format.percent($0) } ?? "–", value: .optional(past)),
        ])
    }
    return table
  }
}

import JSON
import Runtime
import Statistics

extension HTMLReport {
  /// The page of an operation.
  static func operation(_ report: JSONValue) -> HTMLReport { OperationPage(report).page }
}

/// Builds the page of `surgeon operate` in the order of the questions a reader has: did it work, how do the replies look,
/// at what price, compared with what, what exactly was changed, and how is it done again.
struct OperationPage {
  let report: JSONValue
  let results: JSONValue
  let words: OperationWords
  let base: Measurement?
  let edited: Measurement?

  init(_ report: JSONValue) {
    self.report = report
    results = report["results"] ?? .null
    words = OperationWords(results)
    base = Measurement(results["base"]?["test"])
    edited = Measurement(results["test"]?["edited"])
  }

  var page: HTMLReport {
    let parts = ReportSections(report: report)
    let sections = [
      answersSection, repliesSection, priceSection, layersSection, rowsSection, comparisonsSection,
      proofSection,
      parts.metricsSection, parts.gatesSection, parts.provenanceSection,
    ]
    return HTMLReport(
      kicker: parts.kicker, title: title, subtitle: subtitle(parts), verdict: verdict(parts),
      top: parts.errors + [.cards(cards)] + parts.warnings, sections: sections.compactMap { $0 }, data: report
    )
  }

  // MARK: Above the sections

  private var title: String {
    let name = ReportSections.sentence(words.behaviour)
    guard let before = base?.value("behaviour_rate"), let after = edited?.value("behaviour_rate") else {
      return "\(name) replies: what the edit did"
    }
    let verb = after < before ? "fall" : after > before ? "rise" : "stay"
    return "\(name) replies \(verb) from \(Format.percent(before)) to \(Format.percent(after))"
  }

  private func subtitle(_ parts: ReportSections) -> String {
    let model = results["behaviour"]?["model"]?.string.map { "model \(Files.name(of: $0))" }
    return parts.subtitle.hasPrefix("model")
      ? parts.subtitle : [model, parts.subtitle].compactMap { $0 }.joined(separator: " · ")
  }

  private func verdict(_ parts: ReportSections) -> (tone: HTMLReport.Tone, text: String)? {
    if parts.status != .ok { return parts.verdict }
    let asked = (results["question_answers"]?.array ?? []).compactMap { $0["passed"]?.bool }
    guard !asked.isEmpty else { return parts.verdict }
    let failed = asked.count { !$0 }
    return failed == 0
      ? (
        .good, "All \(asked.count) questions are answered with yes, on prompts that fitted and chose nothing"
      )
      : (.bad, "\(failed) of \(asked.count) questions \(failed == 1 ? "is" : "are") answered with no")
  }

  private var cards: [HTMLReport.Card] {
    let measured = ReportSections(report: report).metrics
    func change(_ label: String, _ key: String, _ digits: Int = 1) -> HTMLReport.Card? {
      guard let after = edited?.value(key) else { return nil }
      let metric = measured.first { $0.name == key }
      let range =
        edited?.range(key) ?? metric?.interval.map { min($0.lower, $0.upper)...max($0.lower, $0.upper) }
      let n = metric?.n ?? (key == "facts_accuracy" ? nil : edited?.json["n"]?.int)
      let detail = [
        range.map { "\(Format.fixed($0.lowerBound * 100, 1)) … \(Format.fixed($0.upperBound * 100, 1)) %" },
        n.map { "n = \(Format.count($0))" },
      ]
      return .init(
        label, value: Format.percent(after, digits),
        before: base?.value(key).map { Format.fixed($0 * 100, digits) },
        detail: detail.compactMap { $0 }.joined(separator: ", "))
    }
    var cards = [
      change("\(ReportSections.sentence(words.behaviour)) replies", "behaviour_rate"),
      change("\(ReportSections.sentence(words.wanted)) replies", "wanted_rate"),
      change("Facts recalled", "facts_accuracy"),
    ].compactMap { $0 }
    if let rise = edited?.value("perplexity_rise") {
      var detail = "on neutral text"
      if let kl = edited?.value("kl_mean") { detail = "KL \(Format.significant(kl, 2)) nats a token" }
      cards.append(.init("Perplexity", value: Format.signed(rise * 100, 1) + " %", detail: detail))
    }
    if let rows = results["chosen"]?["rows"]?.int {
      let total = results["chosen"]?["rows_total"]?.int
      let share =
        results["chosen"]?["rows_fraction"]?.double ?? total.map { Double(rows) / Double(max($0, 1)) }
      cards.append(
        .init(
          "Rows changed",
          value: total.map { "\(Format.count(rows)) of \(Format.count($0))" } ?? Format.count(rows),
          detail: share.map { "\(Format.percent($0)), nothing else" } ?? ""))
    }
    return cards
  }

  // MARK: Sections

  private var answersSection: HTMLReport.Section? {
    let answers = (results["question_answers"]?.array ?? []).map { json in
      let unit = json["unit"]?.string ?? ""
      var measured = json["value"]?.double.map { Self.shown($0, unit) } ?? "–"
      if let interval = ReportSections.interval(json["interval"]) {
        measured +=
          "\n\(Self.shown(interval.lower, unit, bare: true)) … \(Self.shown(interval.upper, unit, bare: true))"
      }
      let sign = json["comparison"]?.string.map(ReportSections.sign)
      let asked = sign.flatMap { sign in
        json["threshold"]?.double.map { "\(sign) \(Self.shown($0, unit, digits: 0...1))" }
      }
      return HTMLReport.Answer(
        json["question"]?.string ?? "", passed: json["passed"]?.bool, measured: measured, asked: asked ?? "",
        detail: json["detail"]?.string ?? "")
    }
    guard !answers.isEmpty else { return nil }
    return .init(
      "Questions answered", short: "Questions",
      lead: "Measured on the written checkpoint, with prompts of the test split, which are used once.",
      [.answers(answers)])
  }

  /// A number in the unit of a question; bare without the unit's name, with the fewer digits where it is round.
  static func shown(_ value: Double, _ unit: String, bare: Bool = false, digits: ClosedRange<Int> = 1...1)
    -> String
  {
    let isRound = abs(value * 100 - (value * 100).rounded()) < 1e-9
    let places = isRound ? digits.lowerBound : digits.upperBound
    return switch unit {
    case "fraction": Format.fixed(value * 100, places) + (bare ? "" : " %")
    case "points": Format.signed(value * 100, places) + (bare ? "" : " points")
    case "count": Format.count(Int(value.rounded()))
    case "", "ratio": Format.significant(value, 3)
    case "strength": "strength " + Format.significant(value, 3)
    default: Format.significant(value, 3) + (bare ? "" : " \(unit)")
    }
  }

  private var repliesSection: HTMLReport.Section? {
    var blocks: [HTMLReport.Block] = []
    let figures = OperationFigures(page: self)
    if let figure = figures.replies { blocks.append(.figure(figure)) }
    let samples = results["samples"]?.array ?? []
    if !samples.isEmpty {
      let (shown, rest) = chooseSamples(samples)
      blocks.append(.heading("Before and after"))
      blocks.append(
        .paragraph(
          "The same prompts and the same random numbers; the judge's hits are marked. Of each change of verdict the first ones."
        ))
      blocks.append(.pairs(shown.map(pair)))
      if !rest.isEmpty { blocks.append(.folded("\(rest.count) more", [.pairs(rest.map(pair))])) }
    }
    guard !blocks.isEmpty else { return nil }
    var lead = "Replies by what the judge makes of them."
    if let judge = results["behaviour"]?["judge"]?["kind"]?.string {
      let detail = results["behaviour"]?["judge"]?["detail"]?.string
      lead = "Judge: \(judge)\(detail.map { ", \($0)" } ?? "")."
    }
    return .init("Replies", lead: lead, blocks)
  }

  /// Eight samples to show and up to 52 to fold away: the changes that were meant first, at most two of each kind of
  /// change, and no choice beyond that.
  private func chooseSamples(_ samples: [JSONValue]) -> (shown: [JSONValue], rest: [JSONValue]) {
    func rank(_ sample: JSONValue) -> Int {
      let before = sample["verdict_before"]?.string ?? ""
      let after = sample["verdict_after"]?.string ?? ""
      let wasBehaviour = before == "behaviour" || before == words.behaviour
      if wasBehaviour { return after == "wanted" || after == words.wanted ? 0 : after == before ? 3 : 1 }
      return before == after ? 4 : 2
    }
    let ordered = samples.enumerated().sorted {
      (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
    }
    .map(\.element)
    var seen: [String: Int] = [:]
    var shown: [JSONValue] = []
    var rest: [JSONValue] = []
    for sample in ordered {
      let change = ["kind", "verdict_before", "verdict_after"].map { sample[$0]?.string ?? "" }.joined(
        separator: "\n")
      seen[change, default: 0] += 1
      if shown.count < 8, seen[change, default: 0] <= 2 { shown.append(sample) } else { rest.append(sample) }
    }
    // With few kinds of change there is room for more of each.
    let room = min(8 - shown.count, rest.count)
    return (shown + rest.prefix(room), Array(rest.dropFirst(room).prefix(52)))
  }

  private func pair(_ sample: JSONValue) -> HTMLReport.Pair {
    let before = sample["before"]?.string ?? ""
    let after = sample["after"]?.string ?? ""
    let hits = sample["hits_before"]?.array != nil || sample["hits_after"]?.array != nil
    func side(_ text: String, _ key: String, other: String) -> HTMLReport.JudgedText {
      let verdict = sample["verdict_\(key)"]?.string ?? ""
      let marks =
        hits
        ? (sample["hits_\(key)"]?.array ?? []).compactMap { hit -> HTMLReport.Highlight? in
          guard let start = hit["start"]?.int, let end = hit["end"]?.int, start >= 0, end > start else {
            return nil
          }
          return .init(start..<end, hit["class"]?.string ?? "changed")
        } : WordDifference.changed(text, against: other).map { .init($0, "changed") }
      let kind = verdict == words.behaviour ? "behaviour" : verdict == words.wanted ? "wanted" : verdict
      return .init(text, verdict: words.verdict(verdict), verdictKind: kind, highlights: marks)
    }
    return .init(
      prompt: sample["prompt"]?.string ?? "", note: sample["kind"]?.string ?? "",
      before: side(before, "before", other: after), after: side(after, "after", other: before))
  }

  private var priceSection: HTMLReport.Section? {
    guard let edited else { return nil }
    var blocks: [HTMLReport.Block] = []
    if let figure = OperationFigures(page: self).price { blocks.append(.figure(figure)) }
    let controls = (results["controls"]?.array ?? []).compactMap { Measurement($0) }
    if !controls.isEmpty {
      var rows: [(cells: [Table.Cell], measurement: Measurement)] = []
      if let base { rows.append(([.text("none")], base)) }
      rows.append(([.text("this edit")], edited))
      for control in controls {
        let draw = control.json["draw"]?.int.map { "\ndraw \($0 + 1)" } ?? ""
        rows.append(([.text(label(control, "control") + draw)], control))
      }
      blocks += [
        .heading("Controls"),
        .paragraph("Edits of the same size that should do nothing. An effect counts only beyond theirs."),
        .table(
          Measurement.table(rows, first: [.init("Edit")], words: words),
          strong: [base == nil ? 0 : 1]),
      ]
    }
    if let texts = results["wanted_texts"], let before = texts["perplexity_base"]?.double,
      let after = texts["perplexity"]?.double
    {
      let count = texts["texts"]?.int.map { ", \(Format.count($0)) texts" } ?? ""
      let change = "\(Format.significant(before, 4)) before, \(Format.significant(after, 4)) after\(count)"
      blocks.append(.definitions([(name: "Perplexity of \(words.wanted) texts", text: change)]))
    }
    let points = (results["sweep"]?.array ?? []).compactMap { Measurement($0) }
    if !points.isEmpty {
      blocks.append(
        .folded("All \(points.count) points of the sweep", [.table(sweepTable(points), strong: chosen)]))
    }
    return .init(
      "Effect against damage", short: "Damage",
      lead:
        "Strength and rows were chosen on validation prompts; controls and the result are measured on test prompts.",
      blocks)
  }

  private var chosen: Set<Int> {
    var indices = Set(
      (results["sweep"]?.array ?? []).indices.filter { results["sweep"]?.array?[$0]["chosen"] == true })
    if let index = results["chosen"]?["sweep_index"]?.int { indices.insert(index) }
    return indices
  }

  private func sweepTable(_ points: [Measurement]) -> Table {
    Measurement.table(
      points.map { point in
        (
          [
            .text(point.json["space"]?.string), .text(point.json["direction"]?.string),
            .count(point.json["rows"]?.int), .number(point.value("strength"), 3),
            Table.Cell(
              point.json["passed"]?.bool.map { $0 ? "✓" : "✗" } ?? "–", value: point.json["passed"] ?? .null),
          ], point
        )
      },
      first: [
        .init("Space"), .init("Direction"), .init("Rows", numeric: true), .init("Strength", numeric: true),
        .init("Gates"),
      ], words: words)
  }

  /// What an edit is called: its label, or its kind as words.
  func label(_ measurement: Measurement, _ key: String) -> String {
    measurement.json["label"]?.string ?? ReportSections.words(measurement.json[key]?.string ?? "")
  }

  private var layersSection: HTMLReport.Section? {
    guard let figure = OperationFigures(page: self).layers else { return nil }
    return .init(
      "Where the behaviour can be read", short: "Layers",
      lead: "A probe at each site, on texts that neither fitted it nor chose the site.", [.figure(figure)])
  }

  private var rowsSection: HTMLReport.Section? {
    var blocks: [HTMLReport.Block] = OperationFigures(page: self).rows.map { .figure($0) }
    if let chosen = results["chosen"] {
      let facts: [(String, String?)] = [
        ("Rows of", chosen["role"]?.string), ("Blocks", chosen["blocks"]?.string),
        (
          "Direction",
          [
            chosen["direction"]?.string, chosen["site"]?.string.map { "at \($0)" },
            chosen["pooling"]?.string.map { "pooled by \($0)" },
          ].compactMap { $0 }.joined(separator: ", ")
        ),
        ("Space", chosen["space"]?.string),
        (
          "Strength",
          chosen["strength"]?.double.map { "\(Format.significant($0, 3)) × the rows' median norm" }
        ),
        (
          "Alpha",
          chosen["alpha"]?.double.map {
            "\(Format.significant($0, 4)), the factor of the unnormalised direction"
          }
        ),
        ("Why this one", chosen["reason"]?.string),
      ]
      blocks.append(
        .definitions(
          facts.compactMap { name, text in text.flatMap { $0.isEmpty ? nil : (name: name, text: $0) } }))
    }
    guard !blocks.isEmpty else { return nil }
    return .init(
      "What was changed", short: "Rows", lead: "Every other byte of the checkpoint is as it was.", blocks)
  }

  private var comparisonsSection: HTMLReport.Section? {
    let others = (results["comparisons"]?.array ?? []).compactMap { Measurement($0) }
    guard !others.isEmpty, let edited else { return nil }
    var rows: [(cells: [Table.Cell], measurement: Measurement)] = []
    if let base { rows.append(([.text("none"), .text("")], base)) }
    rows.append(([.text("this edit"), .number(results["chosen"]?["strength"]?.double, 3)], edited))
    for other in others {
      let site = other.json["site"]?.string.map { $0.isEmpty ? "" : "\n\($0)" } ?? ""
      rows.append(([.text(label(other, "method") + site), .number(other.value("strength"), 3)], other))
    }
    let table = Measurement.table(
      rows, first: [.init("Method"), .init("Strength", numeric: true)], words: words)
    return .init(
      "Other ways to the same end", short: "Other ways",
      lead:
        "Ablation takes a direction out of everything the blocks write; addition adds one at a site, on every text.",
      [.table(table, strong: [base == nil ? 0 : 1])])
  }

  private var proofSection: HTMLReport.Section? {
    var blocks: [HTMLReport.Block] = []
    let checks = (results["checks"]?.array ?? []).map { check in
      HTMLReport.Answer(
        ReportSections.sentence(ReportSections.words(check["id"]?.string ?? "")),
        passed: check["passed"]?.bool,
        measured: "", detail: check["detail"]?.string ?? "")
    }
    if !checks.isEmpty { blocks.append(.answers(checks)) }
    if let rounding = results["rounding"], rounding.object != nil {
      var facts: [(name: String, text: String)] = []
      if let dtype = rounding["dtype"]?.string { facts.append(("Stored as", dtype)) }
      if let values = rounding["values"]?.int, let same = rounding["values_unchanged"]?.int, values > 0 {
        let share = Format.percent(Double(same) / Double(values))
        facts.append(
          (
            "Values that rounding left as they were",
            "\(Format.count(same)) of \(Format.count(values)) (\(share))"
          ))
      }
      if let rows = rounding["rows_unchanged"]?.int {
        facts.append(("Rows without any change", Format.count(rows)))
      }
      if let reached = rounding["strength_reached"]?.double {
        facts.append(("Strength reached", "\(Format.percent(reached, 2)) of what was asked for"))
      }
      if let error = rounding["relative_error"]?.double {
        facts.append(("Relative error of the change", Format.percent(error, 2)))
      }
      blocks += [.heading("What rounding did"), .definitions(facts)]
    }
    guard !blocks.isEmpty else { return nil }
    return .init("Proof", lead: "The written checkpoint was opened again and looked at.", blocks)
  }
}

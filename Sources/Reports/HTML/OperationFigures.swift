import JSON
import OrderedCollections
import Runtime

/// The figures of an operation's page.
struct OperationFigures {
  let page: OperationPage
  private var results: JSONValue { page.results }
  private var words: OperationWords { page.words }

  // MARK: Replies

  /// What replies are, before and after, by kind of prompt.
  var replies: HTMLReport.Figure? {
    var kinds: [(name: String, base: Measurement, edited: Measurement)] = []
    for kind in results["prompt_kinds"]?.array ?? [] {
      guard let base = Measurement(kind["base"]), let edited = Measurement(kind["edited"]) else { continue }
      let name = kind["name"]?.string ?? "prompts"
      kinds.append((kind["is_target"] == true ? "\(name) prompts (target)" : "\(name) prompts", base, edited))
    }
    if kinds.isEmpty, let base = page.base, let edited = page.edited {
      kinds = [(words.prompts.isEmpty ? "target prompts" : "\(words.prompts) prompts", base, edited)]
    }
    if let base = Measurement(results["test"]?["base_greedy"]),
      let edited = Measurement(results["test"]?["edited_greedy"])
    {
      let name = words.prompts.isEmpty ? "target" : words.prompts
      kinds.append(("\(name) prompts, the likeliest reply (temperature 0)", base, edited))
    }
    let all = [
      ("behaviour_rate", BarChart.Part(words.behaviour, slot: 1)),
      ("mixed_rate", BarChart.Part("mixed", slot: 4, hatched: true)),
      ("broken_rate", BarChart.Part("broken", slot: 6)),
      ("wanted_rate", BarChart.Part(words.wanted, slot: 0)),
    ]
    let present = all.filter { key, _ in
      kinds.contains { $0.base.value(key) != nil || $0.edited.value(key) != nil }
    }
    guard !kinds.isEmpty, !present.isEmpty else { return nil }
    let bars = kinds.flatMap { kind in
      [("before", kind.base), ("after", kind.edited)].map { name, measurement in
        BarChart.Bar(name, present.map { measurement.value($0.0) }, group: kind.name)
      }
    }
    let chart = BarChart(
      title: "What replies are before and after the edit, by kind of prompt",
      summary: "Stacked bars of the shares of \(present.map(\.1.name).joined(separator: ", ")) replies.",
      direction: .lying, axis: ChartAxis("share of replies", style: .percent, range: 0...1),
      namesTitle: "Model",
      parts: present.map(\.1), bars: bars, width: 960)
    var rows: [(cells: [Table.Cell], measurement: Measurement)] = []
    for kind in kinds {
      rows.append(([.text(kind.name), .text("before")], kind.base))
      rows.append(([.text(""), .text("after")], kind.edited))
    }
    let table = Measurement.table(rows, first: [.init("Prompts"), .init("Model")], words: words)
    return .init(
      [chart],
      caption:
        "What replies are before and after, by kind of prompt. Mixed replies are \(words.behaviour) and \(words.wanted) at once; broken ones are neither and no sentence of the language.",
      tables: [table])
  }

  // MARK: Effect against damage

  /// Effect and gain over damage, sweep, controls and result in one plot.
  var price: HTMLReport.Figure? {
    guard let base = page.base else { return nil }
    let edited = page.edited
    let panels = [
      panel("behaviour_rate", "\(words.behaviour) replies avoided (points)", sign: -1, base, edited),
      panel("wanted_rate", "\(words.wanted) replies gained (points)", sign: 1, base, edited),
    ].compactMap { $0 }
    guard !panels.isEmpty else { return nil }
    var caption =
      "Effect against damage, relative to the unedited model on the same prompts. Up and to the left is better."
    if panels.count > 1 {
      caption +=
        " A control that breaks replies also avoids \(words.behaviour) ones (left): only the right panel shows that they became \(words.wanted)."
    }
    return .init(panels, caption: caption, sharesLegend: true)
  }

  /// Which damage is drawn: KL where all have it, since it is never negative, else the rise of perplexity.
  private var damage: (key: String, axis: ChartAxis) {
    var all = (results["sweep"]?.array ?? []) + (results["controls"]?.array ?? [])
    if let edited = results["test"]?["edited"] { all.append(edited) }
    let hasKL = all.allSatisfy { $0["kl_mean"]?.double.map { $0 > 0 } ?? false }
    return hasKL
      ? ("kl_mean", ChartAxis("damage: mean KL on neutral text (nats a token)", scale: .logarithmic))
      : ("perplexity_rise", ChartAxis("damage: rise of perplexity on neutral text", style: .percent))
  }

  private func panel(
    _ key: String, _ title: String, sign: Double, _ base: Measurement, _ edited: Measurement?
  ) -> ScatterChart? {
    let validation = Measurement(results["base"]?["validation"])
    let (damageKey, x) = damage
    func point(_ measurement: Measurement?, name: String, label: String? = nil, marked: Bool = false)
      -> ScatterChart.Point?
    {
      guard let measurement, let value = measurement.value(key), let damage = measurement.value(damageKey)
      else { return nil }
      let reference = measurement.json["split"] == "validation" ? validation ?? base : base
      guard let before = reference.value(key) else { return nil }
      var range: ClosedRange<Double>?
      if marked, let own = measurement.range(key) {
        let ends = [sign * (own.lowerBound - before), sign * (own.upperBound - before)].sorted()
        range = ends[0]...ends[1]
      }
      return .init(
        x: damage, y: sign * (value - before), yRange: range, name: name, label: label, isMarked: marked)
    }
    var series: [ScatterChart.Series] = []
    let sweep = (results["sweep"]?.array ?? []).map { Measurement($0) }
    let points = sweep.compactMap { point($0, name: name($0)) }
    // What no other point of the sweep beats in both effect and damage.
    let front = points.filter { one in
      !points.contains { ($0.x < one.x && $0.y >= one.y) || ($0.x <= one.x && $0.y > one.y) }
    }
    if front.count > 1 {
      series.append(.init("front of the sweep", front.sorted { $0.x < $1.x }, connected: true, slot: 6))
    }
    var spaces: OrderedDictionary<String, [ScatterChart.Point]> = [:]
    for measurement in sweep {
      guard let measurement, var point = point(measurement, name: name(measurement)) else { continue }
      if measurement.json["chosen"] == true {
        point.isMarked = true
        point.label = "chosen"
      }
      spaces[measurement.json["space"]?.string ?? "", default: []].append(point)
    }
    for (index, space) in spaces.enumerated() {
      let name = space.key.isEmpty ? "sweep (validation)" : "sweep, \(space.key) (validation)"
      series.append(.init(name, space.value, slot: [0, 2, 5][index % 3]))
    }
    var controls: OrderedDictionary<String, [ScatterChart.Point]> = [:]
    for measurement in (results["controls"]?.array ?? []).map({ Measurement($0) }) {
      guard let measurement else { continue }
      let label = page.label(measurement, "control")
      let draw = measurement.json["draw"]?.int.map { ", draw \($0 + 1)" } ?? ""
      guard let point = point(measurement, name: label + draw) else { continue }
      let isRandom = measurement.json["control"]?.string?.hasPrefix("random") == true
      let group =
        isRandom
        ? "control: \(ReportSections.words(measurement.json["control"]?.string ?? ""))"
        : "control: other rows or sign"
      controls[group, default: []].append(point)
    }
    for (index, control) in controls.enumerated() {
      series.append(.init(control.key, control.value, slot: [3, 4, 6][index % 3]))
    }
    let result = point(edited, name: "the written checkpoint", label: "on test", marked: true)
    if let result { series.append(.init("this edit (test)", [result], slot: 1)) }
    guard !series.isEmpty else { return nil }
    var references: [(name: String, value: Double)] = [("no effect", 0)]
    if let asked = asked(key, base) { references.append(("asked for", asked)) }
    return ScatterChart(
      title: "\(title) against damage",
      summary:
        "Points of the sweep, of the controls and of the result."
        + (result.map { " The result is at \(Format.signed($0.y * 100, 1)) points." } ?? ""),
      x: x, y: ChartAxis(title, style: .points), series: series, references: references,
      showsLegend: false, size: (480, 400))
  }

  /// The level that a question asks for, as a change in this panel's direction.
  private func asked(_ key: String, _ base: Measurement) -> Double? {
    for answer in results["question_answers"]?.array ?? [] {
      guard let threshold = answer["threshold"]?.double, let before = base.value(key) else { continue }
      switch (key, answer["id"]?.string) {
      case ("wanted_rate", "wanted_gain"): return threshold
      case ("behaviour_rate", "behaviour_ratio"): return before * (1 - threshold)
      case ("behaviour_rate", "behaviour_drop"):
        return answer["unit"] == "points" ? threshold : threshold * before
      default: continue
      }
    }
    return nil
  }

  private func name(_ measurement: Measurement?) -> String {
    guard let measurement else { return "" }
    let strength = measurement.value("strength").map { "strength \(Format.significant($0, 3))" }
    let rows = measurement.json["rows"]?.int.map { "\(Format.count($0)) rows" }
    return [measurement.json["direction"]?.string, strength, rows].compactMap { $0 }.joined(separator: ", ")
  }

  // MARK: Layers

  /// How well each site's probe reads the behaviour.
  var layers: HTMLReport.Figure? {
    guard let curve = results["layer_curve"], let sites = curve["sites"]?.array?.compactMap(\.string),
      !sites.isEmpty
    else { return nil }
    let series = (curve["kinds"]?.object ?? [:]).map { name, values in
      LineChart.Series(
        ReportSections.words(name),
        (values.array ?? []).map {
          LineChart.Value($0["auroc"]?.double, lower: $0["lower"]?.double, upper: $0["upper"]?.double)
        })
    }
    guard !series.isEmpty else { return nil }
    var references: [(name: String, value: Double)] = [("chance", 0.5)]
    for (name, value) in curve["references"]?.object ?? [:] {
      if let value = value.double { references.append((ReportSections.words(name), value)) }
    }
    let values = series.flatMap { $0.values.flatMap { [$0.y, $0.lower].compactMap { $0 } } }
    let lowest = min(0.5, values.min() ?? 0.5)
    let chart = LineChart(
      title: "AUROC of probes by site", summary: "One line a probe kind, with its interval as a band.",
      places: .names(sites.map(Self.short), title: "site"),
      y: ChartAxis("AUROC", range: max(0, (lowest * 20 - 0.2).rounded(.down) / 20)...1), series: series,
      references: references, marked: curve["chosen_site"]?.string.flatMap(sites.firstIndex), size: (960, 380)
    )
    let other = results["behaviour"]?["wanted"]?.string ?? "other"
    var caption = "How well a probe of each site tells \(words.behaviour) from \(other) texts"
    if let pooling = curve["pooling"]?.string { caption += ", hidden states pooled by \(pooling)" }
    if let n = curve["n"]?.int { caption += ", n = \(Format.count(n))" }
    let hasBands = series.contains { $0.values.contains { $0.lower != nil } }
    return .init([chart], caption: caption + (hasBands ? ". Bands are 95 % intervals." : "."))
  }

  /// A site's name for an axis: `blocks.3.output` is `3`.
  static func short(_ site: String) -> String {
    let parts = site.split(separator: ".")
    if parts.count == 3, parts[0] == "blocks", parts[2] == "output" { return String(parts[1]) }
    if parts.first == "blocks", parts.count > 2 { return parts.dropFirst().joined(separator: ".") }
    return ReportSections.words(site)
  }

  // MARK: Rows

  /// Rows changed by block, what each block is good for, and where in the block they are.
  var rows: [HTMLReport.Figure] {
    let blocks = results["rows_per_block"]?.array ?? []
    var figures: [HTMLReport.Figure] = []
    if !blocks.isEmpty {
      let names = blocks.map { String($0["block"]?.int ?? 0) }
      var charts: [any Chart] = [
        BarChart(
          title: "Rows changed in each block", direction: .standing,
          axis: ChartAxis("rows changed", style: .count),
          namesTitle: "block",
          parts: [.init("rows changed", slot: 0)],
          bars: zip(names, blocks).map { .init($0, [$1["rows"]?.double]) }, width: 480)
      ]
      var caption = "Rows changed in each block"
      let without = blocks.map { $0["behaviour_rate_without"]?.double }
      if without.contains(where: { $0 != nil }) {
        var references: [(name: String, value: Double)] = []
        if let all = page.edited?.value("behaviour_rate") { references.append(("all blocks", all)) }
        charts.append(
          LineChart(
            title: "\(ReportSections.sentence(words.behaviour)) replies when one block is left out",
            places: .names(names, title: "block left out of the edit"),
            y: ChartAxis("\(words.behaviour) replies", style: .percent),
            series: [.init("without the block", without.map { LineChart.Value($0) })], references: references,
            size: (480, 280)))
        caption +=
          " (left), and the rate of \(words.behaviour) replies when that block alone is left as it was (right): a block matters where it rises"
      }
      var table = Table([
        .init("Block"), .init("Tensor"), .init("Rows changed", numeric: true), .init("of", numeric: true),
        .init("Cosine from", numeric: true), .init("to", numeric: true), .init("Without it", numeric: true),
      ])
      for block in blocks {
        table.add([
          .text(block["block"]?.int.map(String.init)), .text(block["tensor"]?.string ?? ""),
          .count(block["rows"]?.int),
          .count(block["of"]?.int), .fixed(block["cosine_min"]?.double, 2),
          .fixed(block["cosine_max"]?.double, 2),
          .percent(block["behaviour_rate_without"]?.double),
        ])
      }
      figures.append(.init(charts, caption: caption + ".", tables: [table]))
    }
    if let map = rowMap { figures.append(map) }
    return figures
  }

  private var rowMap: HTMLReport.Figure? {
    guard let map = results["row_map"], let bin = map["bin_rows"]?.int, let counts = map["counts"]?.array,
      let columns = counts.map({ $0.array?.count ?? 0 }).max(), columns > 0
    else { return nil }
    let chart = HeatMap(
      title: "Where in each block the changed rows are",
      summary: "A line a block, a column for each \(bin) rows.", rows: counts.indices.map(String.init),
      rowsTitle: "block",
      columns: (0..<columns).map { String($0 * bin) }, columnsTitle: "row of the matrix",
      valueTitle: "rows changed",
      values: counts.map { ($0.array ?? []).map(\.double) }, width: 960)
    return .init([chart], caption: "Where in each block the changed rows are; a cell stands for \(bin) rows.")
  }
}

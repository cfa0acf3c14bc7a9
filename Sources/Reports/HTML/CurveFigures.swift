import JSON
import OrderedCollections
import Runtime

/// Figures of importance curves: damage by share with bands, the ends of the ranking beside it, and heat maps of parts.
struct CurveFigures {
  /// `results.curve` of a report.
  let curve: JSONValue

  private var unit: String { curve["metric"]?["unit"]?.string ?? "" }
  private var shares: [Double] { (curve["shares"]?.array ?? []).compactMap(\.double) }
  private var measured: String {
    curve["metric"]?["higher_is_better"] == true ? "loss of \(kind) (\(unit))" : "rise of \(kind) (\(unit))"
  }
  private var kind: String { curve["metric"]?["kind"]?.string ?? "the metric" }

  var figures: [HTMLReport.Figure] {
    (curve["scores"]?.array ?? []).flatMap { score in
      let name = score["score"]?.string ?? ""
      let parts = score["parts"]?.array ?? []
      guard let whole = parts.first else { return [HTMLReport.Figure]() }
      return [lines(whole, name)] + maps(Array(parts.dropFirst()), name)
    }
  }

  private func points(_ part: JSONValue, _ arm: String) -> [LineChart.Value] {
    shares.map { share in
      let point = part["points"]?.array?.first { $0["arm"]?.string == arm && $0["share"]?.double == share }
      return .init(point?["damage"]?.double, lower: point?["lower"]?.double, upper: point?["upper"]?.double)
    }
  }

  private func lines(_ whole: JSONValue, _ score: String) -> HTMLReport.Figure {
    var arms: OrderedSet<String> = []
    for point in whole["points"]?.array ?? [] { if let arm = point["arm"]?.string { arms.append(arm) } }
    let axis = ChartAxis("share of weights set to zero", style: .percent)
    var charts: [any Chart] = []
    if arms.contains("smallest") {
      let knee = whole["knee"]?["share"]?.double
      charts.append(
        LineChart(
          title: "What zeroing the weights with the smallest \(score) costs",
          summary:
            "A line with a band for the paired interval, and the limit below which a share counts as free.",
          places: .numbers(shares, axis), y: ChartAxis(measured),
          series: [.init("smallest", points(whole, "smallest"))],
          references: curve["epsilon"]?.double.map { [(name: "limit", value: $0)] } ?? [],
          marked: knee.flatMap { knee in shares.firstIndex(of: knee) }))
    }
    if arms.count > 1 {
      charts.append(
        LineChart(
          title: "The smallest, the largest and random weights by \(score)",
          summary: "Lines on a logarithmic axis; where nothing was lost a point lies at the lower end.",
          places: .numbers(shares, axis), y: ChartAxis(measured, scale: .logarithmic),
          series: arms.map { .init($0, points(whole, $0)) }))
    }
    let detail = curve["metric"]?["detail"]?.string ?? ""
    return .init(
      charts,
      caption:
        "What is lost when a share of all weights is set to zero, ranked by \(score), group \(curve["group"]?.string ?? ""). The place marked as chosen is the knee. Bands: paired bootstrap over \(curve["metric"]?["item"]?.string ?? "items"). \(ReportSections.sentence(detail))."
    )
  }

  /// Parts by share, and for single matrices blocks by role at every share.
  private func maps(_ parts: [JSONValue], _ score: String) -> [HTMLReport.Figure] {
    guard let arm = parts.first?["points"]?.array?.first?["arm"]?.string else { return [] }
    func damage(_ part: JSONValue) -> [Double?] { points(part, arm).map(\.y) }
    guard parts.contains(where: { $0["scope"]?.string == "matrix" }) else {
      let map = HeatMap(
        title: "What each part loses by itself, \(arm) \(score)",
        summary: "Shades of the damage by part and share; the other parts stay whole.",
        rows: parts.map { $0["part"]?.string ?? "" }, rowsTitle: "part",
        columns: shares.map { Format.percent($0, 1) }, columnsTitle: "share set to zero",
        valueTitle: measured,
        values: parts.map(damage))
      return [.init([map], caption: "What each part loses by itself while the others stay whole.")]
    }
    var roles: OrderedSet<String> = []
    var blocks: OrderedSet<Int> = []
    for part in parts {
      if let role = part["role"]?.string { roles.append(role) }
      if let block = part["block"]?.int { blocks.append(block) }
    }
    // The largest share tells matrices apart best; the report holds the others.
    let place = max(0, shares.count - 1)
    let values = blocks.map { block in
      roles.map { role -> Double? in
        parts.first { $0["block"]?.int == block && $0["role"]?.string == role }.flatMap { damage($0)[place] }
      }
    }
    let share = shares.indices.contains(place) ? Format.percent(shares[place], 1) : ""
    let map = HeatMap(
      title: "Block by role: what zeroing \(share) of a single matrix costs",
      summary: "Shades of the damage by block and role; all other matrices stay whole.",
      rows: blocks.map(String.init), rowsTitle: "block", columns: Array(roles), columnsTitle: "role",
      valueTitle: measured, values: values)
    return [
      .init(
        [map],
        caption: "What zeroing \(share) of one matrix costs, \(arm) \(score); every other matrix stays whole."
      )
    ]
  }
}

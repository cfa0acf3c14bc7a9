import JSON
import Runtime

/// Figures of `Bench growth`: each curve's rate, and its cost against the work with the line of proportion.
struct GrowthFigures {
  let results: JSONValue

  var figures: [HTMLReport.Figure] { (results["curves"]?.array ?? []).compactMap(figure) }

  private func figure(_ curve: JSONValue) -> HTMLReport.Figure? {
    let points = curve["points"]?.array ?? []
    let title = curve["title"]?.string ?? ""
    func numbers(_ key: String) -> [Double] { points.map { $0[key]?.double ?? .nan } }
    let (work, cost) = (numbers("work"), numbers("cost"))
    guard points.count > 1 else { return nil }
    let of = curve["of"]?.string ?? ""
    let rate = LineChart(
      title: title, summary: "The rate at each point, on logarithmic axes.",
      places: .numbers(numbers("at"), ChartAxis(of, scale: .logarithmic)),
      y: ChartAxis(points[0]["rate_unit"]?.string ?? "", scale: .logarithmic),
      series: [.init("measured", numbers("rate").map { .init($0) })], size: (460, 300))
    // In proportion to the last point: where the measured line is steeper, cost grows faster than work.
    let last = points.count - 1
    let growth = LineChart(
      title: title + ": cost against work",
      summary: "Measured cost and cost in proportion to the last point.",
      places: .numbers(work, ChartAxis(curve["work_unit"]?.string ?? "work", scale: .logarithmic)),
      y: ChartAxis(curve["cost"]?.string ?? "seconds", scale: .logarithmic),
      series: [
        .init("measured", cost.map { .init($0) }),
        .init("in proportion", work.map { .init(cost[last] * $0 / work[last]) }),
      ], size: (460, 300))
    func exponent(_ key: String) -> String { curve[key]?.double.map { Format.fixed($0, 2) } ?? "–" }
    let finding =
      curve["judged"]?.bool == false
      ? " Shown, not judged." : curve["grows_too_fast"]?.bool == true ? " It grows faster than its work." : ""
    return .init(
      [rate, growth],
      caption:
        "\(title), against \(of). Cost grows as work^\(exponent("exponent")), over the larger half as work^\(exponent("tail_exponent")).\(finding)"
    )
  }
}

/// The figure of `Bench compare`: each job's ratio beside what decides.
struct CompareFigures {
  let results: JSONValue

  /// Jobs beside a peer, by how far they go beyond what is to be reached: 1 is just reached.
  var answers: [HTMLReport.Answer] {
    (results["rows"]?.array ?? []).map { row in
      let beside = row["peer"]?.string ?? ""
      let isLess = ["share", "value", "excess"].contains(row["kind"]?.string ?? "")
      func text(_ key: String) -> String { row[key]?.double.map { Format.significant($0) } ?? "–" }
      let peer = beside.isEmpty ? "" : ", beside \(beside)"
      return HTMLReport.Answer(
        (row["title"]?.string ?? "") + peer, passed: row["reached"]?.bool, measured: text("ratio"),
        asked: row["reach"]?.double == nil ? "" : "\(isLess ? "≤" : "≥") \(text("reach"))",
        detail: row["missing"]?.string ?? row["note"]?.string ?? "")
    }
  }
}

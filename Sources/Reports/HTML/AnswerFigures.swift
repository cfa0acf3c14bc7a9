import JSON
import Runtime

/// Figures of a classifier's answers: reliability and risk–coverage, as given and scaled.
struct AnswerFigures {
  /// Named answers: `reliability` and `risk_coverage` as `surgeon distill eval` reports them.
  let answers: [(name: String, value: JSONValue)]

  /// Some answers.
  init(answers: [(name: String, value: JSONValue)]) { self.answers = answers }

  /// The answers of a report's results, as given and scaled.
  init(results: JSONValue) {
    answers = [("as given", "as_given"), ("scaled by the temperature", "scaled")].compactMap { name, key in
      results[key].flatMap { $0.object == nil ? nil : (name, $0) }
    }
  }

  /// Both figures.
  var figures: [HTMLReport.Figure] { [reliability, risk].compactMap { $0 } }

  private var reliability: HTMLReport.Figure? {
    var series = answers.map { name, value in
      ScatterChart.Series(
        name,
        (value["reliability"]?["equal_width_10"]?.array ?? []).compactMap { bin in
          guard let x = bin["confidence"]?.double, let y = bin["accuracy"]?.double else { return nil }
          return ScatterChart.Point(x: x, y: y, name: "\(Format.count(Int(bin["items"]?.double ?? 0))) items")
        }, connected: true)
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    series.append(
      .init(
        "confidence that comes true",
        [.init(x: 0, y: 0, name: "nothing is sure"), .init(x: 1, y: 1, name: "all is sure")], connected: true,
        slot: 6))
    let chart = ScatterChart(
      title: "Share of right answers by confidence",
      summary: "A point a tenth of confidence; below the diagonal the answers are over-confident.",
      x: ChartAxis("mean confidence of the bin", range: 0...1),
      y: ChartAxis("right answers", style: .percent, range: 0...1), series: series)
    return .init(
      [chart], caption: "Reliability: confidence in ten bins of equal width against what came true.")
  }

  private var risk: HTMLReport.Figure? {
    let series = answers.map { name, value in
      ScatterChart.Series(
        name,
        // Every fourth of a hundred points draws the same line.
        (value["risk_coverage"]?.array ?? []).enumerated().filter { $0.offset % 4 == 3 }.compactMap {
          _, point in
          guard let x = point["coverage"]?.double, let y = point["risk"]?.double else { return nil }
          return ScatterChart.Point(x: x, y: y, name: "the most confident \(Format.percent(x, 0))")
        }, connected: true)
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    let chart = ScatterChart(
      title: "Risk among the most confident answers",
      summary: "The share of wrong answers among the most confident part of the items.",
      x: ChartAxis("coverage", range: 0...1), y: ChartAxis("wrong answers", style: .percent),
      series: series)
    return .init(
      [chart], caption: "Risk and coverage: the area under the curve is AURC.")
  }
}

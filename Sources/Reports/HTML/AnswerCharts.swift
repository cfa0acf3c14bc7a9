import JSON
import Runtime

/// Charts of classifiers' answers, a line a classifier, that evaluations and studies share.
enum AnswerCharts {
  /// Share of right answers by confidence, beside the diagonal.
  /// - Parameters:
  ///   - answers: names with bins: `confidence`, `accuracy`, `items`; at most six are drawn.
  ///   - subject: what the title adds, if anything.
  /// - Returns: nil where no bin holds anything.
  static func reliability(_ answers: [(name: String, bins: [JSONValue])], of subject: String? = nil)
    -> ScatterChart?
  {
    var series = lines(answers.map { ($0, $1) }, x: "confidence", y: "accuracy", limit: 6) { bin, _ in
      "\(Format.count(Int(bin["items"]?.double ?? 0))) answers"
    }
    guard !series.isEmpty else { return nil }
    series.append(
      .init(
        "confidence that comes true",
        [.init(x: 0, y: 0, name: "nothing is sure"), .init(x: 1, y: 1, name: "all is sure")], connected: true,
        slot: 6))
    return ScatterChart(
      title: title("Share of right answers by confidence", subject),
      summary: "A point a tenth of confidence; below the diagonal the answers are over-confident.",
      x: ChartAxis("mean confidence of the bin", range: 0...1),
      y: ChartAxis("right answers", style: .percent, range: 0...1), series: series)
  }

  /// Share of wrong answers among the most confident ones.
  /// - Parameters:
  ///   - answers: names with points: `coverage`, `risk`; at most seven are drawn.
  ///   - subject: what the title adds, if anything.
  /// - Returns: nil where there is no point.
  static func risk(_ answers: [(name: String, points: [JSONValue])], of subject: String? = nil)
    -> ScatterChart?
  {
    let series = lines(answers.map { ($0, $1) }, x: "coverage", y: "risk", limit: 7) { _, x in
      "the most confident \(Format.percent(x, 0))"
    }
    guard !series.isEmpty else { return nil }
    return ScatterChart(
      title: title("Risk among the most confident answers", subject),
      summary: "The share of wrong answers among the most confident part of the items.",
      x: ChartAxis("coverage", range: 0...1), y: ChartAxis("wrong answers", style: .percent), series: series)
  }

  private static func title(_ text: String, _ subject: String?) -> String {
    subject.map { "\(text), \($0)" } ?? text
  }

  private static func lines(
    _ answers: [(String, [JSONValue])], x: String, y: String, limit: Int,
    label: (JSONValue, Double) -> String
  ) -> [ScatterChart.Series] {
    answers.prefix(limit).map { name, points in
      ScatterChart.Series(
        name,
        points.compactMap { point in
          guard let a = point[x]?.double, let b = point[y]?.double else { return nil }
          return ScatterChart.Point(x: a, y: b, name: label(point, a))
        }, connected: true)
    }.filter { !$0.points.isEmpty }
  }
}

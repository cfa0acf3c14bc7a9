import JSON
import Runtime

/// Figures of `surgeon evaluate`: accuracies with their standard errors, and the reliability diagram.
struct EvaluationFigures {
  let results: JSONValue

  var figures: [HTMLReport.Figure] { [accuracies, reliability].compactMap { $0 } }

  /// Bars of accuracy by task, with a standard error to both sides, beside chance.
  private var accuracies: HTMLReport.Figure? {
    let tasks = results["tasks"]?.array ?? []
    guard !tasks.isEmpty else { return nil }
    let bars = tasks.flatMap { task in
      let name = task["name"]?.string ?? ""
      let own = ["acc", "acc_norm"].compactMap { metric -> BarChart.Bar? in
        guard let value = task[metric]?.double else { return nil }
        let error = task[metric + "_stderr"]?.double
        return BarChart.Bar(
          metric, [value, nil], group: name, range: error.map { max(0, value - $0)...min(1, value + $0) })
      }
      return own + [BarChart.Bar("chance", [nil, task["chance"]?.double], group: name)]
    }
    let chart = BarChart(
      title: "Accuracy by task beside chance",
      summary: "Lying bars with whiskers of one standard error; chance is the mean of one over the choices.",
      direction: .lying,
      axis: ChartAxis("share of questions answered rightly", style: .percent, range: 0...1),
      namesTitle: "Metric", parts: [.init("model", slot: 0), .init("chance", slot: 6, hatched: true)],
      bars: bars)
    return .init(
      [chart],
      caption:
        "Accuracy by task, whiskers one standard error to both sides. acc takes the most likely choice, acc_norm the most likely a character."
    )
  }

  /// How often the top token came against how likely it was held, with the diagonal of a calibrated model.
  private var reliability: HTMLReport.Figure? {
    guard let bins = results["texts"]?["reliability"]?["bins_15"]?.array else { return nil }
    let points = bins.compactMap { bin -> ScatterChart.Point? in
      guard let confidence = bin["confidence"]?.double, let accuracy = bin["accuracy"]?.double else {
        return nil
      }
      let (lower, upper) = (bin["lower"]?.double ?? 0, bin["upper"]?.double ?? 1)
      let count = Format.count(bin["count"]?.int ?? 0)
      return .init(
        x: confidence, y: accuracy,
        name: "\(Format.percent(lower, 0)) … \(Format.percent(upper, 0)), \(count) tokens")
    }
    guard !points.isEmpty else { return nil }
    let diagonal = [0.0, 1.0].map { ScatterChart.Point(x: $0, y: $0, name: "as often as said") }
    let chart = ScatterChart(
      title: "Reliability of next-token predictions",
      summary:
        "Share of right top predictions over their mean probability in 15 bins; a calibrated model lies on the diagonal.",
      x: ChartAxis("mean probability of the top token", style: .percent, range: 0...1),
      y: ChartAxis("how often it came", style: .percent, range: 0...1),
      series: [
        .init("model", points, connected: true, slot: 0),
        .init("calibrated", diagonal, connected: true, slot: 6),
      ])
    let mass = BarChart(
      title: "How many predictions fall into each bin",
      summary: "Bars of tokens by probability of the top token.",
      direction: .standing, axis: ChartAxis("tokens", style: .count),
      namesTitle: "probability of the top token",
      parts: [.init("tokens", slot: 0)],
      bars: bins.map { bin in
        BarChart.Bar(Format.percent(bin["upper"]?.double ?? 0, 0), [bin["count"]?.double])
      })
    return .init(
      [chart, mass],
      caption:
        "Reliability in 15 bins of equal width. Below the diagonal the model is surer than it is right. Tokens of a document depend on one another: intervals, which resample documents, stand with the metrics."
    )
  }
}

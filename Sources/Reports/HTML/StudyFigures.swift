import JSON
import OrderedCollections
import Runtime

/// Figures of a study of self-distillation: scores with intervals, differences, curves, by setting.
struct StudyFigures {
  let results: JSONValue
  private var settings: [JSONValue] { results["settings"]?.array ?? [] }

  /// All figures, setting by setting.
  var figures: [HTMLReport.Figure] {
    settings.flatMap { [scores($0), reliability($0), risk($0), learning($0)].compactMap { $0 } }
  }

  private func arms(_ setting: JSONValue) -> [JSONValue] { setting["arms"]?.array ?? [] }
  private func name(_ value: JSONValue) -> String { value["name"]?.string ?? "" }

  /// NLL, calibration error, error and AURC of every arm, with intervals over seeds.
  private func scores(_ setting: JSONValue) -> HTMLReport.Figure? {
    let told: [(key: String, title: String, axis: ChartAxis)] = [
      ("top1_error", "Top-1 error", ChartAxis("wrong answers", style: .percent)),
      ("nll", "NLL", ChartAxis("nats")), ("ece_10", "ECE", ChartAxis("calibration error", style: .percent)),
      ("aurc", "AURC", ChartAxis("area under risk–coverage × 1000")),
    ]
    let charts = told.compactMap { key, title, axis -> BarChart? in
      let bars = arms(setting).compactMap { arm -> BarChart.Bar? in
        let estimate = arm["scores"]?["test"]?[key]
        guard let mean = estimate?["mean"]?.double else { return nil }
        var range: ClosedRange<Double>?
        if let lower = estimate?["lower"]?.double, let upper = estimate?["upper"]?.double {
          range = max(0, lower)...max(0, upper)
        }
        return .init(name(arm), [mean], range: range)
      }
      guard !bars.isEmpty else { return nil }
      return BarChart(
        title: "\(title), \(name(setting))", summary: "A bar an arm; the mean over the seeds, test items.",
        direction: .lying, axis: axis, namesTitle: "arm", parts: [.init(title, slot: 0)], bars: bars,
        width: 460)
    }
    guard !charts.isEmpty else { return nil }
    return .init(
      charts,
      caption:
        "Setting \(name(setting)): means over the seeds on the test items with Student's 95 % intervals.")
  }

  private func reliability(_ setting: JSONValue) -> HTMLReport.Figure? {
    var series = arms(setting).prefix(6).map { arm in
      ScatterChart.Series(
        name(arm),
        (arm["reliability"]?.array ?? []).compactMap { bin in
          guard let x = bin["confidence"]?.double, let y = bin["accuracy"]?.double else { return nil }
          return .init(x: x, y: y, name: "\(Format.count(Int(bin["items"]?.double ?? 0))) answers")
        }, connected: true)
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    series.append(
      .init(
        "confidence that comes true",
        [.init(x: 0, y: 0, name: "nothing is sure"), .init(x: 1, y: 1, name: "all is sure")], connected: true,
        slot: 6))
    return .init(
      [
        ScatterChart(
          title: "Share of right answers by confidence, \(name(setting))",
          summary: "A point a tenth of confidence; below the diagonal the answers are over-confident.",
          x: ChartAxis("mean confidence of the bin", range: 0...1),
          y: ChartAxis("right answers", style: .percent, range: 0...1), series: series)
      ], caption: "Setting \(name(setting)): reliability over all seeds' test answers together.")
  }

  private func risk(_ setting: JSONValue) -> HTMLReport.Figure? {
    let series = arms(setting).prefix(7).map { arm in
      ScatterChart.Series(
        name(arm),
        (arm["risk_coverage"]?.array ?? []).compactMap { point in
          guard let x = point["coverage"]?.double, let y = point["risk"]?.double else { return nil }
          return .init(x: x, y: y, name: "the most confident \(Format.percent(x, 0))")
        }, connected: true)
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    return .init(
      [
        ScatterChart(
          title: "Risk among the most confident answers, \(name(setting))",
          summary: "The share of wrong answers among the most confident part of the test items.",
          x: ChartAxis("coverage", range: 0...1), y: ChartAxis("wrong answers", style: .percent),
          series: series)
      ], caption: "Setting \(name(setting)): risk and coverage, the mean over the seeds.")
  }

  private func learning(_ setting: JSONValue) -> HTMLReport.Figure? {
    let learnt = arms(setting).filter { ($0["learning"]?.array?.count ?? 0) > 1 }
    guard
      let longest = learnt.max(by: {
        ($0["learning"]?.array?.count ?? 0) < ($1["learning"]?.array?.count ?? 0)
      })
    else { return nil }
    let epochs = (longest["learning"]?.array ?? []).compactMap { $0["epoch"]?.double }
    func chart(_ key: String, _ title: String, _ axis: ChartAxis) -> LineChart {
      LineChart(
        title: "\(title), \(name(setting))", summary: "A line an arm, the mean over the seeds.",
        places: .numbers(epochs, ChartAxis("epoch", style: .count)), y: axis,
        series: learnt.prefix(7).map { arm in
          .init(name(arm), (arm["learning"]?.array ?? []).map { .init($0[key]?.double) })
        }, size: (460, 300))
    }
    return .init(
      [
        chart("validation_loss", "Validation loss by epoch", ChartAxis("nats")),
        chart(
          "true_probability", "Confidence in the label by epoch",
          ChartAxis("mean probability of the true class while training", style: .percent)),
      ],
      caption:
        "Setting \(name(setting)): learning curves. Where the right one nears 100 %, past answers are labels and "
        + "PS-KD is off.", sharesLegend: true)
  }
}

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
    AnswerCharts.reliability(
      arms(setting).map { (name($0), $0["reliability"]?.array ?? []) }, of: name(setting)
    ).map {
      .init([$0], caption: "Setting \(name(setting)): reliability over all seeds' test answers together.")
    }
  }

  private func risk(_ setting: JSONValue) -> HTMLReport.Figure? {
    AnswerCharts.risk(
      arms(setting).map { (name($0), $0["risk_coverage"]?.array ?? []) }, of: name(setting)
    ).map { .init([$0], caption: "Setting \(name(setting)): risk and coverage, the mean over the seeds.") }
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

import JSON

/// Figures of a training: losses and errors by epoch.
struct LearningFigures {
  let results: JSONValue

  /// Loss and error, each while training and on the validation items.
  var figures: [HTMLReport.Figure] {
    if let language = results["language"] { return LanguageFigures(language: language).figures }
    let history = results["history"]?.array ?? []
    guard history.count > 1 else { return AnswerFigures(answers: answers).figures }
    let loss = chart(
      history, title: "Loss by epoch", axis: ChartAxis("mean loss (nats)"),
      lines: [("while training", "loss"), ("validation", "validation_loss")])
    let error = chart(
      history, title: "Wrong answers by epoch", axis: ChartAxis("wrong answers", style: .percent),
      lines: [("while training", "error"), ("validation", "validation_error")])
    let figure = HTMLReport.Figure(
      [loss, error],
      caption:
        "Learning curves. While training, items are augmented and weights still move; validation items are not "
        + "augmented and are scored after each epoch.", sharesLegend: true)
    return [figure] + AnswerFigures(answers: answers).figures
  }

  private var answers: [(name: String, value: JSONValue)] {
    ["validation", "test"].compactMap { part in results["answers"]?[part].map { (part, $0) } }
  }

  private func chart(
    _ history: [JSONValue], title: String, axis: ChartAxis, lines: [(name: String, key: String)]
  ) -> LineChart {
    // A hundred and twenty places draw the same line as more would.
    let step = max(1, (history.count + 119) / 120)
    let shown = history.enumerated().filter { ($0.offset + 1) % step == 0 || $0.offset == history.count - 1 }
    return LineChart(
      title: title, summary: "A line while training and one for the validation items.",
      places: .numbers(
        shown.map { Double(($0.element["epoch"]?.int ?? 0) + 1) }, ChartAxis("epoch", style: .count)),
      y: axis,
      series: lines.map { name, key in
        .init(name, shown.map { .init($0.element[key]?.double) })
      }.filter { $0.values.contains { $0.y != nil } }, size: (460, 300))
  }
}

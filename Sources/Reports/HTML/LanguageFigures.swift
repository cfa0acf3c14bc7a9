import JSON

/// The figure of a language model's training: losses by step.
struct LanguageFigures {
  let language: JSONValue

  /// Loss of the steps and of each held-out file.
  var figures: [HTMLReport.Figure] {
    let history = language["history"]?.array ?? []
    guard history.count > 1 else { return [] }
    let names = (language["held_out"]?.array ?? []).compactMap(\.string)
    let held = names.enumerated().map { index, name in
      LineChart.Series(name, history.map { .init($0["validation"]?.array?[index].double) })
    }
    let chart = LineChart(
      title: "Loss by step", summary: "A line while training and one for each held-out file.",
      places: .numbers(
        history.map { Double($0["steps"]?.int ?? 0) }, ChartAxis("steps", style: .count)),
      y: ChartAxis("mean loss (nats a token)"),
      series: [.init("while training", history.map { .init($0["loss"]?.double) })] + held)
    return [
      HTMLReport.Figure(
        [chart],
        caption:
          "Learning curves. While training, a point is the mean of the steps since the point before, during which "
          + "weights moved; held-out texts are measured with the weights at the point.")
    ]
  }
}

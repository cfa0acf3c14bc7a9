import JSON

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
    AnswerCharts.reliability(
      answers.map { ($0, $1["reliability"]?["equal_width_10"]?.array ?? []) }
    ).map {
      .init([$0], caption: "Reliability: confidence in ten bins of equal width against what came true.")
    }
  }

  private var risk: HTMLReport.Figure? {
    // Every fourth of a hundred points draws the same line.
    AnswerCharts.risk(
      answers.map { name, value in
        (
          name,
          (value["risk_coverage"]?.array ?? []).enumerated().filter { $0.offset % 4 == 3 }.map(\.element)
        )
      }
    ).map { .init([$0], caption: "Risk and coverage: the area under the curve is AURC.") }
  }
}

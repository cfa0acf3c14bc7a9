import JSON
import Runtime

/// Figures of a study of pruning regimes: maps over temperature and density, and test error by temperature.
struct RegimeFigures {
  private let grids: [JSONValue]

  /// The results of `surgeon regimes`.
  init(results: JSONValue) { grids = results["grids"]?.array ?? [] }

  /// Which published phenomena appear, grid by grid, and which dense network to prune.
  var answers: [HTMLReport.Answer] { grids.flatMap { GridFigures(grid: $0).answers } }

  /// The figures of every grid.
  var figures: [HTMLReport.Figure] { grids.flatMap { GridFigures(grid: $0).figures } }
}

private struct GridFigures {
  let grid: JSONValue

  private var name: String { grid["name"]?.string ?? "" }
  private var knob: String { ReportSections.words(grid["temperature"]?["knob"]?.string ?? "temperature") }
  private var temperatures: [Double] { (grid["temperature"]?["values"]?.array ?? []).compactMap(\.double) }
  private var densities: [Double] { (grid["densities"]?.array ?? []).compactMap(\.double) }
  private var cells: [[JSONValue]] {
    let all = grid["cells"]?.array ?? []
    guard all.count == temperatures.count * densities.count else { return [] }
    return temperatures.indices.map { Array(all[$0 * densities.count..<($0 + 1) * densities.count]) }
  }
  /// Folders of dense networks that were given; nil where the grid trained its own.
  private var checkpoints: [String]? { grid["temperature"]?["checkpoints"]?.array?.compactMap(\.string) }
  private var rowNames: [String] {
    checkpoints.map { $0.enumerated().map { "\($0 + 1) \(Files.name(of: $1))" } }
      ?? temperatures.map { Format.significant($0, 3) }
  }
  private var columnNames: [String] { densities.map { Format.percent($0, 0) } }

  var figures: [HTMLReport.Figure] {
    guard !cells.isEmpty else { return [] }
    return [errors, landscape, regimes]
  }

  var answers: [HTMLReport.Answer] {
    let phenomena = (grid["phenomena"]?.array ?? []).map { phenomenon in
      HTMLReport.Answer(
        "\(name): \(phenomenon["question"]?.string ?? "")", passed: phenomenon["appears"]?.bool,
        measured: phenomenon["appears"]?.bool.map { $0 ? "yes" : "no" } ?? "not decided",
        detail: phenomenon["detail"]?.string ?? "")
    }
    guard let choices = grid["choices"], let ways = choices["ways"]?.array else { return phenomena }
    let isCalibrated = choices["calibrated"]?.bool == true
    let among = checkpoints == nil ? "the coldest whose" : "the same among those whose"
    let names = [
      "best-dense": "lowest validation error before pruning", "coldest": "the coldest",
      "connected": "\(among) siblings are connected (\(isCalibrated ? "calibrated" : "a convention"))",
      "best-retrained": "lowest validation error after retraining",
    ]
    let order = ["best-dense", "coldest", "connected", "best-retrained"]
      .filter { checkpoints == nil || $0 != "coldest" }
    let told = order.map { way in
      let regrets = ways.filter { $0["way"]?.string == way }.compactMap { $0["regret"]?.double }
      let mean = regrets.reduce(0, +) / Double(max(1, regrets.count))
      return "\(names[way] ?? way): \(Format.percent(mean, 1))"
    }
    let what = choices["of"]?.string == "radius" ? "radius of SAM" : "dense network"
    return phenomena + [
      HTMLReport.Answer(
        "\(name): Which \(what) to prune?", passed: nil, measured: "",
        detail: "test error above the best, mean over densities: " + told.joined(separator: "; "))
    ]
  }

  private func map(
    _ title: String, _ summary: String, _ value: String, percent: Bool = false,
    _ number: (JSONValue) -> Double?,
    text: ((JSONValue) -> String)? = nil
  ) -> HeatMap {
    HeatMap(
      title: "\(name): \(title)",
      summary: summary
        + (checkpoints == nil ? " The hottest dense training at the top." : " A row a checkpoint."),
      rows: rowNames,
      rowsTitle: knob, columns: columnNames, columnsTitle: "weights kept", valueTitle: value,
      values: cells.map { $0.map(number) },
      cellTexts: cells.map { row in
        row.map { cell in
          if let text { return text(cell) }
          return number(cell).map { percent ? Format.percent($0, 1) : Format.fixed($0, 3) } ?? "–"
        }
      }, width: 520)
  }

  /// Test error, its rise above the best of a density, and the same as lines with intervals.
  private var errors: HTMLReport.Figure {
    let best = densities.indices.map { column in
      cells.compactMap { $0[column]["test_error"]?.double }.min() ?? 0
    }
    let lines = LineChart(
      title: "\(name): test error by temperature",
      summary: "A line a density, with intervals over test items.",
      places: .names(rowNames, title: checkpoints == nil ? "\(knob), from the hottest" : knob),
      y: ChartAxis("test error", style: .percent),
      series: densities.indices.prefix(7).map { column in
        .init(
          columnNames[column] + " kept",
          cells.map { row in
            let cell = row[column]
            return .init(
              cell["test_error"]?.double, lower: cell["test_interval"]?["lower"]?.double,
              upper: cell["test_interval"]?["upper"]?.double)
          })
      })
    let error = map("test error", "Shades of the test error.", "test error", percent: true) {
      $0["test_error"]?.double
    }
    let rise = map("test error above the best temperature", "Shades of the rise.", "rise", percent: true) {
      cell in
      guard let density = cell["density"]?.double, let column = densities.firstIndex(of: density) else {
        return nil
      }
      return cell["test_error"]?.double.map { $0 - best[column] }
    }
    return .init(
      [error, rise, lines],
      caption:
        "Test error of the retrained networks, mean over siblings; above the best temperature of its density; and as lines."
    )
  }

  /// Barriers and similarity.
  private var landscape: HTMLReport.Figure {
    let barrier = map("barrier", "Shades of the depth of the barrier.", "barrier", percent: true) {
      $0["connectivity"]?.double.map { -$0 }
    }
    let similarity = map("similarity", "Shades of the similarity.", "CKA") { $0["cka_softmax"]?.double }
    return .init(
      [barrier, similarity],
      caption:
        "Barrier: training error at the worst place of the straight line between siblings, above the mean of its ends (minus the connectivity; below 0 the ends are worse). Similarity: linear CKA of softmax outputs."
    )
  }

  /// Regimes where a rule may say them, and what would have helped.
  private var regimes: HTMLReport.Figure {
    let labels = grid["labels"]
    let order = ["I": 1.0, "II-A": 2, "II-B": 3]
    let moves = ["raise": 2.0, "stay": 1, "lower": 0]
    let helped =
      checkpoints.map(better)
      ?? map(
        "what would have helped", "Darkest where a hotter dense training is better.", "colder … hotter",
        { moves[$0["best_move"]?.string ?? ""] }, text: { $0["best_move"]?.string ?? "–" })
    let accuracy = labels?["accuracy"]?.double.map { Format.percent($0, 0) } ?? "–"
    let common = labels?["commonest_move_accuracy"]?.double.map { Format.percent($0, 0) } ?? "–"
    guard labels?["calibrated"]?.bool == true else {
      return .init(
        [
          map(
            "regime", "No cell has a regime.", "I … II-B", { _ in nil },
            text: { $0["regime"]?.string ?? "uncalibrated" }),
          helped,
        ],
        caption: "Uncalibrated: \(labels?["objection"]?.string ?? "there is no rule"). "
          + (checkpoints == nil
            ? "Accuracy of the fitted rule where it was not fitted: \(accuracy); of the commonest move: \(common). What would have helped is measured: towards the best temperature of the density, or stay within chance."
            : "What would have helped is measured: the checkpoint with the lowest test error of the density, where that is beyond chance.")
      )
    }
    return .init(
      [
        map(
          "regime", "Shades of the regime.", "I … II-B", { order[$0["regime"]?.string ?? ""] },
          text: { $0["regime"]?.string ?? "–" }), helped,
      ],
      caption:
        "Regimes by a rule that was right about \(accuracy) of \(labels?["cells"]?.int ?? 0) cells (\(labels?["source"]?.string ?? "")); the commonest move: \(common). What would have helped is measured."
    )
  }

  /// The place of the checkpoint that would have been better at each cell.
  private func better(_ checkpoints: [String]) -> HeatMap {
    map(
      "what would have helped", "Darkest where another checkpoint is better.", "another",
      { $0["better"]?.double == nil ? 0 : 1 },
      text: { $0["better"]?.int.map { "checkpoint \($0)" } ?? "–" })
  }
}

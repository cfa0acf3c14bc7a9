import Regimes
import Reports
import Runtime
import Statistics

/// What `surgeon regimes` prints and counts of one grid.
extension GridOutcome {
  private var name: String { grid.plan.name }

  /// The report's metrics, named after the grid.
  var metrics: [Metric] {
    let last = grid.plan.densities.count - 1
    var metrics = [0, last].map { density -> Metric in
      let best = grid.cells[grid.best(density: density)][density]
      return Metric(
        name: "\(name)_best_test_error_\(density == 0 ? "lowest" : "highest")_density", value: best.testError,
        unit: "fraction", n: grid.sets.first?.siblings.first?.isWrongTest.count ?? 0, higherIsBetter: false,
        interval: best.testInterval, reason: "the best of the grid's temperatures by the same test items")
    }
    let connectivities = grid.cells.flatMap { $0.map(\.connectivity) }
    metrics.append(
      Metric(
        name: "\(name)_lowest_connectivity", value: connectivities.min(), unit: "fraction",
        n: connectivities.count, higherIsBetter: true))
    if let accuracy = labels.accuracy {
      metrics.append(
        Metric(
          name: "\(name)_rule_accuracy", value: accuracy.value, unit: "fraction", n: accuracy.n,
          higherIsBetter: true,
          interval: accuracy.interval))
    }
    return metrics
  }

  /// One line a cell.
  var cellTable: Table {
    var table = Table(
      [
        .init("grid"), .init(grid.plan.knob, key: "temperature", numeric: true), .init("kept", numeric: true),
        .init("test error", numeric: true), .init("interval"), .init("train error", numeric: true),
        .init("connectivity", numeric: true), .init("CKA", numeric: true), .init("regime"), .init("better"),
      ])
    for temperature in grid.plan.temperatures.indices {
      for density in grid.plan.densities.indices {
        let cell = grid.cells[temperature][density]
        let interval = cell.testInterval.map { "\(Format.percent($0.lower))…\(Format.percent($0.upper))" }
        table.add([
          .text(name), .number(grid.plan.temperatures[temperature]), .percent(cell.keptShare),
          .percent(cell.testError), .text(interval), .percent(cell.trainError), .percent(cell.connectivity),
          .fixed(cell.similarity, 3), .text(labels.regime(cell)?.rawValue ?? "uncalibrated"),
          .text(better(temperature, density)),
        ])
      }
    }
    return table
  }

  private var meaning: String {
    "; connectivity in points of training error, negative is a barrier; better: where "
  }

  private func better(_ temperature: Int, _ density: Int) -> String {
    let move = grid.bestMove(temperature: temperature, density: density)
    guard grid.plan.isGiven, move != .stay else { return move.words }
    return "checkpoint \(grid.best(density: density) + 1)"
  }

  /// What cells mean.
  var heading: [String] {
    [
      grid.plan.isGiven
        ? "\(name): checkpoints \(grid.plan.checkpoints.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: ", "))"
          + meaning + "a checkpoint has a lower test error beyond chance"
        : "\(name): \(grid.plan.knob) \(grid.plan.temperatures.map { Format.significant($0, 3) }.joined(separator: ", ")) from the"
          + " hottest" + meaning + "a temperature of the grid has a lower test error beyond chance"
    ]
  }

  /// Labels, phenomena and choices in words.
  var closing: [String] {
    var lines: [String] = []
    let share = labels.accuracy?.value.map { Format.percent($0, 0) } ?? "–"
    if let objection = labels.objection {
      let told = labels.accuracy == nil ? "" : "; the fitted rule was right about \(share) of cells left out"
      lines.append("\(name): uncalibrated, \(objection)\(told)")
    } else {
      lines.append(
        "\(name): regimes by a rule that was right about \(share) of \(labels.accuracy?.n ?? 0) cells (\(labels.source))"
      )
    }
    for phenomenon in phenomena {
      let answer = phenomenon.appears.map { $0 ? "yes" : "no" } ?? "not decided"
      lines.append("\(phenomenon.question) \(answer): \(phenomenon.detail)")
    }
    if !choices.isEmpty {
      let kind = threshold.isCalibrated ? "calibrated" : "a convention, not calibrated"
      let what = grid.plan.knob == "sharpness" ? "radius" : "dense network"
      lines.append(
        "Which \(what) to prune (connected from \(Format.percent(threshold.value)), \(kind)); mean test error above the best:"
      )
      for way in Choice.Way.all(of: grid.plan) {
        let own = choices.filter { $0.way == way }
        let regret = Descriptive.mean(own.map(\.regret)) ?? 0
        let chosen = own.map { Format.significant(grid.plan.temperatures[$0.temperature], 3) }
        lines.append(
          "  \(way.summary(given: grid.plan.isGiven)): \(Format.percent(regret)) (chosen by density: \(chosen.joined(separator: ", ")))"
        )
      }
    }
    return lines
  }
}

extension TemperatureMove {
  /// Which dense training would have been better.
  fileprivate var words: String {
    switch self {
    case .raise: "hotter"
    case .lower: "colder"
    case .stay: "–"
    }
  }
}

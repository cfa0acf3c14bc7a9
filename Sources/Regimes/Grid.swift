import Statistics

/// A measured grid: what cells come to over their dense networks, siblings and pairs, and what follows from them.
///
/// Intervals resample test items, the same resamples for every cell; they say nothing of other seeds. Spread over dense networks stands
/// beside where there are several.
public struct Grid: Sendable {
  /// What was done.
  public let plan: RegimePlan
  /// Dense networks, `[temperature][seed]`.
  public let dense: [[MeasuredNetwork]]
  /// What was measured of siblings, in order of temperature, density and dense seed.
  public let sets: [SiblingSet]
  /// Cells, `[temperature][density]`.
  public let cells: [[Cell]]
  /// The resamples behind every interval.
  let bootstrap: Bootstrap
  /// Test error of every cell in every resample, `[temperature][density][resample]`.
  private let resampled: [[[Double]]]

  /// A cell's means.
  public struct Cell: Sendable, Equatable {
    /// Share kept of the pruned matrices.
    public let keptShare: Double
    /// Share of wrong test answers, mean over siblings.
    public let testError: Double
    /// Its interval over test items.
    public let testInterval: Interval?
    /// Standard error over dense networks; nil for one.
    public let denseSpread: Double?
    /// Share of wrong training answers, mean over siblings.
    public let trainError: Double
    /// Share of wrong validation answers, mean over siblings; nil without validation items.
    public let validationError: Double?
    /// Linear mode connectivity, mean over pairs.
    public let connectivity: Double
    /// Its standard error over pairs; nil for one.
    public let connectivitySpread: Double?
    /// The same along trained curves; nil where none was trained.
    public let curve: Double?
    /// Mean place of the extremum.
    public let place: Double
    /// CKA of softmax outputs, biased as published, mean over pairs; nil where a network says the same of everything.
    public let similarity: Double?
    /// The unbiased estimate, and both of logits.
    public let unbiased, logits, unbiasedLogits: Double?
    /// Mean ‖θ_A − θ_B‖ over the mean length of both.
    public let relativeDistance: Double
    /// Top eigenvalue and trace, means over siblings; nil where they were not asked for.
    public let topEigenvalue, trace: MeanEstimate?
  }

  /// Analyses measurements, `[temperature][seed]` and every sibling set of the plan.
  public init(plan: RegimePlan, dense: [[MeasuredNetwork]], sets: [SiblingSet], resamples: Int = 1000) {
    self.plan = plan
    self.dense = dense
    self.sets = sets
    let items = sets.first?.siblings.first?.isWrongTest.count ?? 0
    let bootstrap = Bootstrap(count: items, resamples: resamples, seed: 0, stream: "test-items")
    self.bootstrap = bootstrap
    let draws = (0..<resamples).map { bootstrap.weights($0) }
    var cells: [[Cell]] = [], resampled: [[[Double]]] = []
    for temperature in plan.temperatures.indices {
      var row: [Cell] = [], values: [[Double]] = []
      for density in plan.densities.indices {
        let own = sets.filter { $0.temperature == temperature && $0.density == density }
        let rates = Self.rates(own.flatMap(\.siblings), items: items)
        let errors = draws.map { weights in
          zip(weights, rates).reduce(0) { $0 + $1.0 * $1.1 } / Double(max(1, items))
        }
        row.append(Cell(own, interval: bootstrap.interval(of: errors)))
        values.append(errors)
      }
      cells.append(row)
      resampled.append(values)
    }
    self.cells = cells
    self.resampled = resampled
  }

  /// How often each test item is answered wrongly, a share of the networks.
  private static func rates(_ networks: [MeasuredNetwork], items: Int) -> [Double] {
    var rates = [Double](repeating: 0, count: items)
    for network in networks {
      for (item, isWrong) in network.isWrongTest.enumerated() where isWrong {
        rates[item] += 1 / Double(networks.count)
      }
    }
    return rates
  }

  /// The paired interval of a cell's test error minus another's.
  public func difference(_ a: (temperature: Int, density: Int), _ b: (temperature: Int, density: Int))
    -> Interval?
  {
    bootstrap.interval(
      of: zip(resampled[a.temperature][a.density], resampled[b.temperature][b.density]).map { $0 - $1 })
  }

  /// Test errors at a density, from the hottest.
  public func testErrors(density: Int) -> [Double] { cells.map { $0[density].testError } }

  /// The temperature with the lowest test error at a density; the hotter of equal ones.
  public func best(density: Int) -> Int {
    let errors = testErrors(density: density)
    return errors.indices.min { (errors[$0], $0) < (errors[$1], $1) } ?? 0
  }

  /// What would have lowered a cell's test error: a move towards the best temperature of its density, or none where the paired interval of the
  /// difference does not leave 0. Test answers decide; the rules are only judged by it.
  public func bestMove(temperature: Int, density: Int) -> TemperatureMove {
    let best = best(density: density)
    guard best != temperature,
      let interval = difference((temperature, density), (best, density)), interval.lower > 0
    else { return .stay }
    return best < temperature ? .raise : .lower
  }

  /// Every cell as a rule's calibration takes it; cells without similarity are left out.
  public var calibrationCells: [RuleCalibration.Cell] {
    plan.temperatures.indices.flatMap { temperature in
      plan.densities.indices.compactMap { density in
        let cell = cells[temperature][density]
        guard let similarity = cell.similarity else { return nil }
        return RuleCalibration.Cell(
          connectivity: cell.connectivity, similarity: similarity,
          move: bestMove(temperature: temperature, density: density), group: "\(plan.densities[density])")
      }
    }
  }
}

extension Grid.Cell {
  init(_ sets: [SiblingSet], interval: Interval?) {
    let networks = sets.flatMap(\.siblings), pairs = sets.flatMap(\.pairs)
    func mean(_ values: [Double]) -> Double { Descriptive.mean(values) ?? 0 }
    func all(_ values: [Double?]) -> Double? {
      let known = values.compactMap { $0 }
      return known.count == values.count ? Descriptive.mean(known) : nil
    }
    keptShare = mean(sets.map(\.keptShare))
    testError = mean(networks.map(\.testError))
    testInterval = interval
    denseSpread =
      Descriptive.estimate(sets.map { mean($0.siblings.map(\.testError)) })?.standardError
    trainError = mean(networks.map(\.trainError))
    validationError = all(networks.map(\.validationError))
    connectivity = mean(pairs.map(\.line.value))
    connectivitySpread = Descriptive.estimate(pairs.map(\.line.value))?.standardError
    curve = all(pairs.map { $0.curve?.value })
    place = mean(pairs.map(\.line.place))
    similarity = all(pairs.map { $0.softmax?.biased })
    unbiased = all(pairs.map { $0.softmax?.unbiased })
    logits = all(pairs.map { $0.logits?.biased })
    unbiasedLogits = all(pairs.map { $0.logits?.unbiased })
    relativeDistance = mean(pairs.map(\.distance.relative))
    let curvatures = networks.compactMap(\.curvature)
    topEigenvalue = Descriptive.estimate(curvatures.map(\.top))
    trace = Descriptive.estimate(curvatures.map(\.trace))
  }
}

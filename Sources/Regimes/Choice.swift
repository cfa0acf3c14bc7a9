import Statistics

/// Ways of choosing the dense network to prune at a density, and what each choice costs in test error (the second and third case
/// study of arXiv 2305.18383: which of several checkpoints to prune; how to set SAM's radius).
public struct Choice: Sendable, Equatable {
  /// How a dense network is chosen.
  public enum Way: String, Sendable, CaseIterable {
    /// The one with the lowest validation error before pruning: common practice.
    case bestDense = "best-dense"
    /// The coldest: trained to the end.
    case coldest
    /// The coldest whose siblings are connected, the hottest where none are: the regimes' rule. Needs two retrainings of each. Given
    /// checkpoints have no temperature: of those whose siblings are connected the one of ``bestDense``, and where none are the one with the
    /// highest connectivity (this program's reading).
    case connected
    /// The one whose siblings have the lowest validation error: needs every retraining.
    case bestRetrained = "best-retrained"

    /// Those that a plan can choose by.
    public static func all(of plan: RegimePlan) -> [Way] {
      plan.isGiven ? allCases.filter { $0 != .coldest } : allCases
    }

    /// One line for tables; `given` checkpoints have no temperature.
    public func summary(given: Bool) -> String {
      switch self {
      case .bestDense: "lowest validation error before pruning"
      case .coldest: "the coldest"
      case .connected where given: "the same among those whose siblings are connected"
      case .connected: "the coldest whose siblings are connected"
      case .bestRetrained: "lowest validation error after retraining"
      }
    }
  }

  /// The way.
  public let way: Way
  /// Place of the density.
  public let density: Int
  /// Place of the chosen temperature.
  public let temperature: Int
  /// Test error of the choice minus that of the best temperature, a fraction, at least 0.
  public let regret: Double
  /// Test error of the choice minus that of ``Way/bestDense``, with its paired interval; nil for that one itself.
  public let gain: Double?
  /// Interval of ``gain``.
  public let interval: Interval?

  /// Every way at every density. `threshold` is the connectivity from which siblings count as connected.
  public static func all(_ grid: Grid, threshold: Double) -> [Choice] {
    grid.plan.densities.indices.flatMap { density -> [Choice] in
      let common = temperature(.bestDense, grid, density, threshold)
      let best = grid.cells[grid.best(density: density)][density].testError
      return Way.all(of: grid.plan).map { way in
        let chosen = temperature(way, grid, density, threshold)
        let error = grid.cells[chosen][density].testError
        let isCommon = way == .bestDense
        return Choice(
          way: way, density: density, temperature: chosen, regret: error - best,
          gain: isCommon ? nil : error - grid.cells[common][density].testError,
          interval: isCommon ? nil : grid.difference((chosen, density), (common, density)))
      }
    }
  }

  private static func temperature(_ way: Way, _ grid: Grid, _ density: Int, _ threshold: Double) -> Int {
    let all = grid.plan.temperatures.indices
    switch way {
    case .coldest: return all.count - 1
    case .connected where grid.plan.isGiven:
      let values = all.map { grid.cells[$0][density].connectivity }
      let connected = all.filter { values[$0] >= threshold }
      return bestDense(grid, of: connected) ?? all.max { (values[$0], $1) < (values[$1], $0) } ?? 0
    case .connected: return all.last { grid.cells[$0][density].connectivity >= threshold } ?? 0
    case .bestDense: return bestDense(grid, of: Array(all)) ?? 0
    case .bestRetrained:
      let errors = all.map { grid.cells[$0][density].validationError ?? 1 }
      return all.min { (errors[$0], -$0) < (errors[$1], -$1) } ?? 0
    }
  }

  /// Of equal ones the colder: it is trained longer.
  private static func bestDense(_ grid: Grid, of places: [Int]) -> Int? {
    let errors = grid.dense.map { Descriptive.mean($0.compactMap(\.validationError)) ?? 1 }
    return places.min { (errors[$0], -$0) < (errors[$1], -$1) }
  }
}

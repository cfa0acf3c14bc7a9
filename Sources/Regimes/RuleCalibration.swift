import Statistics

/// Fits a ``RegimeRule`` to cells whose best move is known, and measures how often it is right where it was not fitted.
///
/// The truth of a cell is the move that lowers the test error of the same density (``Grid/bestMove(temperature:density:)``). The rule's
/// accuracy is cross-validated: the cells of one group (a density) are left out in turn, thresholds are fitted to the others. It is
/// compared with what knows nothing of the cells: the commonest move of the others.
public struct RuleCalibration: Sendable, Equatable {
  /// A cell whose best move is known.
  public struct Cell: Sendable, Equatable {
    /// Linear mode connectivity, a fraction.
    public var connectivity: Double
    /// CKA of softmax outputs.
    public var similarity: Double
    /// What would have helped.
    public var move: TemperatureMove
    /// What is left out together, such as a density.
    public var group: String

    /// A cell.
    public init(connectivity: Double, similarity: Double, move: TemperatureMove, group: String) {
      (self.connectivity, self.similarity, self.move, self.group) = (connectivity, similarity, move, group)
    }
  }

  /// Thresholds fitted to all cells.
  public let rule: RegimeRule
  /// Share of cells that the rule is right about, fitted without their group, with its interval (Wilson).
  public let accuracy: Metric
  /// The same share for the commonest move of the other groups.
  public let baseline: Double
  /// Share of cells that ``rule`` is right about: fitted to them, so it flatters.
  public let fitted: Double
  /// Cells by what is true (rows) and what the cross-validated rule says, in the order of ``TemperatureMove``.
  public let confusion: [[Int]]
  /// Why the rule must not label anything; nil where it may.
  public let objection: String?

  /// Cells that a calibration needs.
  public static let leastCells = 12
  /// Groups that it needs.
  public static let leastGroups = 3

  /// Fits and measures. With too few cells there is still a rule, and an objection.
  /// - Complexity: O(n⁴) for n cells; a second for 150.
  public init?(_ cells: [Cell]) {
    guard !cells.isEmpty else { return nil }
    let moves = TemperatureMove.allCases
    var confusion = [[Int]](repeating: Array(repeating: 0, count: moves.count), count: moves.count)
    var right = 0, common = 0
    for group in Set(cells.map(\.group)).sorted() {
      let rest = cells.filter { $0.group != group }
      guard !rest.isEmpty else { continue }
      let rule = Self.fit(rest)
      let commonest = Self.commonest(rest)
      for cell in cells where cell.group == group {
        let said = rule.regime(connectivity: cell.connectivity, similarity: cell.similarity).move
        if let row = moves.firstIndex(of: cell.move), let column = moves.firstIndex(of: said) {
          confusion[row][column] += 1
        }
        if said == cell.move { right += 1 }
        if commonest == cell.move { common += 1 }
      }
    }
    rule = Self.fit(cells)
    let own = rule
    fitted =
      Double(
        cells.count { own.regime(connectivity: $0.connectivity, similarity: $0.similarity).move == $0.move })
      / Double(cells.count)
    accuracy = Wilson.metric("rule_accuracy", successes: right, total: cells.count, higherIsBetter: true)
    baseline = Double(common) / Double(cells.count)
    self.confusion = confusion
    objection = Self.objection(cells, accuracy: accuracy, baseline: baseline)
  }

  private static func objection(_ cells: [Cell], accuracy: Metric, baseline: Double) -> String? {
    let groups = Set(cells.map(\.group)).count, moves = Set(cells.map(\.move)).count
    if cells.count < leastCells { return "\(cells.count) cells; a calibration needs \(leastCells)" }
    if groups < leastGroups { return "\(groups) densities; a calibration needs \(leastGroups)" }
    if moves < 2 { return "the best move is the same in every cell: nothing can be told apart" }
    if (accuracy.interval?.lower ?? 0) <= baseline {
      return "the lower end of the rule's accuracy does not exceed the commonest move's"
    }
    return nil
  }

  private static func commonest(_ cells: [Cell]) -> TemperatureMove {
    let moves = TemperatureMove.allCases
    let counts = moves.map { move in cells.count { $0.move == move } }
    return moves[counts.indices.max { (counts[$0], -$0) < (counts[$1], -$1) } ?? 0]
  }

  /// The thresholds with most right answers; of equal ones the connectivity nearest to 0, then the lowest similarity.
  private static func fit(_ cells: [Cell]) -> RegimeRule {
    var best = RegimeRule(connectivity: -.infinity, similarity: -.infinity)
    var most = -1
    let connectivities = cuts(cells.map(\.connectivity)).sorted { (abs($0), $0) < (abs($1), $1) }
    for connectivity in connectivities {
      for similarity in cuts(cells.map(\.similarity)) {
        let rule = RegimeRule(connectivity: connectivity, similarity: similarity)
        let right = cells.count {
          rule.regime(connectivity: $0.connectivity, similarity: $0.similarity).move == $0.move
        }
        if right > most { (best, most) = (rule, right) }
      }
    }
    return best
  }

  /// Half-way between neighbours, and beyond both ends.
  private static func cuts(_ values: [Double]) -> [Double] {
    let sorted = Set(values).sorted()
    guard let first = sorted.first, let last = sorted.last else { return [0] }
    return [first - 1e-6] + zip(sorted, sorted.dropFirst()).map { ($0 + $1) / 2 } + [last + 1e-6]
  }
}

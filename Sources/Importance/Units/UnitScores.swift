import Architectures
import Runtime

/// Scores of the units of a structured grain: each adds up the scores of the weights that it consists of.
public struct UnitScores: Sendable {
  /// How members' scores become one.
  public enum Aggregation: String, Sendable, CaseIterable {
    /// Their sum: larger units weigh more.
    case sum
    /// Their mean over the unit's weights.
    case mean
    /// The largest.
    case max

    /// One line for listings.
    public var summary: String {
      switch self {
      case .sum: "the sum over the unit's weights"
      case .mean: "the mean over the unit's weights"
      case .max: "the largest of the unit's weights"
      }
    }
  }

  /// The score whose members are added up.
  public let score: Score
  /// How.
  public let aggregation: Aggregation
  /// The units in network order.
  public let units: [ImportanceUnit]
  /// The score of each, `[units]`.
  public let values: [Double]

  /// Scores every unit of a grain; streams one matrix at a time, once.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public init(
    _ matrices: [PrunableMatrix], grain: Grain, score: Score, aggregation: Aggregation = .mean,
    of network: Network, evidence: EvidenceSource = noEvidence, progress: ProgressSink = ignoreProgress
  ) throws {
    let units = try ImportanceUnit.all(grain, in: matrices, of: network)
    var lines: [Role: LineAggregate] = [:]
    var sizes: [Role: (rows: Int, columns: Int)] = [:]
    for (done, matrix) in matrices.enumerated() {
      try Cancellation.check()
      let own = LineAggregate(try score.of(matrix, evidence(matrix)))
      guard own.rowSums.allSatisfy(\.isFinite) else { throw MatrixCheck.notFinite(score, matrix) }
      lines[matrix.role] = own
      sizes[matrix.role] = (matrix.outputs, matrix.inputs)
      progress(
        ProgressEvent(stage: score.description, completed: done + 1, total: matrices.count, unit: "matrices"))
    }
    self.score = score
    self.aggregation = aggregation
    self.units = units
    values = units.map { unit in
      var sum = 0.0, count = 0
      var largest = -Double.infinity
      for part in unit.parts {
        guard let own = lines[part.role], let size = sizes[part.role] else { continue }
        for line in part.lines {
          sum += part.isColumns ? own.columnSums[line] : own.rowSums[line]
          largest = Swift.max(largest, Double(part.isColumns ? own.columnMaxima[line] : own.rowMaxima[line]))
        }
        count += part.lines.count * (part.isColumns ? size.rows : size.columns)
      }
      return switch aggregation {
      case .sum: sum
      case .mean: count == 0 ? 0 : sum / Double(count)
      case .max: largest
      }
    }
  }

  /// Indices of the `count` units with the lowest scores, ascending by score; ties go to the lower index.
  public func lowest(_ count: Int) -> [Int] {
    Array(units.indices.sorted { (values[$0], $0) < (values[$1], $1) }.prefix(count))
  }

  /// Indices of the `count` units with the highest scores, descending; ties go to the lower index.
  public func highest(_ count: Int) -> [Int] {
    Array(units.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }.prefix(count))
  }
}

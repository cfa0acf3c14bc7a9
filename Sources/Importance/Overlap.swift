import Architectures
import OrderedCollections
import Runtime
import Statistics

/// How far two scores agree about the units of a grain: "which of the rows that carry the behaviour would pruning remove?"
public struct Overlap: Sendable {
  /// Two scores in one place.
  public struct Line: Sendable, Equatable {
    /// The role of the matrix, or the grain where a unit spans several.
    public let role: String
    /// The block; nil for all blocks together.
    public let block: Int?
    /// Which scores, by their place in the list.
    public let first, second: Int
    /// Units that were compared.
    public let units: Int
    /// Units at the top, k.
    public let top: Int
    /// Spearman's rank correlation, ties at their middle rank; nil where a score is the same for all.
    public let correlation: Double?
    /// Share of the first score's k highest that are among the second's k highest; k / units by chance.
    public let overlap: Double
    /// Share of the first score's k highest that are among the second's k lowest: what pruning k by the second score
    /// would remove; k / units by chance.
    public let removed: Double
    /// Share of the second score's k highest that are among the first's k lowest.
    public let removedBack: Double
  }

  /// The scores.
  public let scores: [Score]
  /// The grain of the units.
  public let grain: Grain
  /// The share of units at the top, 0…1.
  public let share: Double
  /// Every pair by role and block, then every pair by role over all blocks.
  public let lines: [Line]

  /// Compares every pair of scores; each score streams the matrices once.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public init(
    _ matrices: [PrunableMatrix], scores: [Score], grain: Grain, aggregation: UnitScores.Aggregation = .mean,
    share: Double, of network: Network, evidence: @escaping EvidenceSource = noEvidence,
    progress: ProgressSink = ignoreProgress
  ) throws {
    guard scores.count > 1 else {
      throw ImportanceError.combination(
        what: "an overlap of \(scores.count) score", reason: "it takes two",
        suggestion: "--score magnitude,wanda")
    }
    guard share > 0, share < 1 else {
      throw ImportanceError.sparsity(text: "\(share)", reason: "the top share lies between 0 and 1")
    }
    // Matrices of which every score says something.
    let compared = try matrices.filter { matrix in
      let known = try evidence(matrix)
      return scores.allSatisfy { $0.says(of: matrix, known) }
    }
    guard !compared.isEmpty else {
      throw ImportanceError.nothingToPrune(
        asked: "the roles given that read a direction", known: ProbeDirection.readers.map(\.rawValue).sorted()
      )
    }
    self.scores = scores
    self.grain = grain
    self.share = share
    if grain == .weight {
      lines = try Self.weights(compared, scores, share, evidence, progress)
      return
    }
    let values = try scores.map {
      try UnitScores(
        compared, grain: grain, score: $0, aggregation: aggregation, of: network, evidence: evidence,
        progress: progress)
    }
    var places: OrderedDictionary<Place, [Int]> = [:]
    for (index, unit) in values[0].units.enumerated() {
      let role = unit.role?.inBlock?.rawValue ?? grain.rawValue
      places[Place(role: role, block: unit.block), default: []].append(index)
      places[Place(role: role, block: nil), default: []].append(index)
    }
    let order =
      places.filter { $0.key.block != nil }.map { $0 } + places.filter { $0.key.block == nil }.map { $0 }
    var lines: [Line] = []
    for (place, units) in order {
      for first in scores.indices {
        for second in scores.indices where second > first {
          lines.append(
            Self.line(
              place, first, second, units.map { values[first].values[$0] },
              units.map { values[second].values[$0] }, share))
        }
      }
    }
    self.lines = lines
  }

  private struct Place: Hashable {
    var role: String
    var block: Int?
  }

  private static func line(
    _ place: Place, _ first: Int, _ second: Int, _ a: [Double], _ b: [Double], _ share: Double
  ) -> Line {
    let top = max(1, Int((share * Double(a.count)).rounded()))
    func highest(_ values: [Double]) -> Set<Int> {
      Set(values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }.prefix(top))
    }
    func lowest(_ values: [Double]) -> Set<Int> {
      Set(values.indices.sorted { (values[$0], $0) < (values[$1], $1) }.prefix(top))
    }
    let (highA, highB) = (highest(a), highest(b))
    func shared(_ x: Set<Int>, _ y: Set<Int>) -> Double { Double(x.intersection(y).count) / Double(top) }
    return Line(
      role: place.role, block: place.block, first: first, second: second, units: a.count, top: top,
      correlation: Correlation.spearman(a, b), overlap: shared(highA, highB),
      removed: shared(highA, lowest(b)), removedBack: shared(highB, lowest(a)))
  }
}

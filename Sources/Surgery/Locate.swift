import Architectures
import Layers
import Runtime
import Tensors
import Transformers

/// Finds the rows that point away from a direction (arXiv 2407.08770, equation 4).
public enum Locate {
  /// What is looked for, and where.
  public struct Options: Sendable {
    /// Coordinates.
    public var space: EditSpace
    /// How many rows.
    public var budget: RowBudget
    /// Blocks whose rows are candidates; nil means all.
    public var blocks: Set<Int>?
    /// Which end of the ranking.
    public var selection: RowPlan.Selection

    /// Options of a search.
    public init(
      space: EditSpace = .faithful, budget: RowBudget = RowBudget(.share(0.0465)), blocks: Set<Int>? = nil,
      selection: RowPlan.Selection = .mostNegative
    ) {
      self.space = space
      self.budget = budget
      self.blocks = blocks
      self.selection = selection
    }
  }

  /// Cosines of all candidate rows with a direction: one streaming pass over the matrices, reusable for any budget.
  public struct Ranking: Sendable {
    /// All candidates by block, then row.
    public let rows: [RowPlan.Row]
    /// The matrices of each candidate block.
    public let matrices: [Int: SurgeryRows]
    let role: BlockRole
    let space: EditSpace
    let additions: [Int: [Float]]
    let directionNorm: Float
    let site: String

    /// The rows of a budget. Ties go to the lower block, then the lower row.
    /// - Throws: ``SurgeryError/budget(text:reason:)``.
    public func plan(_ budget: RowBudget, selection: RowPlan.Selection = .mostNegative) throws -> RowPlan {
      let sign: Float = selection == .mostPositive ? -1 : 1
      func first(_ candidates: [RowPlan.Row]) throws -> [RowPlan.Row] {
        let sorted = candidates.sorted { a, b in
          (a.cosine * sign, a.block, a.row) < (b.cosine * sign, b.block, b.row)
        }
        return Array(sorted.prefix(try budget.rows(of: candidates.count)))
      }
      var chosen: [RowPlan.Row] = []
      if budget.perBlock {
        for block in Set(rows.map(\.block)).sorted() {
          chosen += try first(rows.filter { $0.block == block })
        }
      } else {
        chosen = try first(rows)
      }
      return plan(chosen, selection: selection)
    }

    /// As many random rows in each block as another plan has there, with that plan's strength unit.
    public func random(like plan: RowPlan, seed: UInt64, draw: Int) -> RowPlan {
      let random = CounterRandom(seed: seed, stream: "random-rows").stream(UInt64(draw))
      var chosen: [RowPlan.Row] = []
      for block in plan.blocks {
        var stream = random.stream(UInt64(block))
        let candidates = stream.shuffled(rows.filter { $0.block == block })
        chosen += candidates.prefix(plan.rows(in: block).count)
      }
      var result = self.plan(chosen, selection: .random)
      result.medianNorm = plan.medianNorm
      return result
    }

    private func plan(_ chosen: [RowPlan.Row], selection: RowPlan.Selection) -> RowPlan {
      let norms = chosen.map(\.norm).sorted()
      let middle = norms.count / 2
      let median = norms.count % 2 == 1 ? norms[middle] : (norms[middle - 1] + norms[middle]) / 2
      return RowPlan(
        role: role, space: space, selection: selection,
        rows: chosen.sorted { ($0.block, $0.row) < ($1.block, $1.row) }, matrices: matrices,
        candidates: rows.count,
        medianNorm: median,
        additions: additions.filter { block, _ in chosen.contains { $0.block == block } },
        directionNorm: directionNorm, site: site)
    }
  }

  /// Ranks every row of the role in the chosen blocks, of all experts where there are some. Holds one matrix at a
  /// time.
  /// - Throws: ``SurgeryError``, ``Interrupted``.
  /// - Complexity: one pass over the matrices, L·F·D multiply-adds twice.
  public static func rank(
    _ model: Model, _ direction: BehaviourDirection, space: EditSpace, blocks: Set<Int>? = nil,
    progress: ProgressSink = ignoreProgress
  ) throws -> Ranking {
    try check(direction, width: model.network.width)
    let role = model.network.surgeryRole
    var rows: [RowPlan.Row] = []
    var additions: [Int: [Float]] = [:]
    var matrices: [Int: SurgeryRows] = [:]
    let candidates = (0..<model.network.blocks).filter { blocks?.contains($0) ?? true }
    for (done, block) in candidates.enumerated() {
      try Cancellation.check()
      let vectors = try BlockDirection(direction, space: space, block: block, model: model)
      let own = model.network.surgeryRows(in: block)
      for part in own.parts {
        let scan = RowCosines.of(
          try model.linear(part.role), gain: vectors.rowGain, direction: vectors.rank)
        rows += zip(part.rows, scan).map {
          RowPlan.Row(block: block, row: $0, cosine: $1.cosine, norm: $1.norm)
        }
      }
      matrices[block] = own
      additions[block] = vectors.addition
      progress(ProgressEvent(stage: "locate", completed: done + 1, total: candidates.count, unit: "blocks"))
    }
    let site =
      switch direction {
      case .shared(_, let site): site.description
      case .perBlock: "blocks.*.mlp.input"
      }
    return Ranking(
      rows: rows, matrices: matrices, role: role, space: space, additions: additions,
      directionNorm: direction.norm, site: site)
  }

  /// Ranks and takes the rows of a budget.
  /// - Throws: ``SurgeryError``, ``Interrupted``.
  public static func run(
    _ model: Model, _ direction: BehaviourDirection, _ options: Options,
    progress: ProgressSink = ignoreProgress
  ) throws -> RowPlan {
    try rank(model, direction, space: options.space, blocks: options.blocks, progress: progress)
      .plan(options.budget, selection: options.selection)
  }

  static func check(_ direction: BehaviourDirection, width: Int) throws {
    let vectors =
      switch direction {
      case .shared(let vector, _): [vector]
      case .perBlock(let vectors): Array(vectors.values)
      }
    for vector in vectors {
      guard vector.count == width else { throw SurgeryError.width(found: vector.count, expected: width) }
      guard vector.norm > 0, vector.norm.isFinite else { throw SurgeryError.degenerate }
    }
  }
}

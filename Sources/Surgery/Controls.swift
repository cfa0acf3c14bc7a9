import Architectures
import Evaluation
import Runtime
import Tokenizers
import Transformers

/// Edits that look like the chosen one and should not work as well.
public struct Control: Sendable {
  /// The published questions.
  public enum Kind: String, Sendable, CaseIterable {
    /// A random direction of the same length on the same rows.
    case randomDirection = "random-direction"
    /// The same direction on random rows, as many in each block.
    case randomRows = "random-rows"
    /// The most aligned rows, with the direction subtracted.
    case alignedSubtract = "aligned-subtract"
    /// The same direction taken out of random blocks, as many and as strongly.
    case randomBlocks = "random-blocks"

    /// One line for listings.
    public var summary: String {
      switch self {
      case .randomDirection: "a random direction of the same length on the same rows"
      case .randomRows: "the same direction on random rows, as many in each block"
      case .alignedSubtract: "the most aligned rows, with the direction subtracted"
      case .randomBlocks: "an ablation in random blocks, as many and as strongly"
      }
    }
  }
  /// The kind.
  public let kind: Kind
  /// Number of the draw, from 0.
  public let draw: Int
  /// Rows and directions.
  public let plan: any EditPlan

  /// The controls of a plan: `draws` of each random kind, and one of the aligned rows (it has no randomness).
  /// - Throws: ``SurgeryError/budget(text:reason:)``.
  public static func all(of plan: RowPlan, ranking: Locate.Ranking, draws: Int, seed: UInt64) throws
    -> [Control]
  {
    var controls: [Control] = []
    for draw in 0..<draws {
      controls.append(
        Control(kind: .randomDirection, draw: draw, plan: plan.randomDirection(seed: seed, draw: draw)))
    }
    for draw in 0..<draws {
      controls.append(
        Control(kind: .randomRows, draw: draw, plan: ranking.random(like: plan, seed: seed, draw: draw)))
    }
    var aligned = try ranking.plan(RowBudget(.count(plan.rows.count)), selection: .mostPositive)
    aligned.sign = -plan.sign
    controls.append(Control(kind: .alignedSubtract, draw: 0, plan: aligned))
    return controls
  }

  /// The controls of an ablation: `draws` random directions of the same length taken out of the same matrices, and
  /// `draws` times the same direction with the blocks' factors dealt out anew. The second kind does not exist where
  /// all blocks have the same factor.
  public static func all(of plan: Ablation, draws: Int, seed: UInt64) -> [Control] {
    let directions = (0..<draws).map {
      Control(kind: .randomDirection, draw: $0, plan: plan.randomDirection(seed: seed, draw: $0))
    }
    let blocks = (0..<draws).compactMap { draw in
      plan.randomBlocks(seed: seed, draw: draw).map { Control(kind: .randomBlocks, draw: draw, plan: $0) }
    }
    return directions + blocks
  }

  /// The strength at which the control does the damage `kl` (nats a token on neutral text), with the KL that was
  /// reached.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func strength(
    atKL kl: Double, start: Double, limit: Double, model: Model, neutral: DivergenceTest
  ) throws -> (strength: Double, kl: Double) {
    let found = try Matching.factor(target: kl, start: start, limit: limit) {
      try neutral.compare(plan.overlay(strength: $0, of: model)).meanKL
    }
    return (found.factor, found.damage)
  }
}

extension RowPlan {
  /// The same rows with a random unit vector, the same in every block.
  func randomDirection(seed: UInt64, draw: Int) -> RowPlan {
    var random = CounterRandom(seed: seed, stream: "random-direction").stream(UInt64(draw))
    let width = additions.values.first?.count ?? 0
    let vector = (0..<width).map { _ in Float(random.normal()) }.unit
    var plan = self
    plan.additions = additions.mapValues { _ in vector }
    return plan
  }
}

extension Ablation {
  /// The same writers with a random unit vector.
  func randomDirection(seed: UInt64, draw: Int) -> Ablation {
    var random = CounterRandom(seed: seed, stream: "random-direction").stream(UInt64(draw))
    var plan = self
    plan.direction = direction.indices.map { _ in Float(random.normal()) }.unit
    return plan
  }

  /// The same direction with the blocks' factors dealt out anew, so that they differ; nil where all are equal.
  func randomBlocks(seed: UInt64, draw: Int) -> Ablation? {
    var factors: [Int: Double] = [:]
    for target in targets { if let block = target.role.block { factors[block] = target.factor } }
    guard Set(factors.values).count > 1 else { return nil }
    var random = CounterRandom(seed: seed, stream: "random-blocks").stream(UInt64(draw))
    let blocks = factors.keys.sorted()
    let old = blocks.map { factors[$0] ?? 0 }
    var dealt = old
    while dealt == old { dealt = random.shuffled(old) }
    var plan = self
    for index in plan.targets.indices {
      guard let block = plan.targets[index].role.block, let place = blocks.firstIndex(of: block) else {
        continue
      }
      plan.targets[index].factor = dealt[place]
    }
    return plan
  }
}

import Architectures

/// The rows that an edit touches and what it adds to them: everything but the strength.
public struct RowPlan: Sendable {
  /// How rows were chosen.
  public enum Selection: String, Sendable {
    /// Most negative cosine first: the gates that are shut in the behaviour's state.
    case mostNegative = "most-negative"
    /// Most positive cosine first (a control).
    case mostPositive = "most-positive"
    /// At random, as many a block as the plan it controls for.
    case random
  }

  /// One row.
  public struct Row: Sendable, Equatable {
    /// Block.
    public var block: Int
    /// Row of the block's surgery rows: an output of the role's product, numbered through over the experts where the
    /// block has them.
    public var row: Int
    /// Cosine with the direction in the space of the plan.
    public var cosine: Float
    /// Length of the row as stored.
    public var norm: Float
  }

  /// The role whose rows are edited.
  public var role: BlockRole
  /// Coordinates.
  public var space: EditSpace
  /// How rows were chosen.
  public var selection: Selection
  /// +1 adds the direction to the rows, −1 subtracts it.
  public var sign: Float = 1
  /// Rows by block, then row.
  public var rows: [Row]
  /// The matrices that the rows of a block lie in.
  public var matrices: [Int: SurgeryRows]
  /// Rows that could have been chosen.
  public var candidates: Int
  /// Median length of the chosen rows; a strength of 1 adds a vector of this length.
  public var medianNorm: Float
  /// Unit vector that is added in each block, `[D]`.
  public var additions: [Int: [Float]]
  /// Length of the probe's own vector: α = strength · median / this.
  public var directionNorm: Float
  /// Where the direction was read.
  public var site: String

  /// Blocks with rows, ascending.
  public var blocks: [Int] { Array(Set(rows.map(\.block))).sorted() }

  /// The rows of one block, ascending.
  public func rows(in block: Int) -> [Int] { rows.filter { $0.block == block }.map(\.row) }

  /// The rows of one block by the matrix they lie in, ascending, under the numbers they have there.
  public func rowsByRole(in block: Int) -> [(role: Role, rows: [Int])] {
    matrices[block]?.split(rows(in: block)) ?? []
  }

  /// δ of a block at a strength, rounded once to f32: what a patch stores and a checkpoint adds.
  public func delta(block: Int, strength: Double) -> [Float] {
    let length = Double(sign) * strength * Double(medianNorm)
    return (additions[block] ?? []).map { Float(length * Double($0)) }
  }

  /// The paper's unnormalised factor for a strength.
  public func alpha(strength: Double) -> Double {
    directionNorm == 0 ? 0 : Double(sign) * strength * Double(medianNorm) / Double(directionNorm)
  }

  /// The strength of the paper's unnormalised factor.
  public func strength(alpha: Double) -> Double {
    medianNorm == 0 ? 0 : Double(sign) * alpha * Double(directionNorm) / Double(medianNorm)
  }
}

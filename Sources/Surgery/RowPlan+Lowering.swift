import Architectures
import Checkpoints
import Layers
import Tensors
import Transformers

/// From a plan to what acts: an overlay for the grid of a sweep, a patch for a checkpoint, and the overlay of a patch.
extension RowPlan {
  /// The rank-one overlay of a strength: exact in f32, without the rounding of the stored type.
  public func overlay(strength: Double) -> Overlay {
    Overlay(
      blocks.map { block in
        let rows = rows(in: block)
        return .rankOne(
          role: .block(block, role), rows: rows, coefficients: Array(repeating: 1, count: rows.count),
          direction: delta(block: block, strength: strength))
      })
  }

  /// The edits of a strength, ready for a patch; shared directions are stored once.
  /// - Throws: ``ArchitectureError``.
  public func edits(strength: Double, binding: Binding) throws -> (deltas: [[Float]], edits: [PatchDraft]) {
    var deltas: [[Float]] = []
    var drafts: [PatchDraft] = []
    for block in blocks {
      let delta = delta(block: block, strength: strength)
      let index = deltas.firstIndex(of: delta) ?? deltas.count
      if index == deltas.count { deltas.append(delta) }
      let bound = try binding.tensor(.block(block, role))
      drafts.append(
        PatchDraft(
          tensor: bound.tensor, rows: rows(in: block).map { $0 + bound.rows.lowerBound },
          transposed: bound.transposed, delta: index))
    }
    return (deltas, drafts)
  }
}

/// One tensor's part of an edit before its hashes are known.
public struct PatchDraft: Sendable {
  /// Name of the tensor.
  public var tensor: String
  /// Rows of the tensor (columns where transposed), ascending.
  public var rows: [Int]
  /// The tensor lies as [inputs, outputs].
  public var transposed: Bool
  /// Index of the vector that is added.
  public var delta: Int
}

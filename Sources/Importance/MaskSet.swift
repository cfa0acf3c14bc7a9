import Architectures
import OrderedCollections

/// Masks by role, in network order.
public struct MaskSet: Sendable, Equatable {
  /// The masks.
  public var masks: OrderedDictionary<Role, Mask>

  /// Some masks.
  public init(_ masks: OrderedDictionary<Role, Mask> = [:]) { self.masks = masks }

  /// The mask of a role; nil for one that is left alone.
  public subscript(role: Role) -> Mask? {
    get { masks[role] }
    set { masks[role] = newValue }
  }

  /// Weights of all matrices.
  public var count: Int { masks.values.reduce(0) { $0 + $1.count } }
  /// Weights that are pruned.
  public var prunedCount: Int { masks.values.reduce(0) { $0 + $1.prunedCount } }
  /// The share of these matrices' weights that is pruned.
  public var sparsity: Double { count == 0 ? 0 : Double(prunedCount) / Double(count) }
}

import Architectures
import Layers
import Runtime
import Tensors
import Transformers

/// One product of a block: the matrix whose weights, rows and columns scores rank and masks remove.
///
/// Shapes of this module: `N` outputs and `K` inputs of a matrix, `D` width, `F` MLP width, `H` heads, `L` blocks.
/// Whatever the storage (fused, transposed, stacked experts), row and column numbers are those of the role's own
/// logical W `[N, K]`.
public struct PrunableMatrix: Sendable {
  /// What the matrix is in the network.
  public let role: Role
  /// Where it lies in the checkpoint.
  public let bound: BoundTensor
  /// Its weights, read in place.
  public let weight: LinearWeight

  /// A matrix.
  public init(role: Role, bound: BoundTensor, weight: LinearWeight) {
    self.role = role
    self.bound = bound
    self.weight = weight
  }

  /// Outputs, N.
  public var outputs: Int { weight.outputs }
  /// Inputs, K.
  public var inputs: Int { weight.inputs }
  /// Weights, N·K.
  public var count: Int { weight.outputs * weight.inputs }
  /// The block it belongs to.
  public var block: Int { role.block ?? 0 }
}

extension BlockRole {
  /// The products of blocks that can be pruned, in network order. Never norms, routers, embeddings or the head.
  public static let prunable: [BlockRole] = [
    .query, .key, .value, .attentionOutput, .gate, .up, .down, .sharedGate, .sharedUp, .sharedDown,
  ]

  /// The prunable roles of a list such as `attention.q,mlp.down`, or of a part such as `attention` and `mlp`.
  /// - Throws: ``ImportanceError/unknown(what:name:known:)``.
  public static func prunable(parsing text: String) throws(ImportanceError) -> Set<BlockRole> {
    var roles: Set<BlockRole> = []
    for word in text.split(separator: ",").map({ $0.filter { $0 != " " } }) {
      let found = prunable.filter { $0.rawValue == word || $0.rawValue.hasPrefix(word + ".") }
      guard !found.isEmpty else { throw .unknown(what: "role", name: word, known: prunable.map(\.rawValue)) }
      roles.formUnion(found)
    }
    return roles
  }
}

extension Model {
  /// The products of the blocks in network order: attention's, then the MLP's, those of every expert and of the shared
  /// one where there are some.
  /// - Parameters:
  ///   - blocks: blocks to take; nil for all.
  ///   - roles: roles to take (an expert's gate is a gate); nil for all that can be pruned.
  /// - Throws: ``ImportanceError/nothingToPrune(asked:known:)``, ``ArchitectureError``.
  public func prunableMatrices(
    blocks: Set<Int>? = nil, roles: Set<BlockRole>? = nil
  ) throws -> [PrunableMatrix] {
    let wanted = Set(BlockRole.prunable).intersection(roles ?? Set(BlockRole.prunable))
    var matrices: [PrunableMatrix] = []
    for block in 0..<network.blocks where blocks?.contains(block) ?? true {
      for role in network.blockRoles(block) {
        guard let kind = role.inBlock, wanted.contains(kind) else { continue }
        matrices.append(
          PrunableMatrix(role: role, bound: try binding.tensor(role), weight: try linear(role)))
      }
    }
    guard !matrices.isEmpty else {
      let own = (0..<network.blocks).flatMap { network.blockRoles($0).compactMap(\.inBlock) }
      let asked = roles.map { $0.map(\.rawValue).sorted().joined(separator: ", ") } ?? "any role"
      throw ImportanceError.nothingToPrune(
        asked: "\(asked) in \(blocks.map { "blocks \($0.sorted())" } ?? "all blocks")",
        known: BlockRole.prunable.filter(own.contains).map(\.rawValue))
    }
    return matrices
  }
}

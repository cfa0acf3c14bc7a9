/// What a tensor does in the network. Code asks for roles, never for tensor names.
public enum Role: Hashable, Sendable {
  /// Token embeddings, `[V, D]`.
  case tokenEmbedding
  /// Learned position embeddings, `[positions, D]`.
  case positionEmbedding
  /// A role inside one block, counted from 0.
  case block(Int, BlockRole)
  /// Gain (and bias) of the norm after the last block, `[D]`.
  case finalNorm
  /// The product that makes logits, `[V, D]`.
  case head

  /// The block a role belongs to, nil outside the blocks.
  public var block: Int? { if case .block(let index, _) = self { index } else { nil } }
}

/// Roles inside a block. The raw value is the name that users type and reports carry.
public enum BlockRole: String, Sendable, CaseIterable {
  /// Gain (and bias) of the norm before attention, `[D]`.
  case attentionNorm = "attention.norm"
  /// Query product, `[H·head, D]`.
  case query = "attention.q"
  /// Key product, `[KV·head, D]`.
  case key = "attention.k"
  /// Value product, `[KV·head, D]`.
  case value = "attention.v"
  /// Gain of the norm over each query head, `[head]`.
  case queryNorm = "attention.q_norm"
  /// Gain of the norm over each key head, `[head]`.
  case keyNorm = "attention.k_norm"
  /// The product that writes attention into the residual stream, `[D, H·head]`.
  case attentionOutput = "attention.o"
  /// Gain (and bias) of the norm before the MLP, `[D]`.
  case mlpNorm = "mlp.norm"
  /// Gate product of a gated MLP, `[F, D]`.
  case gate = "mlp.gate"
  /// Up product (the only first product of a plain MLP), `[F, D]`.
  case up = "mlp.up"
  /// The product that writes the MLP into the residual stream, `[D, F]`.
  case down = "mlp.down"
}

extension BlockRole {
  /// One line for listings.
  public var summary: String {
    switch self {
    case .attentionNorm: "gain (and bias) of the norm before attention, [D]"
    case .query: "query product, [H·head, D]"
    case .key: "key product, [KV·head, D]"
    case .value: "value product, [KV·head, D]"
    case .queryNorm: "gain of the norm over each query head, [head]"
    case .keyNorm: "gain of the norm over each key head, [head]"
    case .attentionOutput: "the product that writes attention into the residual stream, [D, H·head]"
    case .mlpNorm: "gain (and bias) of the norm before the MLP, [D]"
    case .gate: "gate product of a gated MLP, [F, D]; its rows are what Model Surgery edits"
    case .up: "up product, [F, D]; edited where the MLP has no gate"
    case .down: "the product that writes the MLP into the residual stream, [D, F]"
    }
  }
}

extension Role: CustomStringConvertible {
  /// The name of the role: `embedding.tokens`, `blocks.7.mlp.gate`, `final_norm`, `head`.
  public var description: String {
    switch self {
    case .tokenEmbedding: "embedding.tokens"
    case .positionEmbedding: "embedding.positions"
    case .block(let index, let role): "blocks.\(index).\(role.rawValue)"
    case .finalNorm: "final_norm"
    case .head: "head"
    }
  }

  /// The role a name stands for, nil for anything else.
  public init?(_ name: String) {
    switch name {
    case "embedding.tokens": self = .tokenEmbedding
    case "embedding.positions": self = .positionEmbedding
    case "final_norm": self = .finalNorm
    case "head": self = .head
    default:
      let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
      guard parts.count == 3, parts[0] == "blocks", let index = Int(parts[1]), index >= 0,
        let role = BlockRole(rawValue: parts[2])
      else { return nil }
      self = .block(index, role)
    }
  }
}

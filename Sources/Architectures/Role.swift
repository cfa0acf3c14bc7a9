/// What a tensor does in the network. Code asks for roles, never for tensor names.
public enum Role: Hashable, Sendable {
  /// Token embeddings, `[V, D]`.
  case tokenEmbedding
  /// Learned position embeddings, `[positions, D]`.
  case positionEmbedding
  /// Gain (and bias) of the norm after the embeddings, `[D]`.
  case embeddingNorm
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
  /// Gain (and bias) of the norm over queries: `[head]`, `[H, head]` or `[H·head]`.
  case queryNorm = "attention.q_norm"
  /// Gain (and bias) of the norm over keys: `[head]`, `[KV, head]` or `[KV·head]`.
  case keyNorm = "attention.k_norm"
  /// The product that writes attention into the residual stream, `[D, H·head]`.
  case attentionOutput = "attention.o"
  /// Gain (and bias) of the norm over what attention gives, or over the stream after it, `[D]`.
  case attentionPostNorm = "attention.post_norm"
  /// Gain (and bias) of the norm before the MLP, `[D]`.
  case mlpNorm = "mlp.norm"
  /// Gate product of a gated MLP, `[F, D]`.
  case gate = "mlp.gate"
  /// Up product (the only first product of a plain MLP), `[F, D]`.
  case up = "mlp.up"
  /// The product that writes the MLP into the residual stream, `[D, F]`.
  case down = "mlp.down"
  /// Gain (and bias) of the norm over what the MLP gives, or over the stream after it, `[D]`.
  case mlpPostNorm = "mlp.post_norm"

  /// Whether the role is a gain instead of a product.
  public var isNorm: Bool {
    switch self {
    case .attentionNorm, .attentionPostNorm, .mlpNorm, .mlpPostNorm, .queryNorm, .keyNorm: true
    default: false
    }
  }
}

extension BlockRole {
  /// One line for listings.
  public var summary: String {
    switch self {
    case .attentionNorm: "gain (and bias) of the norm before attention, [D]"
    case .query: "query product, [H·head, D]"
    case .key: "key product, [KV·head, D]"
    case .value: "value product, [KV·head, D]"
    case .queryNorm: "gain of the norm over queries: a head at a time, or all of them together"
    case .keyNorm: "gain of the norm over keys: a head at a time, or all of them together"
    case .attentionOutput: "the product that writes attention into the residual stream, [D, H·head]"
    case .attentionPostNorm: "gain (and bias) of the norm over attention's result or the stream after it, [D]"
    case .mlpPostNorm: "gain (and bias) of the norm over the MLP's result or the stream after it, [D]"
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
    case .embeddingNorm: "embedding.norm"
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
    case "embedding.norm": self = .embeddingNorm
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

/// What a tensor does in the network. Code asks for roles, never for tensor names.
public enum Role: Hashable, Sendable {
  /// Token embeddings, `[V, D]`.
  case tokenEmbedding
  /// Learned position embeddings, `[positions, D]`.
  case positionEmbedding
  /// The product that widens narrow embeddings to the residual stream, `[D, E]`.
  case embeddingProjection
  /// Embeddings of token types, `[types, D]`.
  case tokenTypeEmbedding
  /// Gain (and bias) of the norm after the embeddings, `[D]`.
  case embeddingNorm
  /// A role inside one block, counted from 0.
  case block(Int, BlockRole)
  /// A product of one expert (the second number) of a block: gate, up or down.
  case expert(Int, Int, BlockRole)
  /// Gain (and bias) of the norm after the last block, `[D]`.
  case finalNorm
  /// The product that narrows the residual stream to what the head reads, `[E, D]`.
  case headProjection
  /// The product that makes logits, `[V, D]`, or `[V, E]` after a projection.
  case head

  /// The block a role belongs to, nil outside the blocks.
  public var block: Int? {
    switch self {
    case .block(let index, _), .expert(let index, _, _): index
    default: nil
    }
  }

  /// The expert a role belongs to, counted from 0; nil for everything that is no expert's.
  public var expert: Int? { if case .expert(_, let index, _) = self { index } else { nil } }

  /// What the role is in its block; nil outside the blocks.
  public var inBlock: BlockRole? {
    switch self {
    case .block(_, let role), .expert(_, _, let role): role
    default: nil
    }
  }
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

  /// The product that says which experts a token goes to, `[E, D]`.
  case router = "mlp.router"
  /// Gate product of the expert that every token goes through, `[F, D]`.
  case sharedGate = "mlp.shared.gate"
  /// Its up product, `[F, D]`.
  case sharedUp = "mlp.shared.up"
  /// Its down product, `[D, F]`.
  case sharedDown = "mlp.shared.down"
  /// The product whose sigmoid weighs it, `[1, D]`.
  case sharedRouter = "mlp.shared.router"

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
    case .router: "the product that chooses a token's experts, [E, D]"
    case .sharedGate: "gate product of the expert that every token goes through, [F, D]"
    case .sharedUp: "up product of the expert that every token goes through, [F, D]"
    case .sharedDown: "down product of the expert that every token goes through, [D, F]"
    case .sharedRouter: "the product whose sigmoid weighs the shared expert, [1, D]"
    }
  }
}

extension Role: CustomStringConvertible {
  /// The name of the role: `embedding.tokens`, `blocks.7.mlp.gate`, `blocks.7.mlp.experts.3.gate`, `final_norm`, `head`.
  public var description: String {
    switch self {
    case .tokenEmbedding: "embedding.tokens"
    case .positionEmbedding: "embedding.positions"
    case .tokenTypeEmbedding: "embedding.token_types"
    case .embeddingNorm: "embedding.norm"
    case .embeddingProjection: "embedding.projection"
    case .headProjection: "head.projection"
    case .block(let index, let role): "blocks.\(index).\(role.rawValue)"
    case .expert(let index, let expert, let role):
      "blocks.\(index).mlp.experts.\(expert).\(role.rawValue.dropFirst(4))"
    case .finalNorm: "final_norm"
    case .head: "head"
    }
  }

  /// The role a name stands for, nil for anything else.
  public init?(_ name: String) {
    switch name {
    case "embedding.tokens": self = .tokenEmbedding
    case "embedding.positions": self = .positionEmbedding
    case "embedding.token_types": self = .tokenTypeEmbedding
    case "embedding.norm": self = .embeddingNorm
    case "embedding.projection": self = .embeddingProjection
    case "head.projection": self = .headProjection
    case "final_norm": self = .finalNorm
    case "head": self = .head
    default:
      let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
      guard parts.count == 3, parts[0] == "blocks", let index = Int(parts[1]), index >= 0 else { return nil }
      if let role = BlockRole(rawValue: parts[2]) {
        self = .block(index, role)
        return
      }
      let inner = parts[2].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard inner.count == 4, inner[0] == "mlp", inner[1] == "experts", let expert = Int(inner[2]),
        expert >= 0,
        let role = BlockRole(rawValue: "mlp." + inner[3]), [.gate, .up, .down].contains(role)
      else { return nil }
      self = .expert(index, expert, role)
    }
  }
}

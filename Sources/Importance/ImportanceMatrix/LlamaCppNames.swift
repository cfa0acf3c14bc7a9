import Architectures
import OrderedCollections

/// The names that llama.cpp gives to the products of a network, such as `blk.3.ffn_down.weight`.
enum LlamaCppNames {
  /// A product's name, and which matrix of a stack it is; nil for what is no product of a block or the head.
  ///
  /// Queries, keys and values that share a stored tensor are one product there too (`attn_qkv`), gate and up that do are `ffn_up`;
  /// experts lie in one tensor whatever the checkpoint does.
  static func name(_ role: Role, _ binding: Binding) -> (name: String, matrix: Int)? {
    switch role {
    case .head: return ("output.weight", 0)
    case .block(let block, let inner):
      func isFused(with other: BlockRole) -> Bool {
        guard let own = binding.tensors[role] else { return false }
        return binding.tensors[.block(block, other)]?.tensor == own.tensor
      }
      let leaf: String
      switch inner {
      case .query: leaf = isFused(with: .key) ? "attn_qkv" : "attn_q"
      case .key: leaf = isFused(with: .query) ? "attn_qkv" : "attn_k"
      case .value: leaf = isFused(with: .query) ? "attn_qkv" : "attn_v"
      case .attentionOutput: leaf = "attn_output"
      case .gate: leaf = isFused(with: .up) ? "ffn_up" : "ffn_gate"
      case .up: leaf = "ffn_up"
      case .down: leaf = "ffn_down"
      case .sharedGate: leaf = "ffn_gate_shexp"
      case .sharedUp: leaf = "ffn_up_shexp"
      case .sharedDown: leaf = "ffn_down_shexp"
      case .router: leaf = "ffn_gate_inp"
      case .sharedRouter: leaf = "ffn_gate_inp_shexp"
      case .attentionNorm, .queryNorm, .keyNorm, .attentionPostNorm, .mlpNorm, .mlpPostNorm: return nil
      }
      return ("blk.\(block).\(leaf).weight", 0)
    case .expert(let block, let expert, let inner):
      let leaf: String
      switch inner {
      case .gate: leaf = "ffn_gate_exps"
      case .up: leaf = "ffn_up_exps"
      case .down: leaf = "ffn_down_exps"
      default: return nil
      }
      return ("blk.\(block).\(leaf).weight", expert)
    default: return nil
    }
  }
}

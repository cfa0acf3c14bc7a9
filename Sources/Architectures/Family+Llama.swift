import JSON

/// The Llama layout and the families that differ from it in a few choices.
extension Family {
  static let llama = llamaLayout(
    name: "llama", summary: "Llama 1 to 3.x: RMSNorm, rotary, grouped-query attention, SwiGLU",
    choices: LlamaChoices(
      mlpWidth: 11008, vocabulary: 32000, contextLength: 2048, bias: .attentionAndMLP))

  static let mistral = llamaLayout(
    name: "mistral", summary: "Mistral: the Llama layout with a sliding window in every block",
    choices: LlamaChoices(
      keyValueHeads: 8, mlpWidth: 14336, vocabulary: 32000, contextLength: 131_072, window: .everyBlock,
      bias: .none))

  static let qwen2 = llamaLayout(
    name: "qwen2", summary: "Qwen 2 and 2.5: biases on queries, keys and values",
    choices: LlamaChoices(
      keyValueHeads: 32, mlpWidth: 22016, vocabulary: 151_936, contextLength: 32_768, window: .upperBlocks,
      bias: .queryKeyValue, bos: nil, eos: nil))

  static let qwen3 = llamaLayout(
    name: "qwen3", summary: "Qwen 3: norms on queries and keys, heads of their own size",
    choices: LlamaChoices(
      keyValueHeads: 32, headSize: 128, mlpWidth: 22016, vocabulary: 151_936, contextLength: 32_768,
      window: .upperBlocks, bias: .attention, queryKeyNorm: true, bos: nil, eos: nil))

  /// What the families of this layout choose differently; absent config keys take these values.
  struct LlamaChoices: Sendable {
    enum Window: Sendable { case none, everyBlock, upperBlocks }
    enum Bias: Sendable { case none, queryKeyValue, attention, attentionAndMLP }
    var keyValueHeads: Int?
    var headSize: Int?
    var mlpWidth: Int
    var vocabulary: Int
    var contextLength: Int
    var window: Window = .none
    var bias: Bias
    var queryKeyNorm = false
    var bos: Int? = 1
    var eos: Int? = 2
  }

  private static func llamaLayout(name: String, summary: String, choices: LlamaChoices) -> Family {
    Family(
      name: name, summary: summary, prefixes: ["model.", ""], blockPrefix: "layers.{}.",
      tokenEmbedding: "embed_tokens", finalNorm: "norm", templates: llamaTemplates,
      buffers: ["rotary_emb.inv_freq"],
      network: { try llamaNetwork($0, name: name, choices: choices) })
  }

  /// Names of the Llama layout.
  static let llamaTemplates: [Template] = [
    Template(.attentionNorm, "input_layernorm"),
    Template(.query, "self_attn.q_proj"), Template(.key, "self_attn.k_proj"),
    Template(.value, "self_attn.v_proj"), Template(.queryNorm, "self_attn.q_norm"),
    Template(.keyNorm, "self_attn.k_norm"), Template(.attentionOutput, "self_attn.o_proj"),
    Template(.mlpNorm, "post_attention_layernorm"),
    Template(.gate, "mlp.gate_proj"), Template(.up, "mlp.up_proj"), Template(.down, "mlp.down_proj"),
  ]

  private static func llamaNetwork(_ config: ConfigReader, name: String, choices: LlamaChoices) throws
    -> Network
  {
    let width = try config.positive("hidden_size", default: 4096)
    let blocks = try config.positive("num_hidden_layers", default: 32)
    let heads = try config.positive("num_attention_heads", default: 32)
    // Null means as many as heads; an absent key may mean another number.
    let absent = config.config["num_key_value_heads"] == nil ? choices.keyValueHeads : nil
    let keyValueHeads = try config.positive("num_key_value_heads", default: absent ?? heads)
    let headSize = try config.positive("head_dim", default: choices.headSize ?? width / heads)
    guard heads % keyValueHeads == 0 else {
      throw ArchitectureError.config(
        key: "num_key_value_heads", reason: "\(keyValueHeads) does not divide \(heads) attention heads")
    }
    let contextLength = try config.positive("max_position_embeddings", default: choices.contextLength)
    let rotary = try config.rotary(headSize: headSize, contextLength: contextLength)
    let norm = Network.Norm(kind: .rms, epsilon: Float(try config.double("rms_norm_eps", default: 1e-6)))
    return Network(
      family: name, width: width, blocks: blocks, heads: heads, keyValueHeads: keyValueHeads,
      headSize: headSize,
      mlpWidth: try config.positive("intermediate_size", default: choices.mlpWidth),
      vocabulary: try config.positive("vocab_size", default: choices.vocabulary),
      contextLength: rotary.scaling.reach(contextLength), norm: norm, learnedPositions: false,
      rotaries: Array(repeating: rotary, count: blocks),
      windows: try windows(config, blocks: blocks, rule: choices.window),
      attentionScales: Array(repeating: 1 / Float(headSize).squareRoot(), count: blocks),
      queryKeyNorm: choices.queryKeyNorm ? .init(norm: norm, scope: .head) : nil,
      gatedMLP: true, activation: try config.activation("hidden_act", default: "silu"),
      biases: try biases(config, rule: choices.bias),
      tiedHead: try config.bool("tie_word_embeddings", default: false),
      bos: config.token("bos_token_id", default: choices.bos),
      eos: try config.tokens("eos_token_id", default: choices.eos))
  }

  /// Biases: as the config says for Llama and Qwen 3, always on queries, keys and values for Qwen 2.
  private static func biases(_ config: ConfigReader, rule: LlamaChoices.Bias) throws -> Set<BlockRole> {
    switch rule {
    case .none: return []
    case .queryKeyValue: return [.query, .key, .value]
    case .attention, .attentionAndMLP:
      var roles: Set<BlockRole> = []
      if try config.bool("attention_bias", default: false) {
        roles.formUnion([.query, .key, .value, .attentionOutput])
      }
      if rule == .attentionAndMLP, try config.bool("mlp_bias", default: false) {
        roles.formUnion([.gate, .up, .down])
      }
      return roles
    }
  }

  /// Sliding windows a block at a time. Mistral slides everywhere (window 4096 where the key is absent, none where
  /// it is null); Qwen slides from block `max_window_layers` on, and only where `use_sliding_window` says so; a list
  /// `layer_types` decides where it is given.
  private static func windows(_ config: ConfigReader, blocks: Int, rule: LlamaChoices.Window) throws -> [Int?]
  {
    let stored = config.config["sliding_window"]
    let size = stored == nil ? 4096 : stored?.int
    switch rule {
    case .none: return Array(repeating: nil, count: blocks)
    case .everyBlock: return Array(repeating: size, count: blocks)
    case .upperBlocks:
      let size = try config.bool("use_sliding_window", default: false) ? size : nil
      if let types = try config.list("layer_types", blocks: blocks) {
        return types.map { $0.string == "sliding_attention" ? size : nil }
      }
      let first = try config.int("max_window_layers", default: 28)
      return (0..<blocks).map { $0 >= first ? size : nil }
    }
  }
}

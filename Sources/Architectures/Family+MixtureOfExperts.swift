import JSON

/// The Llama layout with experts in the place of MLPs.
extension Family {
  static let mixtral = mixture(
    "mixtral", "Mixtral: Mistral with a mixture of experts in every block",
    sizes: MixtureSizes(
      width: 4096, blocks: 32, heads: 32, keyValueHeads: 8, mlpWidth: 14336, vocabulary: 32000,
      context: 131_072, epsilon: 1e-5),
    router: ["block_sparse_moe.gate", "mlp.gate"],
    experts: ["block_sparse_moe.experts", "mlp.experts"].flatMap { folder in
      [
        Template(.gate, folder + ".{expert}.w1"), Template(.up, folder + ".{expert}.w3"),
        Template(.down, folder + ".{expert}.w2"),
      ]
    }
  ) { config, network in
    try network.readTokens(config, bos: 1, eos: 2)
    network.rotate(
      try config.rotary(
        headSize: network.headSize, contextLength: network.contextLength, .init(theta: 1_000_000)))
    let window = try config.optionalPositive("sliding_window")
    network.windows = Array(repeating: window, count: network.blocks)
    return Network.Experts(
      count: try config.positive("num_local_experts", "num_experts", default: 8),
      chosen: try config.positive("num_experts_per_tok", default: 2), width: network.mlpWidth,
      normalised: true, sharedWidth: nil, blocks: Array(repeating: true, count: network.blocks))
  }

  static let qwen2MoE = mixture(
    "qwen2_moe", "Qwen 2 MoE: many small experts and a shared one; dense blocks where the config says",
    sizes: MixtureSizes(
      width: 2048, blocks: 24, heads: 16, keyValueHeads: 16, mlpWidth: 5632, vocabulary: 151_936,
      context: 32_768, epsilon: 1e-6),
    router: ["mlp.gate"], experts: qwenExperts
  ) { config, network in
    try network.readTokens(config, bos: nil, eos: nil)
    network.rotate(try config.rotary(headSize: network.headSize, contextLength: network.contextLength))
    if try config.bool("qkv_bias", default: true) { network.biases = .queryKeyValue }
    network.windows = try qwen2Windows(config, blocks: network.blocks)
    return Network.Experts(
      count: try config.positive("num_experts", default: 60),
      chosen: try config.positive("num_experts_per_tok", default: 4),
      width: try config.positive("moe_intermediate_size", default: 1408),
      normalised: try config.bool("norm_topk_prob", default: false),
      sharedWidth: try config.positive("shared_expert_intermediate_size", default: 5632),
      blocks: try sparseBlocks(config, blocks: network.blocks))
  }

  static let qwen3MoE = mixture(
    "qwen3_moe", "Qwen 3 MoE: norms on queries and keys, many small experts",
    sizes: MixtureSizes(
      width: 2048, blocks: 24, heads: 32, keyValueHeads: 4, mlpWidth: 6144, vocabulary: 151_936,
      context: 32_768, epsilon: 1e-6),
    router: ["mlp.gate"], experts: qwenExperts
  ) { config, network in
    try network.readTokens(config, bos: nil, eos: nil)
    network.rotate(try config.rotary(headSize: network.headSize, contextLength: network.contextLength))
    network.queryKeyNorm = .init(norm: network.norm, scope: .head)
    if try config.bool("attention_bias", default: false) { network.biases = .attention }
    if try config.bool("use_sliding_window", default: false) {
      network.windows = Array(repeating: try slidingWindow(config), count: network.blocks)
    }
    return Network.Experts(
      count: try config.positive("num_experts", "num_local_experts", default: 128),
      chosen: try config.positive("num_experts_per_tok", default: 8),
      width: try config.positive("moe_intermediate_size", default: 768),
      normalised: try config.bool("norm_topk_prob", default: false), sharedWidth: nil,
      blocks: try sparseBlocks(config, blocks: network.blocks))
  }

  private static let qwenExperts = [
    Template(.gate, "mlp.experts.{expert}.gate_proj"), Template(.up, "mlp.experts.{expert}.up_proj"),
    Template(.down, "mlp.experts.{expert}.down_proj"),
  ]

  /// What a config without keys means.
  private struct MixtureSizes: Sendable {
    var width, blocks, heads, keyValueHeads, mlpWidth, vocabulary, context: Int
    var epsilon: Double
  }

  private static func mixture(
    _ name: String, _ summary: String, sizes: MixtureSizes, router: [String], experts: [Template],
    read: @escaping @Sendable (ConfigReader, inout Network) throws -> Network.Experts
  ) -> Family {
    Family(
      name: name, summary: summary, prefixes: ["model.", ""], blockPrefix: "layers.{}.",
      tokenEmbedding: "embed_tokens", finalNorm: "norm",
      templates: llamaTemplates + router.map { Template(.router, $0) } + [
        Template(.sharedGate, "mlp.shared_expert.gate_proj"),
        Template(.sharedUp, "mlp.shared_expert.up_proj"),
        Template(.sharedDown, "mlp.shared_expert.down_proj"),
        Template(.sharedRouter, "mlp.shared_expert_gate"),
      ],
      // Besides a tensor an expert: as transformers 5 holds them, gates first.
      expertTemplates: experts + Template.gateUp("mlp.experts.gate_up_proj") + [
        Template(.down, "mlp.experts.down_proj")
      ],
      buffers: ["rotary_emb.inv_freq"],
      network: { config in
        let heads = try config.positive("num_attention_heads", default: sizes.heads)
        // Null means as many as heads; an absent key may mean another number.
        let absent = config.config["num_key_value_heads"] == nil ? sizes.keyValueHeads : heads
        var network = try Network(
          family: name, width: try config.positive("hidden_size", default: sizes.width),
          blocks: try config.positive("num_hidden_layers", default: sizes.blocks), heads: heads,
          keyValueHeads: try config.positive("num_key_value_heads", default: absent),
          headSize: try config.optionalPositive("head_dim"),
          mlpWidth: try config.positive("intermediate_size", default: sizes.mlpWidth),
          vocabulary: try config.positive("vocab_size", default: sizes.vocabulary),
          contextLength: try config.positive("max_position_embeddings", default: sizes.context),
          norm: .init(kind: .rms, epsilon: Float(try config.double("rms_norm_eps", default: sizes.epsilon))),
          gatedMLP: true, activation: try config.activation("hidden_act", default: "silu"),
          tiedHead: try config.bool("tie_word_embeddings", default: false))
        let experts = try read(config, &network)
        guard experts.chosen <= experts.count else {
          throw ArchitectureError.config(
            key: "num_experts_per_tok", reason: "\(experts.chosen) of \(experts.count) experts")
        }
        network.experts = experts
        return network
      })
  }

  /// The blocks with experts: every `decoder_sparse_step`-th, but those in `mlp_only_layers`.
  private static func sparseBlocks(_ config: ConfigReader, blocks: Int) throws -> [Bool] {
    let step = try config.positive("decoder_sparse_step", default: 1)
    let dense = Set(try config.ids("mlp_only_layers"))
    return (0..<blocks).map { ($0 + 1) % step == 0 && !dense.contains($0) }
  }

  /// 4096 where the key is absent, none where it is null.
  private static func slidingWindow(_ config: ConfigReader) throws -> Int? {
    config.config["sliding_window"] == nil ? 4096 : try config.optionalPositive("sliding_window")
  }

  /// Sliding windows where `use_sliding_window` says so: the blocks that `layer_types` names, or without it every second
  /// one below `max_window_layers`, from block 0.
  private static func qwen2Windows(_ config: ConfigReader, blocks: Int) throws -> [Int?] {
    guard try config.bool("use_sliding_window", default: false) else {
      return Array(repeating: nil, count: blocks)
    }
    let size = try slidingWindow(config)
    if let types = try config.list("layer_types", blocks: blocks) {
      return types.map { $0.string == "sliding_attention" ? size : nil }
    }
    let last = try config.int("max_window_layers", default: 28)
    return (0..<blocks).map { $0 % 2 == 0 && $0 < last ? size : nil }
  }
}

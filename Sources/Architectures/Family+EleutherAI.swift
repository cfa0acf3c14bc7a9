import JSON

/// GPT-Neo, GPT-J and GPT-NeoX (Pythia).
extension Family {
  static let gptNeoX = Family(
    name: "gpt_neox", summary: "GPT-NeoX and Pythia: qkv a head at a time, parallel blocks, partial rotation",
    prefixes: ["gpt_neox.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_in",
    finalNorm: "final_layer_norm", heads: ["embed_out", "lm_head"],
    templates: [
      Template(.attentionNorm, "input_layernorm"), Template(.attentionOutput, "attention.dense"),
      Template(.mlpNorm, "post_attention_layernorm"),
      Template(.up, "mlp.dense_h_to_4h"), Template(.down, "mlp.dense_4h_to_h"),
    ] + Template.queryKeyValue("attention.query_key_value", .byKeyValueHead),
    buffers: [".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"],
    network: { config in
      var network = try Network(
        family: "gpt_neox", width: try config.positive("hidden_size", default: 6144),
        blocks: try config.positive("num_hidden_layers", default: 44),
        heads: try config.positive("num_attention_heads", default: 64),
        mlpWidth: try config.positive("intermediate_size", default: 24576),
        vocabulary: try config.positive("vocab_size", default: 50432),
        contextLength: try config.positive("max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_eps", default: 1e-5))),
        gatedMLP: false, activation: try config.activation("hidden_act", default: "gelu"),
        tiedHead: try config.bool("tie_word_embeddings", default: false))
      try network.readTokens(config, bos: 0, eos: 2)
      let parallel = try config.bool("use_parallel_residual", default: true)
      network.blockOrder = parallel ? .parallel : .sequential
      network.rotate(
        try config.rotary(
          headSize: network.headSize, contextLength: network.contextLength,
          .init(thetaKey: "rotary_emb_base", share: 0.25, shareKey: "rotary_pct")))
      network.biases =
        try config.bool("attention_bias", default: true) ? .allOfPlainBlocks : .plainMLP
      return network
    })

  static let gptJ = Family(
    name: "gptj", summary: "GPT-J: parallel blocks under one norm, rotation of neighbouring pairs",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "wte", finalNorm: "ln_f",
    templates: [
      Template(.attentionNorm, "ln_1"),
      Template(.query, "attn.q_proj"), Template(.key, "attn.k_proj"), Template(.value, "attn.v_proj"),
      Template(.attentionOutput, "attn.out_proj"),
      Template(.up, "mlp.fc_in"), Template(.down, "mlp.fc_out"),
    ],
    buffers: [".attn.bias", ".attn.masked_bias", ".attn.embed_positions"],
    network: { config in
      let width = try config.positive("n_embd", "hidden_size", default: 4096)
      var network = try Network(
        family: "gptj", width: width,
        blocks: try config.positive("n_layer", "num_hidden_layers", default: 28),
        heads: try config.positive("n_head", "num_attention_heads", default: 16),
        mlpWidth: try config.positive("n_inner", default: 4 * width),
        vocabulary: try config.positive("vocab_size", default: 50400),
        contextLength: try config.positive("n_positions", "max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        gatedMLP: false, activation: try config.activation("activation_function", default: "gelu_new"),
        tiedHead: try config.bool("tie_word_embeddings", default: false))
      try network.readTokens(config, bos: 50256, eos: 50256)
      network.blockOrder = .parallelOneNorm
      let rotated = try config.positive("rotary_dim", default: 64)
      guard rotated <= network.headSize, rotated % 2 == 0 else {
        throw ArchitectureError.config(
          key: "rotary_dim", reason: "\(rotated) of the \(network.headSize) of a head")
      }
      network.rotate(Network.Rotary(theta: 10_000, width: rotated, interleaved: true))
      network.biases = .plainMLP
      network.headBias = true
      return network
    })

  static let gptNeo = Family(
    name: "gpt_neo", summary: "GPT-Neo: GPT-2 with unscaled attention, global and local in turn",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "wte", positionEmbedding: "wpe",
    finalNorm: "ln_f",
    templates: [
      Template(.attentionNorm, "ln_1"),
      Template(.query, "attn.attention.q_proj"), Template(.key, "attn.attention.k_proj"),
      Template(.value, "attn.attention.v_proj"), Template(.attentionOutput, "attn.attention.out_proj"),
      Template(.mlpNorm, "ln_2"), Template(.up, "mlp.c_fc"), Template(.down, "mlp.c_proj"),
    ],
    buffers: [".attn.attention.bias", ".attn.attention.masked_bias"],
    network: { config in
      let width = try config.positive("hidden_size", default: 2048)
      let blocks = try config.positive("num_layers", "num_hidden_layers", default: 24)
      var network = try Network(
        family: "gpt_neo", width: width, blocks: blocks,
        heads: try config.positive("num_heads", "num_attention_heads", default: 16),
        mlpWidth: try config.positive("intermediate_size", default: 4 * width),
        vocabulary: try config.positive("vocab_size", default: 50257),
        contextLength: try config.positive("max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        gatedMLP: false, activation: try config.activation("activation_function", default: "gelu_new"),
        tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: 50256, eos: 50256)
      network.learnedPositions = true
      network.attentionScales = Array(repeating: 1, count: blocks)
      network.windows = try neoWindows(config, blocks: blocks)
      network.biases = [.attentionOutput, .up, .down]
      return network
    })

  /// `attention_types` lists runs such as `[[["global", "local"], 12]]`.
  private static func neoWindows(_ config: ConfigReader, blocks: Int) throws -> [Int?] {
    let size = try config.positive("window_size", default: 256)
    let runs = config.value(["attention_types"])?.value.array ?? [[["global", "local"], 12]]
    var kinds: [String] = []
    for run in runs {
      guard let parts = run.array, parts.count == 2, let names = parts[0].array?.compactMap(\.string),
        let times = parts[1].int, (0...blocks).contains(times)
      else { throw ArchitectureError.config(key: "attention_types", reason: "not a list of runs of names") }
      for _ in 0..<times { kinds += names }
    }
    guard kinds.count == blocks, kinds.allSatisfy({ $0 == "global" || $0 == "local" }) else {
      throw ArchitectureError.config(
        key: "attention_types",
        reason: "\(kinds.count) kinds for \(blocks) blocks, or others than global and local")
    }
    return kinds.map { $0 == "local" ? size : nil }
  }
}

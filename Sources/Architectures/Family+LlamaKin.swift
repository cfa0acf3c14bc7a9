import JSON

/// Families that keep the names of the Llama layout and differ in arithmetic: OLMo 2, Granite, SmolLM3, StableLM,
/// StarCoder 2, Cohere.
extension Family {
  static let olmo2 = kin(
    "olmo2", "OLMo 2: norms after attention and MLP, norms over all queries and all keys",
    templates: llamaTemplates.filter { $0.role != .mlpNorm } + [
      Template(.attentionPostNorm, "post_attention_layernorm"),
      Template(.mlpPostNorm, "post_feedforward_layernorm"),
    ],
    sizes: KinSizes(width: 4096, blocks: 32, heads: 32, mlpWidth: 11008, vocabulary: 50304, context: 2048),
    norm: { .init(kind: .rms, epsilon: Float(try $0.double("rms_norm_eps", default: 1e-5))) }
  ) { config, network in
    try network.readTokens(config, bos: nil, eos: 50279)
    network.normPlacement = .after
    network.queryKeyNorm = .init(norm: network.norm, scope: .whole)
    try network.rotateAll(config)
    try network.readBiases(config)
  }

  static let granite = kin(
    "granite", "Granite: the Llama layout with multipliers of embeddings, scores, residuals and logits",
    sizes: KinSizes(width: 4096, blocks: 32, heads: 32, mlpWidth: 11008, vocabulary: 32000, context: 2048),
    norm: { .init(kind: .rms, epsilon: Float(try $0.double("rms_norm_eps", default: 1e-6))) }
  ) { config, network in
    try network.readTokens(config, bos: 1, eos: 2)
    network.embeddingScale = Float(try config.double("embedding_multiplier", default: 1))
    network.residualScale = Float(try config.double("residual_multiplier", default: 1))
    network.logitDivisor = Float(try config.double("logits_scaling", default: 1))
    let scale = Float(try config.double("attention_multiplier", default: 1))
    network.attentionScales = Array(repeating: scale, count: network.blocks)
    try network.rotateAll(config)
    try network.readBiases(config)
    if try config.bool("mlp_bias", default: false) { network.biases.formUnion(Set<BlockRole>.gatedMLP) }
  }

  static let smolLM3 = kin(
    "smollm3", "SmolLM3: the Llama layout, every fourth block without rotation",
    sizes: KinSizes(
      width: 2048, blocks: 36, heads: 16, keyValueHeads: 4, mlpWidth: 11008, vocabulary: 128_256,
      context: 32_768, tied: true),
    norm: { .init(kind: .rms, epsilon: Float(try $0.double("rms_norm_eps", default: 1e-6))) }
  ) { config, network in
    try network.readTokens(config, bos: 128_000, eos: 128_001)
    try network.rotateAll(config, .init(theta: 2_000_000))
    let interval = try config.positive("no_rope_layer_interval", default: 4)
    let rotated =
      try config.list("no_rope_layers", blocks: network.blocks)?.map { $0.int ?? 0 != 0 }
      ?? (0..<network.blocks).map { ($0 + 1) % interval != 0 }
    network.rotaries = zip(network.rotaries, rotated).map { $1 ? $0 : nil }
    if try config.bool("use_sliding_window", default: false),
      let size = try config.optionalPositive("sliding_window")
    {
      let slides =
        try config.list("layer_types", blocks: network.blocks)?.map { $0.string == "sliding_attention" }
        ?? rotated.map { !$0 }
      network.windows = slides.map { $0 ? size : nil }
    }
    try network.readBiases(config)
    if try config.bool("mlp_bias", default: false) { network.biases.formUnion(Set<BlockRole>.gatedMLP) }
  }

  static let stableLM = kin(
    "stablelm",
    "StableLM: LayerNorm, partial rotation, norms a head, parallel blocks where the config says so",
    templates: llamaTemplates.filter { $0.role != .queryNorm && $0.role != .keyNorm } + [
      Template(.queryNorm, "self_attn.q_layernorm.norms.{head}"),
      Template(.keyNorm, "self_attn.k_layernorm.norms.{head}"),
    ],
    sizes: KinSizes(
      width: 2560, blocks: 32, heads: 32, keyValueHeads: 32, mlpWidth: 6912, vocabulary: 50304, context: 4096),
    norm: { .init(kind: .layer, epsilon: Float(try $0.double("layer_norm_eps", default: 1e-5))) }
  ) { config, network in
    try network.readTokens(config, bos: 0, eos: 0)
    try network.rotateAll(config, .init(share: 0.25))
    if try config.bool("use_parallel_residual", default: false) { network.blockOrder = .parallelOneNorm }
    if try config.bool("use_qkv_bias", default: false) { network.biases = .queryKeyValue }
    if try config.bool("qk_layernorm", default: false) {
      let norm = Network.Norm(kind: .layer, epsilon: network.norm.epsilon, hasBias: false)
      network.queryKeyNorm = .init(norm: norm, scope: .eachHead)
    }
  }

  static let starCoder2 = kin(
    "starcoder2", "StarCoder 2: LayerNorm, biases everywhere, plain MLP, sliding window",
    templates: llamaTemplates.filter { $0.role != .up && $0.role != .down } + [
      Template(.up, "mlp.c_fc"), Template(.down, "mlp.c_proj"),
    ],
    sizes: KinSizes(
      width: 3072, blocks: 30, heads: 24, keyValueHeads: 2, mlpWidth: 12288, vocabulary: 49152, context: 4096,
      tied: true, gated: false, activation: "gelu_pytorch_tanh"),
    norm: { .init(kind: .layer, epsilon: Float(try $0.double("norm_epsilon", default: 1e-5))) }
  ) { config, network in
    try network.readTokens(config, bos: 50256, eos: 50256)
    try network.rotateAll(config)
    let window = try config.optionalPositive("sliding_window")
    network.windows = Array(repeating: window, count: network.blocks)
    if try config.bool("use_bias", default: true) { network.biases = .allOfPlainBlocks }
  }

  static let cohere = kin(
    "cohere",
    "Cohere Command R: parallel blocks under one norm without bias, rotation of pairs, scaled logits",
    sizes: KinSizes(
      width: 8192, blocks: 40, heads: 64, mlpWidth: 22528, vocabulary: 256_000, context: 8192, tied: true),
    norm: {
      .init(kind: .layer, epsilon: Float(try $0.double("layer_norm_eps", default: 1e-5)), hasBias: false)
    }
  ) { config, network in
    try network.readTokens(config, bos: 5, eos: 255_001)
    network.blockOrder = .parallelOneNorm
    try network.rotateAll(config, .init(theta: 500_000, interleaved: true))
    network.logitScale = Float(try config.double("logit_scale", default: 0.0625))
    if try config.bool("use_qk_norm", default: false) {
      network.queryKeyNorm = .init(norm: network.norm, scope: .eachHead)
    }
    try network.readBiases(config)
  }

  /// What a config without keys means.
  private struct KinSizes: Sendable {
    var width, blocks, heads: Int
    var keyValueHeads: Int?
    var mlpWidth, vocabulary, context: Int
    var tied = false
    var gated = true
    var activation = "silu"
  }

  private static func kin(
    _ name: String, _ summary: String, templates: [Template] = llamaTemplates, sizes: KinSizes,
    norm: @escaping @Sendable (ConfigReader) throws -> Network.Norm,
    _ change: @escaping @Sendable (ConfigReader, inout Network) throws -> Void
  ) -> Family {
    Family(
      name: name, summary: summary, prefixes: ["model.", ""], blockPrefix: "layers.{}.",
      tokenEmbedding: "embed_tokens", finalNorm: "norm", templates: templates,
      buffers: ["rotary_emb.inv_freq"],
      network: { config in
        let heads = try config.positive("num_attention_heads", default: sizes.heads)
        // Null means as many as heads; an absent key may mean another number.
        let absent = config.config["num_key_value_heads"] == nil ? sizes.keyValueHeads : nil
        var network = try Network(
          family: name, width: try config.positive("hidden_size", default: sizes.width),
          blocks: try config.positive("num_hidden_layers", default: sizes.blocks), heads: heads,
          keyValueHeads: try config.positive("num_key_value_heads", default: absent ?? heads),
          headSize: try config.optionalPositive("head_dim"),
          mlpWidth: try config.positive("intermediate_size", default: sizes.mlpWidth),
          vocabulary: try config.positive("vocab_size", default: sizes.vocabulary),
          contextLength: try config.positive("max_position_embeddings", default: sizes.context),
          norm: try norm(config), gatedMLP: sizes.gated,
          activation: try config.activation("hidden_act", default: sizes.activation),
          tiedHead: try config.bool("tie_word_embeddings", default: sizes.tied))
        try change(config, &network)
        return network
      })
  }
}

extension Network {
  /// The config's rotary embedding in every block.
  fileprivate mutating func rotateAll(
    _ config: ConfigReader, _ defaults: ConfigReader.RotaryDefaults = ConfigReader.RotaryDefaults()
  ) throws {
    rotate(try config.rotary(headSize: headSize, contextLength: contextLength, defaults))
  }

  /// Biases of attention where the config asks for them.
  fileprivate mutating func readBiases(_ config: ConfigReader) throws {
    if try config.bool("attention_bias", default: false) { biases.formUnion(Set<BlockRole>.attention) }
  }
}

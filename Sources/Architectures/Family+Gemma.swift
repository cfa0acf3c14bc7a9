import JSON
import OrderedCollections

/// Gemma 1 to 3: gains are stored minus one, embeddings are multiplied by √D, the head is tied.
extension Family {
  static let gemma = Family(
    name: "gemma", summary: "Gemma: RMSNorm with gains stored minus one, scaled embeddings, GELU gate",
    prefixes: ["model.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_tokens", finalNorm: "norm",
    templates: llamaTemplates, buffers: ["rotary_emb.inv_freq"],
    network: { config in
      // The first official configs say "gelu" and mean its approximation.
      let activation = try config.activation("hidden_act", default: "gelu_pytorch_tanh")
      var network = try gemmaNetwork(
        config, "gemma", width: 3072, blocks: 28, heads: 16, keyValueHeads: 16, mlpWidth: 24576,
        vocabulary: 256_000, activation: activation == .gelu ? .geluTanh : activation)
      network.rotate(
        try config.rotary(headSize: network.headSize, contextLength: network.contextLength))
      return network
    })

  static let gemma2 = Family(
    name: "gemma2", summary: "Gemma 2: norms before and after, soft-caps, every other block slides",
    prefixes: ["model.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_tokens", finalNorm: "norm",
    templates: gemmaTemplates, buffers: ["rotary_emb.inv_freq"],
    network: { config in
      var network = try gemmaNetwork(
        config, "gemma2", width: 2304, blocks: 26, heads: 8, keyValueHeads: 4, mlpWidth: 9216,
        vocabulary: 256_000,
        activation: try config.activation("hidden_activation", default: "gelu_pytorch_tanh"))
      network.normPlacement = .around
      network.rotate(
        try config.rotary(headSize: network.headSize, contextLength: network.contextLength))
      network.windows = try gemmaWindows(config, blocks: network.blocks, pattern: 2)
      network.attentionSoftcap = try gemmaSoftcap(config, "attn_logit_softcapping", default: 50)
      network.logitSoftcap = try gemmaSoftcap(config, "final_logit_softcapping", default: 30)
      return network
    })

  static let gemma3 = Family(
    name: "gemma3", modelTypes: ["gemma3_text", "gemma3"],
    summary: "Gemma 3 (its text part): as Gemma 2 with norms on queries and keys, local and global rotation",
    prefixes: ["model.", "", "language_model.model.", "model.language_model."], blockPrefix: "layers.{}.",
    tokenEmbedding: "embed_tokens", finalNorm: "norm", heads: ["lm_head", "language_model.lm_head"],
    templates: gemmaTemplates, buffers: ["rotary_emb.inv_freq", "rotary_emb_local.inv_freq"],
    otherParts: [
      "vision_tower.": "vision tower", "model.vision_tower.": "vision tower",
      "multi_modal_projector.": "projector of images", "model.multi_modal_projector.": "projector of images",
    ],
    network: { config in
      let text = config.config["text_config"] == nil ? config : config.part("text_config")
      var network = try gemmaNetwork(
        text, "gemma3", width: 2304, blocks: 26, heads: 8, keyValueHeads: 4, mlpWidth: 9216,
        vocabulary: 262_208, contextLength: 131_072,
        activation: try text.activation("hidden_activation", default: "gelu_pytorch_tanh"))
      network.normPlacement = .around
      network.queryKeyNorm = .init(norm: network.norm, scope: .head)
      try text.refuse("attn_logit_softcapping", because: "transformers reads it but does not compute with it")
      network.logitSoftcap = try gemmaSoftcap(text, "final_logit_softcapping", default: nil)
      if text.config["text_config"] == nil, config.value(["eos_token_id"]) != nil {
        network.eos = try config.ids("eos_token_id")
      }
      if config.value(["tie_word_embeddings"]) != nil {
        network.tiedHead = try config.bool("tie_word_embeddings", default: true)
      }
      let pattern = try text.positive("sliding_window_pattern", default: 6)
      let types = try gemmaLayerTypes(text, blocks: network.blocks, pattern: pattern)
      network.windows = try gemmaWindows(text, blocks: network.blocks, pattern: pattern)
      let local = try gemmaRotary(text, network, "sliding_attention", key: "rope_local_base_freq", 10_000)
      let global = try gemmaRotary(text, network, "full_attention", key: "rope_theta", 1_000_000)
      network.rotaries = types.map { $0 ? local : global }
      network.contextLength = global.scaling.reach(network.contextLength)
      return network
    })

  /// The Llama layout with a norm on either side of attention and MLP.
  private static let gemmaTemplates =
    llamaTemplates.filter { $0.role != .mlpNorm } + [
      Template(.attentionPostNorm, "post_attention_layernorm"),
      Template(.mlpNorm, "pre_feedforward_layernorm"),
      Template(.mlpPostNorm, "post_feedforward_layernorm"),
    ]

  private static func gemmaNetwork(
    _ config: ConfigReader, _ family: String, width: Int, blocks: Int, heads: Int, keyValueHeads: Int,
    mlpWidth: Int, vocabulary: Int, contextLength: Int = 8192, activation: Network.Activation
  ) throws -> Network {
    try config.refuse(
      "use_bidirectional_attention", unless: false, because: "only causal attention is computed")
    var network = try Network(
      family: family, width: try config.positive("hidden_size", default: width),
      blocks: try config.positive("num_hidden_layers", default: blocks),
      heads: try config.positive("num_attention_heads", default: heads),
      keyValueHeads: try config.positive("num_key_value_heads", default: keyValueHeads),
      headSize: try config.positive("head_dim", default: 256),
      mlpWidth: try config.positive("intermediate_size", default: mlpWidth),
      vocabulary: try config.positive("vocab_size", default: vocabulary),
      contextLength: try config.positive("max_position_embeddings", default: contextLength),
      norm: .init(
        kind: .rms, epsilon: Float(try config.double("rms_norm_eps", default: 1e-6)), gainOffset: 1),
      gatedMLP: true, activation: activation,
      tiedHead: try config.bool("tie_word_embeddings", default: true))
    try network.readTokens(config, bos: 2, eos: 1)
    network.embeddingScale = Float(Double(network.width).squareRoot())
    if family != "gemma" {
      let scalar = try config.double("query_pre_attn_scalar", default: 256)
      network.attentionScales = Array(repeating: Float(1 / scalar.squareRoot()), count: network.blocks)
    }
    if try config.bool("attention_bias", default: false) { network.biases = .attention }
    return network
  }

  /// Whether each block slides: all but every `pattern`-th, or as `layer_types` says.
  private static func gemmaLayerTypes(_ config: ConfigReader, blocks: Int, pattern: Int) throws -> [Bool] {
    try config.list("layer_types", blocks: blocks)?.map { $0.string == "sliding_attention" }
      ?? (0..<blocks).map { ($0 + 1) % pattern != 0 }
  }

  private static func gemmaWindows(_ config: ConfigReader, blocks: Int, pattern: Int) throws -> [Int?] {
    let size = config.config["sliding_window"] == nil ? 4096 : config.value(["sliding_window"])?.value.int
    return try gemmaLayerTypes(config, blocks: blocks, pattern: pattern).map { $0 ? size : nil }
  }

  private static func gemmaSoftcap(_ config: ConfigReader, _ key: String, default cap: Double?) throws
    -> Float?
  {
    guard config.config[key] != nil else { return cap.map { Float($0) } }
    return config.value([key]) == nil ? nil : Float(try config.double(key, default: 0))
  }

  /// Rotation of the blocks that slide or of those that do not: `rope_parameters` by kind, or the older keys, whose
  /// `rope_scaling` concerns the latter only.
  private static func gemmaRotary(
    _ config: ConfigReader, _ network: Network, _ kind: String, key: String, _ theta: Double
  ) throws -> Network.Rotary {
    var parameters = config.part("rope_parameters").part(kind)
    if kind == "full_attention", let older = config.value(["rope_scaling"])?.value.object, !older.isEmpty {
      parameters = config.part("rope_scaling")
    }
    return try config.rotary(
      parameters, headSize: network.headSize, contextLength: network.contextLength,
      .init(theta: theta, thetaKey: key))
  }
}

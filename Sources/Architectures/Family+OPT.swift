import JSON

/// OPT and GPT-1.
extension Family {
  static let opt = Family(
    name: "opt", summary: "OPT: LayerNorm, learned positions from row 2 on, ReLU",
    prefixes: ["model.decoder.", "decoder.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_tokens",
    positionEmbedding: "embed_positions", finalNorm: "final_layer_norm",
    templates: [
      Template(.attentionNorm, "self_attn_layer_norm"),
      Template(.query, "self_attn.q_proj"), Template(.key, "self_attn.k_proj"),
      Template(.value, "self_attn.v_proj"), Template(.attentionOutput, "self_attn.out_proj"),
      Template(.attentionPostNorm, "self_attn_layer_norm"),
      Template(.mlpNorm, "final_layer_norm"), Template(.up, "fc1"), Template(.down, "fc2"),
      Template(.mlpPostNorm, "final_layer_norm"),
    ],
    network: { config in
      let width = try config.positive("hidden_size", default: 768)
      guard try config.positive("word_embed_proj_dim", default: width) == width else {
        throw ArchitectureError.unsupportedFeature(
          name: "word_embed_proj_dim other than hidden_size: embeddings that are projected (OPT-350m)")
      }
      try config.refuse(
        "layer_norm_elementwise_affine", unless: true, because: "norms without gains are not computed")
      var network = try Network(
        family: "opt", width: width, blocks: try config.positive("num_hidden_layers", default: 12),
        heads: try config.positive("num_attention_heads", default: 12),
        mlpWidth: try config.positive("ffn_dim", default: 3072),
        vocabulary: try config.positive("vocab_size", default: 50272),
        contextLength: try config.positive("max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: 1e-5), gatedMLP: false,
        activation: try config.activation("activation_function", default: "relu"),
        tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: 2, eos: 2)
      network.learnedPositions = true
      network.positionOffset = 2
      if try !config.bool("do_layer_norm_before", default: true) {
        network.normPlacement = .afterSum
        network.hasFinalNorm = false
      } else if try config.bool("_remove_final_layer_norm", default: false) {
        network.hasFinalNorm = false
      }
      if try config.bool("enable_bias", default: true) { network.biases = .allOfPlainBlocks }
      return network
    })

  static let gpt1 = Family(
    name: "openai-gpt", summary: "GPT-1: norms after the sums, no final norm, Conv1D weights",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "tokens_embed",
    positionEmbedding: "positions_embed", finalNorm: "",
    templates: [
      Template(.attentionOutput, "attn.c_proj"), Template(.attentionPostNorm, "ln_1"),
      Template(.up, "mlp.c_fc"), Template(.down, "mlp.c_proj"), Template(.mlpPostNorm, "ln_2"),
    ] + Template.queryKeyValue("attn.c_attn"),
    transposedLinears: true, buffers: [".attn.bias", "position_ids"],
    network: { config in
      let width = try config.positive("n_embd", "hidden_size", default: 768)
      // The family's "gelu" is the approximation.
      let activation = try config.activation("afn", default: "gelu")
      var network = try Network(
        family: "openai-gpt", width: width,
        blocks: try config.positive("n_layer", "num_hidden_layers", default: 12),
        heads: try config.positive("n_head", "num_attention_heads", default: 12), mlpWidth: 4 * width,
        vocabulary: try config.positive("vocab_size", default: 40478),
        contextLength: try config.positive("n_positions", "max_position_embeddings", default: 512),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        gatedMLP: false, activation: activation == .gelu ? .geluTanh : activation,
        tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: nil, eos: nil)
      network.learnedPositions = true
      network.normPlacement = .afterSum
      network.hasFinalNorm = false
      network.biases = .allOfPlainBlocks
      return network
    })
}

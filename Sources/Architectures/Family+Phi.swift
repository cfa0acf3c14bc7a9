import JSON

/// Phi 1 and 2, and Phi 3 and 4.
extension Family {
  static let phi = Family(
    name: "phi",
    summary: "Phi 1 to 2: LayerNorm, parallel blocks under one norm, partial rotation, plain MLP",
    prefixes: ["model.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_tokens",
    finalNorm: "final_layernorm",
    templates: [
      Template(.attentionNorm, "input_layernorm"),
      Template(.query, "self_attn.q_proj"), Template(.key, "self_attn.k_proj"),
      Template(.value, "self_attn.v_proj"), Template(.queryNorm, "self_attn.q_layernorm"),
      Template(.keyNorm, "self_attn.k_layernorm"), Template(.attentionOutput, "self_attn.dense"),
      Template(.up, "mlp.fc1"), Template(.down, "mlp.fc2"),
    ],
    buffers: ["rotary_emb.inv_freq"],
    network: { config in
      let heads = try config.positive("num_attention_heads", default: 32)
      var network = try Network(
        family: "phi", width: try config.positive("hidden_size", default: 2048),
        blocks: try config.positive("num_hidden_layers", default: 24), heads: heads,
        keyValueHeads: try config.positive("num_key_value_heads", default: heads),
        headSize: try config.optionalPositive("head_dim"),
        mlpWidth: try config.positive("intermediate_size", default: 8192),
        vocabulary: try config.positive("vocab_size", default: 51200),
        contextLength: try config.positive("max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_eps", default: 1e-5))),
        gatedMLP: false, activation: try config.activation("hidden_act", default: "gelu_new"),
        tiedHead: try config.bool("tie_word_embeddings", default: false))
      try network.readTokens(config, bos: 1, eos: 2)
      network.blockOrder = .parallelOneNorm
      network.rotate(
        try config.rotary(
          headSize: network.headSize, contextLength: network.contextLength, .init(share: 0.5)))
      if try config.bool("qk_layernorm", default: false) {
        network.queryKeyNorm = .init(norm: network.norm, scope: .head)
      }
      network.biases = .allOfPlainBlocks
      network.headBias = true
      return network
    })

  static let phi3 = Family(
    name: "phi3", summary: "Phi 3, 3.5 and 4: the Llama arithmetic with fused qkv and gate_up, LongRoPE",
    prefixes: ["model.", ""], blockPrefix: "layers.{}.", tokenEmbedding: "embed_tokens", finalNorm: "norm",
    templates: [
      Template(.attentionNorm, "input_layernorm"), Template(.attentionOutput, "self_attn.o_proj"),
      Template(.mlpNorm, "post_attention_layernorm"), Template(.down, "mlp.down_proj"),
    ] + Template.queryKeyValue("self_attn.qkv_proj") + Template.gateUp("mlp.gate_up_proj"),
    buffers: ["rotary_emb.inv_freq"],
    network: { config in
      let heads = try config.positive("num_attention_heads", default: 32)
      var network = try Network(
        family: "phi3", width: try config.positive("hidden_size", default: 3072),
        blocks: try config.positive("num_hidden_layers", default: 32), heads: heads,
        keyValueHeads: try config.positive("num_key_value_heads", default: heads),
        headSize: try config.optionalPositive("head_dim"),
        mlpWidth: try config.positive("intermediate_size", default: 8192),
        vocabulary: try config.positive("vocab_size", default: 32064),
        contextLength: try config.positive("max_position_embeddings", default: 4096),
        norm: .init(kind: .rms, epsilon: Float(try config.double("rms_norm_eps", default: 1e-5))),
        gatedMLP: true, activation: try config.activation("hidden_act", default: "silu"),
        tiedHead: try config.bool("tie_word_embeddings", default: false))
      try network.readTokens(config, bos: 1, eos: 32000)
      network.rotate(
        try config.rotary(
          headSize: network.headSize, contextLength: network.contextLength,
          .init(share: 1, trainedContext: 4096)))
      network.windows = Array(
        repeating: config.value(["sliding_window"])?.value.int, count: network.blocks)
      return network
    })
}

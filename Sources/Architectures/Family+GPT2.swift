import JSON

/// GPT-2: LayerNorm, learned positions, plain MLP, linear weights stored transposed.
extension Family {
  static let gpt2 = Family(
    name: "gpt2", summary: "GPT-2: LayerNorm, learned positions, plain MLP, Conv1D weights",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "wte", positionEmbedding: "wpe",
    finalNorm: "ln_f",
    templates: [
      Template(.attentionNorm, "ln_1"), Template(.attentionOutput, "attn.c_proj"),
      Template(.mlpNorm, "ln_2"), Template(.up, "mlp.c_fc"), Template(.down, "mlp.c_proj"),
    ] + Template.queryKeyValue("attn.c_attn"),
    transposedLinears: true, buffers: ["attn.bias", "attn.masked_bias"],
    network: { config in
      let width = try config.positive("n_embd", "hidden_size", default: 768)
      let blocks = try config.positive("n_layer", "num_hidden_layers", default: 12)
      let heads = try config.positive("n_head", "num_attention_heads", default: 12)
      guard width % heads == 0 else {
        throw ArchitectureError.config(key: "n_head", reason: "\(heads) does not divide the width \(width)")
      }
      let headSize = width / heads
      let scaled = try config.bool("scale_attn_weights", default: true)
      let byBlock = try config.bool("scale_attn_by_inverse_layer_idx", default: false)
      let base = scaled ? 1 / Float(headSize).squareRoot() : 1
      return Network(
        family: "gpt2", width: width, blocks: blocks, heads: heads, keyValueHeads: heads, headSize: headSize,
        mlpWidth: try config.positive("n_inner", default: 4 * width),
        vocabulary: try config.positive("vocab_size", default: 50257),
        contextLength: try config.positive("n_positions", "max_position_embeddings", default: 1024),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        learnedPositions: true, rotaries: Array(repeating: nil, count: blocks),
        windows: Array(repeating: nil, count: blocks),
        attentionScales: (0..<blocks).map { byBlock ? base / Float($0 + 1) : base },
        gatedMLP: false, activation: try config.activation("activation_function", default: "gelu_new"),
        biases: [.query, .key, .value, .attentionOutput, .up, .down],
        tiedHead: try config.bool("tie_word_embeddings", default: true),
        bos: config.token("bos_token_id", default: 50256),
        eos: try config.tokens("eos_token_id", default: 50256))
    })
}

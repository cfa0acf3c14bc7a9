import Glibc
import JSON

/// BLOOM, Falcon and MPT.
extension Family {
  static let bloom = Family(
    name: "bloom", summary: "BLOOM: ALiBi, LayerNorm after the embeddings, qkv a head at a time",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "word_embeddings",
    embeddingNorm: "word_embeddings_layernorm", finalNorm: "ln_f", templates: bloomTemplates,
    network: { config in
      try config.refuse(
        "apply_residual_connection_post_layernorm", unless: false,
        because: "a residual stream that is the normed one is not computed")
      try config.refuse("slow_but_exact", unless: false, because: "its sums in slices are not computed")
      let width = try config.positive("n_embed", "hidden_size", default: 64)
      var network = try Network(
        family: "bloom", width: width,
        blocks: try config.positive("n_layer", "num_hidden_layers", default: 2),
        heads: try config.positive("n_head", "num_attention_heads", default: 8), mlpWidth: 4 * width,
        vocabulary: try config.positive("vocab_size", default: 250_880),
        contextLength: try config.positive("seq_length", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        gatedMLP: false, activation: .geluTanh,
        tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: 1, eos: 2)
      network.hasEmbeddingNorm = true
      network.alibi = .init(slopes: pressSlopes(heads: network.heads))
      network.biases = .allOfPlainBlocks
      return network
    })

  static let falcon = Family(
    name: "falcon", summary: "Falcon: multi-query or grouped attention, parallel blocks, rotation or ALiBi",
    prefixes: ["transformer.", ""], blockPrefix: "h.{}.", tokenEmbedding: "word_embeddings",
    finalNorm: "ln_f",
    templates: bloomTemplates + [Template(.attentionNorm, "ln_attn"), Template(.mlpNorm, "ln_mlp")],
    buffers: ["rotary.inv_freq", "rotary_emb.inv_freq", "maybe_rotary.inv_freq"],
    network: { config in
      let width = try config.positive("n_embed", "hidden_size", default: 4544)
      let heads = try config.positive("num_attention_heads", "n_head", default: 71)
      let grouped = try config.bool("new_decoder_architecture", default: false)
      let multiQuery = try config.bool("multi_query", default: true)
      let groups = try config.positive("num_kv_heads", "n_head_kv", default: heads)
      var network = try Network(
        family: "falcon", width: width,
        blocks: try config.positive("num_hidden_layers", "n_layer", default: 32), heads: heads,
        keyValueHeads: grouped ? groups : multiQuery ? 1 : heads,
        mlpWidth: try config.positive("ffn_hidden_size", default: 4 * width),
        vocabulary: try config.positive("vocab_size", default: 65024),
        contextLength: try config.positive("max_position_embeddings", default: 2048),
        norm: .init(kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5))),
        gatedMLP: false, activation: try config.activation("activation", default: "gelu"),
        tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: 11, eos: 11)
      let twoNorms = try config.int("num_ln_in_parallel_attn", default: 2) == 2
      let parallel = try config.bool("parallel_attn", default: true)
      network.blockOrder =
        grouped ? (twoNorms ? .parallel : .parallelOneNorm) : parallel ? .parallelOneNorm : .sequential
      if try config.bool("alibi", default: false) {
        network.alibi = .init(
          slopes: pressSlopes(heads: heads), roundedFactor: 1 / Float(network.headSize).squareRoot())
      } else {
        network.rotate(
          try config.rotary(headSize: network.headSize, contextLength: network.contextLength))
      }
      if try config.bool("bias", default: false) { network.biases = .allOfPlainBlocks }
      return network
    })

  static let mpt = Family(
    name: "mpt", summary: "MPT: ALiBi, LayerNorm without bias, qkv in one tensor, no biases",
    prefixes: ["transformer.", ""], blockPrefix: "blocks.{}.", tokenEmbedding: "wte", finalNorm: "norm_f",
    templates: [
      Template(.attentionNorm, "norm_1"), Template(.attentionOutput, "attn.out_proj"),
      Template(.mlpNorm, "norm_2"), Template(.up, "ffn.up_proj"), Template(.down, "ffn.down_proj"),
    ] + Template.queryKeyValue("attn.Wqkv"),
    network: { config in
      let attention = config.part("attn_config")
      let ignored = "transformers reads it but does not compute with it"
      try attention.refuse("alibi", unless: true, because: ignored)
      try attention.refuse("alibi_bias_max", unless: 8, 8.0, because: ignored)
      try attention.refuse("attn_type", unless: "multihead_attention", because: ignored)
      try attention.refuse("qk_ln", unless: false, because: ignored)
      try attention.refuse("prefix_lm", unless: false, because: ignored)
      try config.refuse("no_bias", unless: true, because: ignored)
      try config.refuse("logit_scale", because: ignored)
      try config.refuse("expansion_ratio", unless: 4, 4.0, because: ignored)
      let width = try config.positive("d_model", "hidden_size", default: 2048)
      var network = try Network(
        family: "mpt", width: width,
        blocks: try config.positive("n_layers", "num_hidden_layers", default: 24),
        heads: try config.positive("n_heads", "num_attention_heads", default: 16), mlpWidth: 4 * width,
        vocabulary: try config.positive("vocab_size", default: 50368),
        contextLength: try config.positive("max_seq_len", default: 2048),
        norm: .init(
          kind: .layer, epsilon: Float(try config.double("layer_norm_epsilon", default: 1e-5)), hasBias: false
        ),
        gatedMLP: false, activation: .gelu, tiedHead: try config.bool("tie_word_embeddings", default: true))
      try network.readTokens(config, bos: nil, eos: nil)
      if attention.value(["softmax_scale"]) != nil {
        let scale = Float(try attention.double("softmax_scale", default: 1))
        network.attentionScales = Array(repeating: scale, count: network.blocks)
      }
      let limit = Float(try attention.double("clip_qkv", default: 0))
      if limit != 0 { network.queryKeyValueLimit = limit }
      network.alibi = .init(slopes: mptSlopes(heads: network.heads))
      return network
    })

  /// Names that BLOOM and Falcon share.
  private static let bloomTemplates =
    [
      Template(.attentionNorm, "input_layernorm"), Template(.attentionOutput, "self_attention.dense"),
      Template(.mlpNorm, "post_attention_layernorm"),
      Template(.up, "mlp.dense_h_to_4h"), Template(.down, "mlp.dense_4h_to_h"),
    ] + Template.queryKeyValue("self_attention.query_key_value", .byKeyValueHead)

  /// The slopes of arXiv 2108.12409: powers of 2^(-8/n) for n heads where n is a power of two; for other numbers those
  /// of the next lower power of two, then every other one of the next higher.
  static func pressSlopes(heads: Int) -> [Float] {
    var whole = 1
    while whole * 2 <= heads { whole *= 2 }
    func powers(_ count: Int, of heads: Int, step: Int) -> [Float] {
      let base = Float(pow(2, -pow(2, -(log2(Double(heads)) - 3))))
      return (0..<count).map { powf(base, Float(1 + $0 * step)) }
    }
    return powers(whole, of: whole, step: 1) + powers(heads - whole, of: 2 * whole, step: 2)
  }

  /// MPT's slopes: for other numbers than powers of two those of the next higher power, odd places first.
  static func mptSlopes(heads: Int) -> [Float] {
    var whole = 1
    while whole < heads { whole *= 2 }
    let slopes = (1...whole).map { 1 / powf(2, Float($0) * Float(8 / Double(whole))) }
    guard whole != heads else { return slopes }
    let odd = slopes.indices.filter { $0 % 2 == 1 }
    let even = slopes.indices.filter { $0 % 2 == 0 }
    return (odd + even).prefix(heads).map { slopes[$0] }
  }
}

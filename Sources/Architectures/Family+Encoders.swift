import JSON

/// Encoders: norms after the sums, a norm over the embeddings, every token sees every other, no head that makes next tokens.
extension Family {
  static let bert = encoder(
    name: "bert",
    summary: "BERT: hidden states of an encoder; LayerNorm after the sums, learned positions, token types",
    network: { try bertNetwork($0, name: "bert", padding: nil) })

  static let roberta = encoder(
    name: "roberta", modelTypes: ["roberta", "xlm-roberta", "camembert"],
    summary: "RoBERTa and XLM-RoBERTa: BERT whose positions count from the padding token on",
    network: { try bertNetwork($0, name: "roberta", padding: $0.token("pad_token_id", default: 1)) })

  static let distilbert = Family(
    name: "distilbert", summary: "DistilBERT: BERT without token types", prefixes: ["distilbert.", ""],
    blockPrefix: "transformer.layer.{}.", tokenEmbedding: "embeddings.word_embeddings",
    positionEmbedding: "embeddings.position_embeddings", embeddingNorm: "embeddings.LayerNorm", finalNorm: "",
    heads: [],
    templates: [
      Template(.query, "attention.q_lin"), Template(.key, "attention.k_lin"),
      Template(.value, "attention.v_lin"), Template(.attentionOutput, "attention.out_lin"),
      Template(.attentionPostNorm, "sa_layer_norm"), Template(.up, "ffn.lin1"), Template(.down, "ffn.lin2"),
      Template(.mlpPostNorm, "output_layer_norm"),
    ],
    buffers: ["embeddings.position_ids"], otherParts: encoderHeads,
    network: { config in
      try config.refuse("is_decoder", unless: false, because: "an encoder that was made a decoder")
      return try encoderNetwork(
        config, name: "distilbert", width: config.positive("dim", "hidden_size", default: 768),
        blocks: config.positive("n_layers", "num_hidden_layers", default: 6),
        heads: config.positive("n_heads", "num_attention_heads", default: 12),
        mlpWidth: config.positive("hidden_dim", "intermediate_size", default: 3072),
        activation: config.activation("activation", default: "gelu"), vocabulary: 30522, epsilon: 1e-12)
    })

  private static func encoder(
    name: String, modelTypes: [String]? = nil, summary: String,
    network: @escaping @Sendable (ConfigReader) throws -> Network
  ) -> Family {
    Family(
      name: name, modelTypes: modelTypes, summary: summary, prefixes: ["\(name).", ""],
      blockPrefix: "encoder.layer.{}.", tokenEmbedding: "embeddings.word_embeddings",
      positionEmbedding: "embeddings.position_embeddings",
      tokenTypeEmbedding: "embeddings.token_type_embeddings", embeddingNorm: "embeddings.LayerNorm",
      finalNorm: "", heads: [],
      templates: [
        Template(.query, "attention.self.query"), Template(.key, "attention.self.key"),
        Template(.value, "attention.self.value"), Template(.attentionOutput, "attention.output.dense"),
        Template(.attentionPostNorm, "attention.output.LayerNorm"), Template(.up, "intermediate.dense"),
        Template(.down, "output.dense"), Template(.mlpPostNorm, "output.LayerNorm"),
      ],
      buffers: ["embeddings.position_ids", "embeddings.token_type_ids"], otherParts: encoderHeads,
      network: network)
  }

  /// What folders of encoders carry behind the hidden states.
  private static let encoderHeads = [
    "pooler.": "a pooler, behind the hidden states", "cls.": "heads for masked words and next sentences",
    "lm_head.": "a head for masked words", "classifier.": "a classification head",
    "pre_classifier.": "a classification head", "score.": "a classification head",
    "qa_outputs.": "a head that finds answers", "vocab_transform.": "a head for masked words",
    "vocab_layer_norm.": "a head for masked words", "vocab_projector.": "a head for masked words",
  ]

  private static func bertNetwork(_ config: ConfigReader, name: String, padding: Int?) throws -> Network {
    try config.refuse("is_decoder", unless: false, because: "an encoder that was made a decoder")
    try config.refuse("add_cross_attention", unless: false, because: "attention to another network's states")
    try config.refuse(
      "position_embedding_type", unless: "absolute", because: "only learned absolute positions are computed")
    var network = try encoderNetwork(
      config, name: name, width: config.positive("hidden_size", default: 768),
      blocks: config.positive("num_hidden_layers", default: 12),
      heads: config.positive("num_attention_heads", default: 12),
      mlpWidth: config.positive("intermediate_size", default: 3072),
      activation: config.activation("hidden_act", default: "gelu"),
      vocabulary: config.string("model_type", default: name) == "roberta" ? 50265 : 30522,
      epsilon: config.double("layer_norm_eps", default: 1e-12))
    network.tokenTypes = try config.positive("type_vocab_size", default: 2)
    if let padding {
      // The padding token stands at its own number, the first token of a text right behind.
      network.positionOffset = padding + 1
      network.paddingToken = padding
      network.contextLength -= padding + 1
      guard network.contextLength > 0 else {
        throw ArchitectureError.config(
          key: "max_position_embeddings", reason: "no position is left behind padding token \(padding)")
      }
    }
    return network
  }

  private static func encoderNetwork(
    _ config: ConfigReader, name: String, width: Int, blocks: Int, heads: Int, mlpWidth: Int,
    activation: Network.Activation, vocabulary: Int, epsilon: Double
  ) throws -> Network {
    var network = try Network(
      family: name, width: width, blocks: blocks, heads: heads, mlpWidth: mlpWidth,
      vocabulary: config.positive("vocab_size", default: vocabulary),
      contextLength: config.positive("max_position_embeddings", default: 512),
      norm: .init(kind: .layer, epsilon: Float(epsilon)), gatedMLP: false, activation: activation,
      tiedHead: false)
    network.learnedPositions = true
    network.biases = Set<BlockRole>.attention.union(Set<BlockRole>.plainMLP)
    network.normPlacement = .afterSum
    network.hasEmbeddingNorm = true
    network.hasFinalNorm = false
    network.isCausal = false
    network.hasHead = false
    return network
  }
}

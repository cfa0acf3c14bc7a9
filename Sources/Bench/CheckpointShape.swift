import JSON
import Tensors

/// The sizes of a Llama-layout checkpoint of random weights.
struct CheckpointShape: Sendable, Equatable {
  /// Blocks, L.
  var blocks: Int
  /// Width of the residual stream, D.
  var width: Int
  /// Width of the MLP, F.
  var mlpWidth: Int
  /// Heads of the queries.
  var heads: Int
  /// Heads of keys and values.
  var keyValueHeads: Int
  /// Tokens, V.
  var vocabulary: Int
  /// Positions.
  var context: Int
  /// Whether the head is the embedding.
  var tied: Bool
  /// Type of the weights unless another one is asked for.
  var dtype: DType

  /// The shapes that have a name.
  static let named: [(name: String, shape: CheckpointShape)] = [
    (
      "organism",
      CheckpointShape(
        blocks: 6, width: 128, mlpWidth: 352, heads: 4, keyValueHeads: 2, vocabulary: 1280, context: 256,
        tied: true,
        dtype: .bf16)
    ),
    (
      "15m",
      CheckpointShape(
        blocks: 6, width: 288, mlpWidth: 768, heads: 6, keyValueHeads: 6, vocabulary: 32_000, context: 1024,
        tied: true, dtype: .f32)
    ),
    (
      "110m",
      CheckpointShape(
        blocks: 12, width: 768, mlpWidth: 2048, heads: 12, keyValueHeads: 12, vocabulary: 32_000,
        context: 1024,
        tied: true, dtype: .f32)
    ),
    (
      "1.1b",
      CheckpointShape(
        blocks: 22, width: 2048, mlpWidth: 5632, heads: 32, keyValueHeads: 4, vocabulary: 32_000,
        context: 2048,
        tied: false, dtype: .bf16)
    ),
  ]

  /// Why no model can have these sizes; nil where one can.
  var problem: String? {
    for (name, value) in [
      ("blocks", blocks), ("width", width), ("MLP width", mlpWidth), ("heads", heads),
      ("key and value heads", keyValueHeads), ("context", context),
    ] where value < 1 { return "\(name) must be at least 1, not \(value)" }
    if width % heads != 0 || width / heads % 2 != 0 {
      return "a width of \(width) does not split into \(heads) heads of even size"
    }
    if heads % keyValueHeads != 0 {
      return "\(heads) heads do not share \(keyValueHeads) heads of keys and values evenly"
    }
    return nil
  }

  /// One tensor to make.
  struct Slot: Equatable {
    /// Its name as Hugging Face's Llama stores it.
    var name: String
    /// Sizes, outermost first.
    var shape: [Int]
    /// The gain of a norm: all ones.
    var isGain = false

    /// Elements.
    var count: Int { shape.reduce(1, *) }
  }

  /// All tensors in the file's order.
  var slots: [Slot] {
    let keyWidth = width / heads * keyValueHeads
    var slots = [Slot(name: "model.embed_tokens.weight", shape: [vocabulary, width])]
    for block in 0..<blocks {
      let prefix = "model.layers.\(block)."
      slots += [
        Slot(name: prefix + "input_layernorm.weight", shape: [width], isGain: true),
        Slot(name: prefix + "self_attn.q_proj.weight", shape: [width, width]),
        Slot(name: prefix + "self_attn.k_proj.weight", shape: [keyWidth, width]),
        Slot(name: prefix + "self_attn.v_proj.weight", shape: [keyWidth, width]),
        Slot(name: prefix + "self_attn.o_proj.weight", shape: [width, width]),
        Slot(name: prefix + "post_attention_layernorm.weight", shape: [width], isGain: true),
        Slot(name: prefix + "mlp.gate_proj.weight", shape: [mlpWidth, width]),
        Slot(name: prefix + "mlp.up_proj.weight", shape: [mlpWidth, width]),
        Slot(name: prefix + "mlp.down_proj.weight", shape: [width, mlpWidth]),
      ]
    }
    slots.append(Slot(name: "model.norm.weight", shape: [width], isGain: true))
    if !tied { slots.append(Slot(name: "lm_head.weight", shape: [vocabulary, width])) }
    return slots
  }

  /// Elements of all tensors.
  var parameterCount: Int { slots.reduce(0) { $0 + $1.count } }

  /// config.json as Hugging Face writes it for these sizes.
  func config(dtype: DType) -> JSONValue {
    let name =
      switch dtype {
      case .bf16: "bfloat16"
      case .f16: "float16"
      default: "float32"
      }
    return [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": .integer(vocabulary),
      "hidden_size": .integer(width), "intermediate_size": .integer(mlpWidth),
      "num_hidden_layers": .integer(blocks), "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(keyValueHeads), "head_dim": .integer(width / heads),
      "hidden_act": "silu", "max_position_embeddings": .integer(context), "rms_norm_eps": .number(1e-5),
      "rope_theta": .number(10_000), "rope_scaling": .null, "attention_bias": false, "mlp_bias": false,
      "initializer_range": .number(GeneratedCheckpoint.deviation), "tie_word_embeddings": .bool(tied),
      "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": .string(name),
    ]
  }
}

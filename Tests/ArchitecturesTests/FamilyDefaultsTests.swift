import Architectures
import JSON
import Runtime
import Testing

/// Absent and null config keys mean what transformers takes them to mean (record_defaults.py).
@Suite struct FamilyDefaultsTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let config: JSONValue
    let expected: JSONValue
    var testDescription: String { (try? config.text()) ?? "?" }
  }

  static let rows: [Row] = {
    let json = try? JSONValue(file: Files.folder(of: #filePath) + "/Fixtures/defaults.json")
    return (json?["rows"]?.array ?? []).compactMap { row in
      guard let config = row["config"], let network = row["network"] else { return nil }
      return Row(config: config, expected: network)
    }
  }()

  @Test func isRecorded() { #expect(Self.rows.count >= 80) }

  @Test(arguments: rows)
  func networkOfConfig(row: Row) throws {
    let expected = row.expected
    let network = try Self.network(row.config)
    #expect(network.width == expected["width"]?.int)
    #expect(network.blocks == expected["blocks"]?.int)
    #expect(network.heads == expected["heads"]?.int)
    #expect(network.keyValueHeads == expected["key_value_heads"]?.int)
    #expect(network.headSize == expected["head_size"]?.int)
    #expect(network.mlpWidth == expected["mlp_width"]?.int)
    #expect(network.vocabulary == expected["vocabulary"]?.int)
    #expect(network.norm.epsilon == (expected["epsilon"]?.double).map { Float($0) })
    #expect(network.tiedHead == expected["tied"]?.bool)
    #expect(network.bos == expected["bos"]?.int)
    #expect(network.eos == expected["eos"]?.array?.compactMap(\.int) ?? [])
    #expect(network.windows == expected["windows"]?.array?.map(\.int))
    #expect(network.activation == Self.activations[expected["activation"]?.string ?? ""])
    #expect(network.embeddingScale == (expected["embedding_scale"]?.double).map { Float($0) })
    #expect(network.residualScale == (expected["residual_scale"]?.double).map { Float($0) })
    #expect(network.logitScale == (expected["logit_scale"]?.double).map { Float($0) })
    #expect(network.logitDivisor == (expected["logit_divisor"]?.double).map { Float($0) })
    #expect(network.attentionSoftcap == (expected["attention_softcap"]?.double).map { Float($0) })
    #expect(network.logitSoftcap == (expected["logit_softcap"]?.double).map { Float($0) })
    #expect(network.tokenTypes == expected["token_types"]?.int)
    let experts = expected["experts"]
    #expect(network.experts?.count == experts?["count"]?.int)
    #expect(network.experts?.chosen == experts?["chosen"]?.int)
    #expect(network.experts?.width == experts?["width"]?.int)
    #expect(network.experts?.normalised == experts?["normalised"]?.bool)
    #expect(network.experts?.sharedWidth == experts?["shared"]?.int)
    #expect(network.experts?.blocks == experts?["blocks"]?.array?.compactMap(\.bool))
    try rotations(network, expected)
  }

  /// Activations by the names that transformers gives them.
  private static let activations: [String: Network.Activation] = [
    "silu": .silu, "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
  ]

  private func rotations(_ network: Network, _ expected: JSONValue) throws {
    let context = try #require(expected["context"]?.int)
    let kinds = try #require(expected["rotations"]?.array)
    let places = try #require(expected["rotation_of_block"]?.array)
    #expect(places.count == network.rotaries.count)
    var reach = context
    for (place, rotary) in zip(places, network.rotaries) {
      guard let index = place.int else {
        #expect(rotary == nil)
        continue
      }
      let (rotary, rope) = (try #require(rotary), kinds[index])
      #expect(rotary.theta == rope["theta"]?.double)
      let share = rope["share"]?.double ?? 1
      #expect(rotary.width == rope["width"]?.int ?? Int(Double(network.headSize) * share))
      let factor = rope["factor"]?.double ?? 1
      reach = max(reach, Int(Double(context) * factor))
      switch rope["kind"]?.string {
      case "default": #expect(rotary.scaling == .none)
      case "linear": #expect(rotary.scaling == .linear(factor: factor))
      case "dynamic": #expect(rotary.scaling == .dynamic(factor: factor, trainedContext: context))
      default: Issue.record("a kind this test does not know")
      }
    }
    #expect(network.contextLength == reach)
    #expect(!places.allSatisfy(\.isNull) || network.learnedPositions || network.alibi != nil)
  }

  @Test func biasesFollowFamilyAndConfig() throws {
    func biases(_ config: JSONValue) throws -> Set<BlockRole> {
      try Self.network(config).biases
    }
    #expect(try biases(["model_type": "llama"]) == [])
    #expect(
      try biases(["model_type": "llama", "attention_bias": true]) == [.query, .key, .value, .attentionOutput])
    #expect(try biases(["model_type": "llama", "mlp_bias": true]) == [.gate, .up, .down])
    #expect(try biases(["model_type": "mistral", "attention_bias": true]) == [])
    #expect(try biases(["model_type": "qwen3", "mlp_bias": true]) == [])
    #expect(try biases(["model_type": "qwen2"]) == [.query, .key, .value])
    #expect(
      try biases(["model_type": "qwen3", "attention_bias": true]) == [.query, .key, .value, .attentionOutput])
  }

  @Test(
    arguments: [
      ["model_type": "llama", "rope_scaling": ["type": "longrope", "factor": 2.0]],
      ["model_type": "llama", "rope_scaling": ["type": "mystery"]],
      ["model_type": "llama", "partial_rotary_factor": 0.5],
      [
        "model_type": "phi3",
        "rope_scaling": ["type": "longrope", "short_factor": [1.0], "long_factor": [1.0]],
      ],
      ["model_type": "bloom", "apply_residual_connection_post_layernorm": true],
      ["model_type": "mpt", "attn_config": ["qk_ln": true]],
      ["model_type": "mpt", "attn_config": ["alibi": false]],
      ["model_type": "mpt", "no_bias": false],
      ["model_type": "opt", "layer_norm_elementwise_affine": false],
      ["model_type": "gptj", "rotary_dim": 7],
      ["model_type": "gpt_neo", "num_layers": 3],
      ["model_type": "gpt_neox", "hidden_size": 48, "num_attention_heads": 4],
      ["model_type": "gemma2", "use_bidirectional_attention": true],
      ["model_type": "gemma3_text", "attn_logit_softcapping": 5.0],
      ["model_type": "smollm3", "num_hidden_layers": 3, "no_rope_layers": [1]],
      ["model_type": "llama", "hidden_act": "tanh"],
      ["model_type": "llama", "num_attention_heads": 5, "num_key_value_heads": 2],
      ["model_type": "llama", "hidden_size": 0],
      ["model_type": "llama", "hidden_size": "big"],
      ["model_type": "gpt2", "n_embd": 100, "n_head": 12],
      ["model_type": "qwen3", "num_hidden_layers": 3, "layer_types": ["full_attention"]],
    ] as [JSONValue])
  func refusesWhatItCannotCompute(config: JSONValue) {
    #expect(throws: ArchitectureError.self) {
      try Self.network(config)
    }
  }

  /// Slopes of ALiBi for numbers of heads that are no power of two, worked out by hand from the paper.
  @Test func slopesOfAlibi() throws {
    func slopes(_ config: JSONValue) throws -> [Float] {
      try #require(try Self.network(config).alibi).slopes
    }
    let eight = (1...8).map { 1 / Float(1 << $0) }
    #expect(try slopes(["model_type": "bloom", "n_head": 8]) == eight)
    #expect(try slopes(["model_type": "mpt", "n_heads": 8, "d_model": 64]) == eight)
    let six: [Float] = [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]
    #expect(try slopes(["model_type": "bloom", "n_head": 6, "hidden_size": 36]) == six)
    #expect(try slopes(["model_type": "mpt", "n_heads": 6, "d_model": 36]) == six)
  }

  @Test func namesNoFamilyForUnknownTypes() {
    #expect(Family.find(config: ["model_type": "t5"])?.name == nil)
    #expect(Family.find(config: [:])?.name == nil)
  }

  private static func network(_ config: JSONValue) throws -> Network {
    try #require(Family.find(config: config)).network(config: config)
  }
}

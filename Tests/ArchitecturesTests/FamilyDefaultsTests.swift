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

  @Test func isRecorded() { #expect(Self.rows.count >= 25) }

  @Test(arguments: rows)
  func networkOfConfig(row: Row) throws {
    let expected = row.expected
    let network = try Family.find(config: row.config, tensors: []).network(config: row.config)
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
    #expect(network.activation == (expected["activation"]?.string == "silu" ? .silu : .geluTanh))
    guard let rope = expected["rope"], !rope.isNull else {
      #expect(network.rotary == nil && network.learnedPositions)
      #expect(network.contextLength == expected["context"]?.int)
      return
    }
    let rotary = try #require(network.rotary)
    let context = try #require(expected["context"]?.int)
    #expect(rotary.theta == rope["theta"]?.double)
    #expect(rotary.width == network.headSize)
    let factor = rope["factor"]?.double ?? 1
    switch rope["kind"]?.string {
    case "default": #expect(rotary.scaling == .none)
    case "linear": #expect(rotary.scaling == .linear(factor: factor))
    case "dynamic": #expect(rotary.scaling == .dynamic(factor: factor, trainedContext: context))
    default: Issue.record("a kind this test does not know")
    }
    #expect(network.contextLength == Int(Double(context) * factor))
  }

  @Test func biasesFollowFamilyAndConfig() throws {
    func biases(_ config: JSONValue) throws -> Set<BlockRole> {
      try Family.find(config: config, tensors: []).network(config: config).biases
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
      ["model_type": "llama", "partial_rotary_factor": 0.5],
      ["model_type": "llama", "hidden_act": "tanh"],
      ["model_type": "llama", "num_attention_heads": 5, "num_key_value_heads": 2],
      ["model_type": "llama", "hidden_size": 0],
      ["model_type": "llama", "hidden_size": "big"],
      ["model_type": "gpt2", "n_embd": 100, "n_head": 12],
      ["model_type": "qwen3", "num_hidden_layers": 3, "layer_types": ["full_attention"]],
    ] as [JSONValue])
  func refusesWhatItCannotCompute(config: JSONValue) {
    #expect(throws: ArchitectureError.self) {
      try Family.find(config: config, tensors: []).network(config: config)
    }
  }

  @Test func refusesUnknownFamilies() {
    #expect(throws: ArchitectureError.self) { try Family.find(config: ["model_type": "t5"], tensors: []) }
    #expect(throws: ArchitectureError.self) { try Family.find(config: [:], tensors: []) }
  }
}

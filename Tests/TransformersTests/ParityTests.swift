import Architectures
import JSON
import Layers
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// Our forward pass against what Hugging Face computes with the same weights (see record_parity.py).
@Suite struct ParityTests {
  @Test func everyFamilyIsRecorded() throws {
    #expect(ParityFixture.names.count >= 65)
    for family in Family.all { #expect(ParityFixture.names.contains(family.name)) }
  }

  @Test(arguments: ParityFixture.names, ParityFixture.generations)
  func statesAndLogits(name: String, generation: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    for error in try fixture.errors(fixture.model(generation, in: folder)) {
      #expect(
        error.relative <= ParityFixture.bound,
        "\(name), \(generation), text \(error.text), \(error.site): |Δ| \(error.delta) of \(error.magnitude)")
    }
  }

  @Test(arguments: ParityFixture.decoders)
  func losses(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let pass = try fixture.model("rope_parameters", in: folder).forward(fixture.texts)
    for (index, text) in fixture.texts.enumerated() {
      guard let expected = fixture.losses[index] else {
        #expect(text.count == 1)
        continue
      }
      let found = meanLoss(pass.logits[index], text)
      #expect(abs(found - expected) <= 1e-4, "\(name), text \(index): \(found) nats, recorded \(expected)")
    }
  }

  @Test(arguments: ParityFixture.decoders)
  func greedyReplies(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let replies = try fixture.model("sparse", in: folder).generate(
      prompts: fixture.texts, options: GenerationOptions(maximumTokens: 20, stops: []))
    for (reply, expected) in zip(replies, fixture.greedy) {
      #expect(reply.tokens == expected)
      #expect(reply.ending == .length)
    }
  }

  @Test(arguments: ["bert", "roberta", "distilbert"])
  func encodersMakeNoLogits(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_parameters", in: folder)
    let error = #expect(throws: TransformerError.self) { try model.forward(fixture.texts) }
    #expect(error?.exitCode == .unsupported)
    let none = #expect(throws: TransformerError.self) {
      try model.generate(prompts: fixture.texts, options: GenerationOptions(maximumTokens: 2))
    }
    #expect(none?.exitCode == .unsupported)
  }

  /// Folders of the bare network carry no prefix, and old GPT-2 folders carry the attention's mask as a buffer.
  @Test(arguments: ["llama", "gpt2", "qwen2-tied-bf16"])
  func namesWithoutPrefix(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder) {
      for prefix in ["model.", "transformer."] where $0.hasPrefix(prefix) {
        return String($0.dropFirst(prefix.count))
      }
      return $0
    }
    for error in try fixture.errors(model) { #expect(error.relative <= ParityFixture.bound, "\(error)") }
  }
}

/// Folders whose tensors are named as in real folders, with the buffers that those carry: the same outputs. What
/// transformers makes of them is checked by `record_parity.py --spellings`.
@Suite struct SpellingTests {
  struct Spelling: Sendable, CustomTestStringConvertible {
    let name: String
    var from = ""
    var to = ""
    /// Buffers of block 0.
    var buffers: [String] = []
    var testDescription: String { name }
  }

  static let all = [
    Spelling(
      name: "gpt_neox", from: "lm_head.", to: "embed_out.",
      buffers: [
        "gpt_neox.layers.0.attention.bias", "gpt_neox.layers.0.attention.masked_bias",
        "gpt_neox.layers.0.attention.rotary_emb.inv_freq",
      ]),
    Spelling(
      name: "gpt_neo", from: "transformer.",
      buffers: ["h.0.attn.attention.bias", "h.0.attn.attention.masked_bias"]),
    Spelling(
      name: "gptj", buffers: ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
    Spelling(name: "bloom", from: "transformer."),
    Spelling(name: "falcon", buffers: ["transformer.h.0.self_attention.rotary_emb.inv_freq"]),
    Spelling(name: "opt", from: "model.decoder.", to: "decoder."),
    Spelling(name: "openai-gpt", from: "transformer.", buffers: ["h.0.attn.bias"]),
    Spelling(name: "gemma", from: "model.", buffers: ["layers.0.self_attn.rotary_emb.inv_freq"]),
    Spelling(name: "phi3", from: "model.", buffers: ["layers.0.self_attn.rotary_emb.inv_freq"]),
  ]

  @Test(arguments: all) func sameOutputs(spelling: Spelling) throws {
    let fixture = try ParityFixture(spelling.name)
    let folder = try TemporaryFolder()
    let buffers = spelling.buffers.map { RandomTensor($0, [1, 2], scale: 1) }
    try RandomCheckpoint.write(
      fixture.tensors + buffers, seed: fixture.seed, config: try #require(fixture.configs["rope_theta"]),
      to: folder.file("model")
    ) { name in
      spelling.from != "" && name.hasPrefix(spelling.from)
        ? spelling.to + name.dropFirst(spelling.from.count) : name
    }
    let model = try Model(folder: folder.file("model"))
    for error in try fixture.errors(model) { #expect(error.relative <= ParityFixture.bound, "\(error)") }
    #expect(model.binding.unused.map(\.name) == spelling.buffers)
    #expect(model.binding.unused.allSatisfy { $0.reason == "buffer" })
  }

  /// The text part of a Gemma 3 folder with a vision tower, under the names of either generation.
  @Test(arguments: ["language_model.model.", "model.language_model."])
  func textPartOfAMultimodalFolder(prefix: String) throws {
    let fixture = try ParityFixture("gemma3")
    let folder = try TemporaryFolder()
    let text = try #require(fixture.configs["rope_theta"])
    let tower = RandomTensor("vision_tower.encoder.weight", [2, 3], scale: 1)
    try RandomCheckpoint.write(
      fixture.tensors + [tower], seed: fixture.seed,
      config: ["model_type": "gemma3", "text_config": text, "eos_token_id": [1, 106]],
      to: folder.file("model")
    ) { $0.hasPrefix("model.") ? prefix + $0.dropFirst("model.".count) : $0 }
    let model = try Model(folder: folder.file("model"))
    for error in try fixture.errors(model) { #expect(error.relative <= ParityFixture.bound, "\(error)") }
    #expect(model.binding.unused.map(\.reason) == ["vision tower: not on the way to what is computed"])
    #expect(model.network.eos == [1, 106])
  }
}

/// Mean −log p in nats of each next token of a text under logits `[T, V]`, f64.
func meanLoss(_ logits: Tensor, _ text: [Int32]) -> Double {
  let width = logits.shape[1]
  return withExtendedLifetime(logits) {
    let sum = (1..<text.count).reduce(0.0) { sum, index in
      let row = UnsafeBufferPointer(start: logits.f32 + (index - 1) * width, count: width)
      return sum - Softmax.logProbability(of: Int(text[index]), row)
    }
    return sum / Double(text.count - 1)
  }
}

import Layers
import Tensors
import TestSupport
import Testing
import Transformers

/// Our forward pass against what Hugging Face computes with the same weights (see record_parity.py).
@Suite struct ParityTests {
  @Test func everyFamilyIsRecorded() throws {
    #expect(ParityFixture.names.count >= 25)
    for family in ["llama", "mistral", "qwen2", "qwen3", "gpt2"] {
      #expect(ParityFixture.names.contains(family))
    }
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

  @Test(arguments: ParityFixture.names)
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

  @Test(arguments: ParityFixture.names)
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

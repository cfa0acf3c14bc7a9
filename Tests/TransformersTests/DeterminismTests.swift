import Architectures
import Layers
import Tensors
import TestSupport
import Testing

@testable import Transformers

/// The same bits whatever the threads, the instruction set, the batch a text is in, or a key-value cache.
@Suite struct DeterminismTests {
  static let cases = [
    "llama-long", "mistral", "qwen2-window", "qwen3-tied-bf16", "gpt2", "llama-f16", "mixtral", "qwen2_moe",
    "qwen3_moe-stacked-bf16",
  ]

  @Test(arguments: cases)
  func threadsAndInstructionSets(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_parameters", in: folder)
    // Enough texts for every thread to get some.
    let texts = (0..<4).flatMap { _ in fixture.texts }
    var first: [[UInt32]]?
    try KernelSetting.each { setting in
      let bits = try model.forward(texts).logits.map { $0.toFloats().bits }
      if let first { #expect(bits == first, "\(setting)") } else { first = bits }
    }
  }

  @Test(arguments: cases)
  func batchComposition(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let together = try model.forward(fixture.texts, capture: [.finalNorm])
    let reversed = try model.forward(fixture.texts.reversed(), capture: [.embeddings])
    for (index, text) in fixture.texts.enumerated() {
      let bits = together.logits[index].toFloats().bits
      #expect(try model.forward([text]).logits[0].toFloats().bits == bits)
      #expect(reversed.logits[fixture.texts.count - 1 - index].toFloats().bits == bits)
      let last = try model.forward([text], logits: .last).logits[0]
      #expect(last.toFloats().bits == Array(bits.suffix(model.network.vocabulary)))
    }
  }

  /// Prompt in pieces and then token by token against one pass over the whole text.
  @Test(arguments: cases)
  func cachedStepsEqualTheFullPass(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("sparse", in: folder)
    let text = try #require(fixture.texts.max { $0.count < $1.count })
    let whole = try model.forward([text]).logits[0].toFloats().bits
    let network = model.network
    let cache = KeyValueCache(
      blocks: network.blocks, width: network.keyValueHeads * network.headSize, capacity: text.count)
    var start = 0
    for size in [5, 1, 2] + Array(repeating: 1, count: text.count) where start < text.count {
      let piece = Array(text[start..<min(text.count, start + size)])
      let workspace = Workspace(network, rows: piece.count)
      try ForwardPass(
        model: model, batch: Batch([piece], past: [start]), workspace: workspace, overlay: nil, observed: [],
        observer: nil, caches: [cache]
      ).run(through: network.blocks - 1, finalNorm: true)
      cache.advance(by: piece.count)
      let logits = try model.logits(of: workspace.normed, rows: 0..<piece.count).toFloats().bits
      let range = (start * network.vocabulary)..<((start + piece.count) * network.vocabulary)
      #expect(logits == Array(whole[range]), "tokens \(start) to \(start + piece.count - 1)")
      start += piece.count
    }
    #expect(cache.count == text.count)
  }

  @Test(arguments: cases)
  func repliesDoNotDependOnTheBatch(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("sparse", in: folder)
    for temperature in [0, 1.0] {
      var options = GenerationOptions(
        maximumTokens: 12, sampling: SamplingOptions(temperature: temperature), seed: 3, stops: [])
      let together = try model.generate(prompts: fixture.texts, options: options)
      options.batchSize = 1
      #expect(try model.generate(prompts: fixture.texts, options: options) == together)
      #expect(together.allSatisfy { $0.tokens.count == 12 })
    }
  }
}

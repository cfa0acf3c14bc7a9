import Architectures
import Foundation
import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// gpt-nano-sort: a trained GPT-2 that sorts six digits of 0 to 2, with recorded activations of its block 0.
@Suite(.enabled(if: SharedFixtures.has("models/gpt-nano-sort"), "needs SURGEON_FIXTURES"))
struct SortTests {
  @Test func sortsEveryInput() throws {
    let model = try Model(folder: SharedFixtures.path("models/gpt-nano-sort/hf"))
    let inputs: [[Int32]] = (0..<729).map { number in
      (0..<6).map { place in Int32(number / [1, 3, 9, 27, 81, 243][place] % 3) }
    }
    #expect(Set(inputs).count == 729)
    let replies = try model.generate(prompts: inputs, options: GenerationOptions(maximumTokens: 6, stops: []))
    let wrong = zip(inputs, replies).filter { $0.sorted() != $1.tokens }
    #expect(wrong.isEmpty, "\(wrong.count) of 729 wrong, such as \(wrong.first.map { "\($0)" } ?? "")")
  }

  /// Every activation that the upstream PyTorch model shows for three texts.
  @Test(arguments: [
    ("x", "embeddings"), ("ln1", "blocks.0.attention.q:input"), ("y", "blocks.0.attention.o:input"),
    ("yProj", "blocks.0.attention.output"), ("ln2", "blocks.0.mlp.input"),
    ("gelu", "blocks.0.mlp.down:input"),
    ("mlp", "blocks.0.mlp.output"), ("block0", "blocks.0.output"), ("block1", "blocks.1.output"),
    ("block2", "blocks.2.output"), ("ln_f", "final_norm"), ("lm_head", "logits"),
  ])
  func recordedActivations(key: String, site: String) throws {
    let recorded = try JSONValue(
      file: SharedFixtures.path("models/gpt-nano-sort/gpt-nano-sort-t0-partials.json"))
    let texts = try numbers(recorded["idx"]).map { $0.map(Int32.init) }
    let expected = try numbers(recorded[key])
    let model = try Model(folder: SharedFixtures.path("models/gpt-nano-sort/hf"))
    let sites = site == "logits" ? [] : [try Site(parsing: site)]
    let pass = try model.forward(texts, capture: sites)
    for text in texts.indices {
      let states = sites.first.flatMap { pass.states[$0] } ?? pass.logits
      let found = states[text]
      let reference = Tensor(
        expected[text], shape: [texts[text].count, expected[text].count / texts[text].count])
      let error = SiteError(site: site, text: text, found, reference)
      #expect(error.relative <= ParityFixture.bound, "\(site): |Δ| \(error.delta) of \(error.magnitude)")
    }
  }

  /// One run of numbers a text out of the file's base64.
  private func numbers(_ json: JSONValue?) throws -> [[Float]] {
    let texts = try #require(json?["shape"]?.array?.first?.int)
    let text = try #require(json?["data"]?.string)
    let data = try #require(Data(base64Encoded: text))
    let all = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    let size = all.count / texts
    return (0..<texts).map { Array(all[($0 * size)..<(($0 + 1) * size)]) }
  }
}

import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformers

/// MiniLM: a real BERT in f16 with recorded mean-pooled hidden states of every layer.
@Suite(.enabled(if: SharedFixtures.has("models/minilm-l6-v2"), "needs SURGEON_FIXTURES"))
struct MiniLMTests {
  let folder = SharedFixtures.path("models/minilm-l6-v2")

  @Test func pooledHiddenStates() throws {
    let recorded = try JSONValue(file: folder + "/reference_hidden.json")
    let texts = try #require(recorded["texts"]?.array).map { try #require($0.string) }
    let pooled = try #require(recorded["pooled"]?.array)
    let model = try Model(folder: folder)
    let tokenizer = try Tokenizer(folder: folder)
    let ids = texts.map { tokenizer.encode($0).ids }
    let sites = try Site.list("embeddings,blocks.*.output", blocks: model.network.blocks)
    let pass = try model.forward(ids, capture: sites, logits: .none)
    var worst: Float = 0
    for text in texts.indices {
      let layers = try #require(pooled[text].array)
      #expect(layers.count == sites.count)
      for (layer, site) in zip(layers, sites) {
        let expected = try #require(layer.array).map { Float(try #require($0.double)) }
        let states = try #require(pass.states[site]?[text])
        let (rows, width) = (states.shape[0], states.shape[1])
        for column in expected.indices {
          let mean = (0..<rows).reduce(0.0) { $0 + Double(states.f32[$1 * width + column]) } / Double(rows)
          worst = max(worst, abs(Float(mean) - expected[column]))
        }
      }
    }
    #expect(worst <= ParityFixture.bound, "|Δ| \(worst)")
  }
}

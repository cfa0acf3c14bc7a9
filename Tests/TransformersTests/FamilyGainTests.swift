import Architectures
import Layers
import Tensors
import TestSupport
import Testing
import Transformers

/// Gains around products in families that norm elsewhere than before them, and sites that not every family has.
@Suite struct FamilyGainTests {
  private func stored(_ name: String, of fixture: ParityFixture) throws -> [Float] {
    try #require(fixture.tensors.first { $0.name == name }).tensor(seed: fixture.seed).toFloats()
  }

  @Test func gainsThatFeedAndFollow() throws {
    let folder = try TemporaryFolder()
    let names = ["gemma2", "olmo2", "gptj", "gpt_neox", "openai-gpt", "llama"]
    let fixtures = Dictionary(uniqueKeysWithValues: try names.map { ($0, try ParityFixture($0)) })
    func model(_ name: String) throws -> (Model, ParityFixture) {
      let fixture = try #require(fixtures[name])
      return (try fixture.model("rope_theta", in: folder), fixture)
    }
    let (gemma2, gemma2Case) = try model("gemma2")
    #expect(
      try gemma2.gain(feeding: .block(1, .gate))
        == stored("model.layers.1.pre_feedforward_layernorm.weight", of: gemma2Case).map { $0 + 1 })
    #expect(
      try gemma2.gain(following: .block(1, .down))
        == stored("model.layers.1.post_feedforward_layernorm.weight", of: gemma2Case).map { $0 + 1 })
    #expect(
      try gemma2.gain(following: .block(0, .attentionOutput))
        == stored("model.layers.0.post_attention_layernorm.weight", of: gemma2Case).map { $0 + 1 })

    let (olmo2, olmo2Case) = try model("olmo2")
    #expect(olmo2.gain(feeding: .block(0, .gate)) == Array(repeating: 1, count: 36))
    #expect(
      try olmo2.gain(following: .block(2, .down))
        == stored("model.layers.2.post_feedforward_layernorm.weight", of: olmo2Case))

    let (gptJ, gptJCase) = try model("gptj")
    #expect(
      try gptJ.gain(feeding: .block(1, .up)) == stored("transformer.h.1.ln_1.weight", of: gptJCase))
    #expect(gptJ.gain(following: .block(1, .down)) == nil)
    #expect(gptJ.gain(feeding: .block(1, .down)) == nil)

    let (neoX, neoXCase) = try model("gpt_neox")
    #expect(
      try neoX.gain(feeding: .block(0, .up))
        == stored("gpt_neox.layers.0.post_attention_layernorm.weight", of: neoXCase))

    let (gpt1, gpt1Case) = try model("openai-gpt")
    #expect(gpt1.finalGain == Array(repeating: 1, count: 36))
    #expect(
      try gpt1.gain(following: .block(0, .attentionOutput))
        == stored("transformer.h.0.ln_1.weight", of: gpt1Case))

    let (llama, _) = try model("llama")
    #expect(llama.gain(following: .block(0, .down)) == nil)
  }

  /// Cutting what is written to the stream leaves nothing of a direction in it, whatever stands between.
  @Test(arguments: ["gemma2", "gemma3", "olmo2", "granite", "phi", "gpt_neox", "cohere", "falcon-grouped"])
  func ablationEmptiesTheStream(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let width = model.network.width
    var direction = RandomTensor("direction", [width], scale: 1).tensor(seed: 2).toFloats()
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    direction = direction.map { $0 / length }
    let text = try #require(fixture.texts.last)
    let sites = (0..<model.network.blocks).map { Site.blockOutput($0) }
    let overlay = Overlay.ablation(of: direction, blocks: model.network.blocks)
    for (overlay, empty) in [(overlay, true), (nil, false)] as [(Overlay?, Bool)] {
      let pass = try model.forward([text], capture: sites, overlay: overlay)
      for site in sites {
        let states = try #require(pass.states[site]?.first).toFloats()
        let most = states.map(abs).max() ?? 0
        let dots = text.indices.map { token in
          abs((0..<width).reduce(Float(0)) { $0 + states[token * width + $1] * direction[$1] })
        }
        #expect((dots.max() ?? 0) < 1e-4 * most || !empty, "\(name) \(site)")
        #expect((dots.max() ?? 0) > 1e-2 * most || empty, "\(name) \(site)")
      }
    }
  }

  @Test func noFinalNormIsNoSite() throws {
    let fixture = try ParityFixture("openai-gpt")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    #expect(model.network.lastSite == .blockOutput(1))
    let error = #expect(throws: ArchitectureError.self) {
      try model.forward(fixture.texts, capture: [.finalNorm])
    }
    #expect(error?.found.contains("blocks.1.output") == true)
    #expect(throws: ArchitectureError.self) {
      try model.forward(
        fixture.texts, overlay: Overlay([.add(site: .finalNorm, vector: Array(repeating: 0, count: 36))]))
    }
    // What the head reads is the last block's output.
    let states = try model.finalStates([fixture.texts[1]])
    let last = try model.forward([fixture.texts[1]], capture: [.blockOutput(1)], logits: .none)
    #expect(states.toFloats().bits == last.states[.blockOutput(1)]?.first?.toFloats().bits)
  }
}

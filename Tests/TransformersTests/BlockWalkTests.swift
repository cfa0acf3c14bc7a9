import Architectures
import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformers

/// A walk block by block gives the bits of one pass, with and without changes on the way.
@Suite struct BlockWalkTests {
  @Test(arguments: ["llama-bf16", "gpt2", "gemma2", "mixtral", "qwen3_moe-stacked-bf16", "falcon-alibi"])
  func equalsOnePass(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let texts = fixture.texts
    let blocks = model.network.blocks
    func sites(_ block: Int) -> [Site] { [.input(.block(block, .query)), .blockOutput(block)] }
    let whole = try model.forward(texts, capture: (0..<blocks).flatMap(sites), logits: .none)
    // Small batches, so that states are kept for more than one.
    let walk = try BlockWalk(model, texts: texts, batchTokens: 8)
    #expect(walk.tokens == texts.reduce(0) { $0 + $1.count })
    for block in 0..<blocks {
      // Looking does not move the walk.
      for advancing in [false, true] {
        #expect(walk.block == block)
        var seen: [Site: [Float]] = [:]
        try walk.run(sites: sites(block), advancing: advancing) { _, batch, site, rows, width in
          seen[site, default: []] += UnsafeBufferPointer(start: rows, count: batch.tokens.count * width)
        }
        for site in sites(block) {
          let expected = try #require(whole.states[site]).flatMap { $0.toFloats() }
          #expect(seen[site] == expected, "\(site)")
        }
      }
    }
    #expect(walk.block == blocks)
  }

  @Test func aChangedBlockFeedsTheNext() throws {
    let fixture = try ParityFixture("llama-bf16")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let name = try model.binding.tensor(.block(0, .down)).tensor
    let stored = try model.checkpoint.tensor(name)
    let zeros = Tensor(zeros: stored.shape, dtype: stored.dtype)
    let overlay = Overlay([.tensors([name: zeros])])
    let site = Site.blockOutput(1)
    let changed = try model.forward(fixture.texts, capture: [site], logits: .none, overlay: overlay)
    let plain = try model.forward(fixture.texts, capture: [site], logits: .none)
    let walk = try BlockWalk(model, texts: fixture.texts)
    try walk.run(advancing: false)
    try walk.run(overlay: overlay, advancing: true)
    var seen: [Float] = []
    try walk.run(sites: [site], advancing: true) { _, batch, _, rows, width in
      seen += UnsafeBufferPointer(start: rows, count: batch.tokens.count * width)
    }
    #expect(seen == changed.states[site]?.flatMap { $0.toFloats() })
    #expect(seen != plain.states[site]?.flatMap { $0.toFloats() })
  }
}

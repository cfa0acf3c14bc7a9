import Architectures
import Checkpoints
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// The comparison behind `surgeon parity`, with references made of recorded states.
@Suite struct ReferenceTests {
  /// What write_reference.py writes, out of a recorded case: texts padded to one length on either side.
  private func reference(
    _ fixture: ParityFixture, blocks: Int, left: Bool, to path: String,
    change: (inout [Float]) -> Void = { _ in }
  ) throws {
    let expected = try fixture.expected()
    let length = fixture.texts.map(\.count).max() ?? 0
    let count = fixture.texts.count
    let ids = Tensor(zeros: [count, length], dtype: .i64)
    let mask = Tensor(zeros: [count, length], dtype: .i64)
    let starts = fixture.texts.map { left ? length - $0.count : 0 }
    for (row, text) in fixture.texts.enumerated() {
      for (column, id) in text.enumerated() {
        let place = row * length + starts[row] + column
        ids.storage.base.storeBytes(of: Int64(id), toByteOffset: 8 * place, as: Int64.self)
        mask.storage.base.storeBytes(of: 1, toByteOffset: 8 * place, as: Int64.self)
      }
    }
    func padded(_ site: String) throws -> Tensor {
      let rows = try #require(expected[site])
      let width = try #require(rows.first?.shape.last)
      // Padding holds what no model computes: it must not be looked at.
      var all = [Float](repeating: .nan, count: count * length * width)
      for (text, tensor) in rows.enumerated() {
        let from = (text * length + starts[text]) * width
        all.replaceSubrange(from..<(from + tensor.count), with: tensor.toFloats())
      }
      if site == "logits" { change(&all) }
      return Tensor(all, shape: [count, length, width])
    }
    var items = [SafetensorsWriter.Item("input_ids", ids), .init("attention_mask", mask)]
    for index in 0...blocks {
      let site = index == 0 ? "embeddings" : index == blocks ? "final_norm" : "blocks.\(index - 1).output"
      items.append(.init("hidden_states.\(index)", try padded(site)))
    }
    items.append(.init("blocks.1.mlp.input", try padded("blocks.1.mlp.input")))
    items.append(.init("logits", try padded("logits")))
    try SafetensorsWriter.write(items, to: path)
  }

  @Test(arguments: ["llama", "gpt2", "qwen3"], [false, true])
  func paddedReferencesAgree(name: String, left: Bool) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let path = folder.file("reference.safetensors")
    try reference(fixture, blocks: model.network.blocks, left: left, to: path)
    let parity = try Parity(model, reference: path)
    #expect(parity.passed && parity.worstRatio < 0.5, "\(parity.worstRatio)")
    #expect(parity.texts == fixture.texts.count)
    #expect(parity.tokens == fixture.texts.reduce(0) { $0 + $1.count })
    #expect(parity.comparisons.count == model.network.blocks + 3)
    #expect(parity.comparisons.last?.place == "logits")
  }

  @Test func oneWrongNumberIsFoundAndPlaced() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let path = folder.file("reference.safetensors")
    let (length, width) = (29, 131)
    try reference(fixture, blocks: 3, left: false, to: path) { $0[(2 * length + 11) * width + 17] += 0.002 }
    let parity = try Parity(model, reference: path)
    let wrong = parity.comparisons.filter { !$0.passed }
    #expect(wrong.map(\.place) == ["logits"])
    #expect(wrong.first?.worst == [2, 11, 17])
    #expect(!parity.passed && parity.worstRatio > 1)
    #expect(try Parity(model, reference: path, tolerance: 1e-3).passed)
    try reference(fixture, blocks: 3, left: false, to: path) { $0[(2 * length + 11) * width + 17] = .nan }
    #expect(try !Parity(model, reference: path).passed)
  }

  /// Written by write_reference.py for a trained model, with padding.
  @Test(.enabled(if: SharedFixtures.has("models/stories260K"), "needs SURGEON_FIXTURES"))
  func storiesReference() throws {
    let path = Files.folder(of: #filePath) + "/Fixtures/reference/stories260K.safetensors"
    let parity = try Parity(Model(folder: SharedFixtures.path("models/stories260K/hf")), reference: path)
    #expect(parity.passed && parity.tokens == 21, "\(parity.worstRatio)")
    #expect(parity.comparisons.count == 7)
  }
}

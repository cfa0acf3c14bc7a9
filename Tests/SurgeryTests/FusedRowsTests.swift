import Architectures
import Checkpoints
import JSON
import Runtime
import Surgery
import Tensors
import TestSupport
import Testing
import Transformers

/// Plans, patches and overlays of families whose rows share a tensor with other roles.
@Suite struct FusedRowsTests {
  /// A Phi 3 folder of two blocks: q, k and v in one tensor, gate and up in another.
  private static func write(to folder: String) throws {
    let (width, mlp, vocabulary, heads, keys, head) = (16, 10, 37, 4, 2, 4)
    var items: [SafetensorsWriter.Item] = []
    func add(_ name: String, _ shape: [Int], mean: Float = 0) {
      var random = CounterRandom(seed: 5, stream: name)
      let values = (0..<shape.reduce(1, *)).map { _ in mean + 0.4 * Float(random.normal()) }
      items.append(SafetensorsWriter.Item(name, Tensor(values, shape: shape, dtype: .bf16)))
    }
    add("model.embed_tokens.weight", [vocabulary, width])
    for block in 0..<2 {
      let prefix = "model.layers.\(block)."
      add(prefix + "input_layernorm.weight", [width], mean: 1)
      add(prefix + "self_attn.qkv_proj.weight", [(heads + 2 * keys) * head, width])
      add(prefix + "self_attn.o_proj.weight", [width, heads * head])
      add(prefix + "post_attention_layernorm.weight", [width], mean: 1)
      add(prefix + "mlp.gate_up_proj.weight", [2 * mlp, width])
      add(prefix + "mlp.down_proj.weight", [width, mlp])
    }
    add("model.norm.weight", [width], mean: 1)
    add("lm_head.weight", [vocabulary, width])
    try Files.makeFolder(folder)
    try SafetensorsWriter.write(items, to: folder + "/model.safetensors")
    let config: JSONValue = [
      "model_type": "phi3", "hidden_size": .integer(width), "intermediate_size": .integer(mlp),
      "num_hidden_layers": 2, "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(keys), "vocab_size": .integer(vocabulary),
      "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2,
    ]
    try Files.write(try config.text(.pretty), to: folder + "/config.json")
  }

  private static func scratch() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try write(to: folder.file("model"))
    return folder
  }

  private static func words(_ checkpoint: Checkpoint, _ name: String) throws -> [Float] {
    try checkpoint.tensor(name).toFloats()
  }

  @Test(arguments: [EditSpace.faithful, .gainCorrected])
  func patchOfGateRowsTouchesNothingElse(_ space: EditSpace) throws {
    let folder = try Self.scratch()
    let model = try Model(folder: folder.file("model"))
    var random = CounterRandom(seed: 1, stream: "direction")
    let direction = (0..<16).map { _ in Float(random.normal()) }
    let site: Site = space == .faithful ? .finalNorm : .blockOutput(0)
    let plan = try Locate.run(
      model, .shared(direction, site: site), .init(space: space, budget: RowBudget(.share(0.3))))
    #expect(plan.rows.count == 6 && plan.candidates == 20)
    let patch = try Patch.build(
      model.checkpoint, plan.changes(strength: 1.5, binding: model.binding), provenance: [:])
    let texts: [[Int32]] = [[1, 5, 9, 30, 2, 36], [7, 7, 3]]
    let overlaid = try model.forward(texts, overlay: patch.overlay(model.binding, model.checkpoint))
    let plain = try model.forward(texts)
    try patch.apply(to: model.checkpoint, output: folder.file("edited"))
    let edited = try Model(folder: folder.file("edited"))
    let written = try edited.forward(texts)
    for text in texts.indices {
      #expect(overlaid.logits[text].toFloats() == written.logits[text].toFloats())
      #expect(plain.logits[text].toFloats() != written.logits[text].toFloats())
    }
    // Only the chosen rows of the gate's half moved.
    for name in model.checkpoint.tensorNames {
      let (old, new) = (try Self.words(model.checkpoint, name), try Self.words(edited.checkpoint, name))
      guard name.hasSuffix("gate_up_proj.weight") else {
        #expect(old == new, "\(name)")
        continue
      }
      let block = name.contains("layers.0.") ? 0 : 1
      let moved = (0..<20).filter { old[($0 * 16)..<($0 * 16 + 16)] != new[($0 * 16)..<($0 * 16 + 16)] }
      #expect(moved == plan.rows(in: block) && moved.allSatisfy { $0 < 10 })
    }
  }

  /// The rank-one overlay of a sweep and the rounded rows of its patch are close for fused rows too.
  @Test func sweepAndPatchAgree() throws {
    let folder = try Self.scratch()
    let model = try Model(folder: folder.file("model"))
    var random = CounterRandom(seed: 2, stream: "direction")
    let direction = (0..<16).map { _ in Float(random.normal()) }
    let plan = try Locate.run(
      model, .shared(direction, site: .finalNorm), .init(budget: RowBudget(.share(0.5))))
    let patch = try Patch.build(model.checkpoint, plan.changes(strength: 1, binding: model.binding))
    let text: [[Int32]] = [[1, 5, 9, 30, 2]]
    let grid = try model.forward(text, overlay: plan.overlay(strength: 1)).logits[0].toFloats()
    let exact = try model.forward(text, overlay: patch.overlay(model.binding, model.checkpoint)).logits[0]
      .toFloats()
    let plain = try model.forward(text).logits[0].toFloats()
    let gap = zip(grid, exact).map { abs($0 - $1) }.max() ?? 0
    let effect = zip(plain, exact).map { abs($0 - $1) }.max() ?? 0
    #expect(gap < 0.05 * effect && effect > 0.05, "\(gap) of \(effect)")
  }
}

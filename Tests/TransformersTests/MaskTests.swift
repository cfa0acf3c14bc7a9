import Architectures
import Checkpoints
import JSON
import Layers
import OrderedCollections
import Tensors
import TestSupport
import Testing
import Transformers

/// Masks at run time against the same zeros written into a checkpoint.
@Suite struct MaskTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let fixture: String
    let role: Role
    /// The stored tensor, and the first of its outputs that belong to the role.
    let tensor: String
    var offset = 0
    var run = Int.max
    var stride = 0
    /// The tensor lies as [inputs, outputs].
    var transposed = false
    /// Which matrix of a stack.
    var matrix: Int?
    func place(_ row: Int) -> Int { offset + row / run * stride + row % run }
    var testDescription: String { "\(fixture) \(role)" }
  }

  static let cases = [
    Case(fixture: "llama", role: .block(1, .gate), tensor: "model.layers.1.mlp.gate_proj.weight"),
    Case(fixture: "llama-bf16", role: .block(2, .down), tensor: "model.layers.2.mlp.down_proj.weight"),
    Case(fixture: "llama-f16", role: .block(0, .key), tensor: "model.layers.0.self_attn.k_proj.weight"),
    Case(fixture: "llama-biases", role: .block(1, .up), tensor: "model.layers.1.mlp.up_proj.weight"),
    Case(
      fixture: "gpt2", role: .block(1, .up), tensor: "transformer.h.1.mlp.c_fc.weight", transposed: true),
    Case(
      fixture: "gpt2-bf16", role: .block(0, .value), tensor: "transformer.h.0.attn.c_attn.weight", offset: 72,
      transposed: true),
    Case(
      fixture: "phi3-tied-bf16", role: .block(0, .up), tensor: "model.layers.0.mlp.gate_up_proj.weight",
      offset: 52),
    Case(
      fixture: "gpt_neox", role: .block(1, .value),
      tensor: "gpt_neox.layers.1.attention.query_key_value.weight", offset: 32, run: 16, stride: 48),
    Case(
      fixture: "falcon-grouped", role: .block(1, .key),
      tensor: "transformer.h.1.self_attention.query_key_value.weight", offset: 18, run: 6, stride: 30),
    Case(
      fixture: "bloom-heads8-bf16", role: .block(0, .query),
      tensor: "transformer.h.0.self_attention.query_key_value.weight", run: 5, stride: 15),
  ]

  private static func bits(_ weight: LinearWeight) -> WeightBits {
    WeightBits(rows: weight.outputs, columns: weight.inputs) { ($0 * 31 + $1 * 17) % 5 != 0 }
  }

  /// Writes the fixture's checkpoint with zeros in a role's matrix.
  private func pruned(_ item: Case, _ bits: WeightBits, in folder: TemporaryFolder) throws -> Model {
    let fixture = try ParityFixture(item.fixture)
    let items = fixture.tensors.map { spec in
      let tensor = spec.tensor(seed: fixture.seed)
      if spec.name == item.tensor {
        let size = spec.dtype.size
        for row in 0..<bits.rows {
          for k in 0..<bits.columns where !bits[row, k] {
            let stored = item.place(row)
            let place = item.transposed ? k * spec.shape[1] + stored : stored * bits.columns + k
            (tensor.storage.base + place * size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
          }
        }
      }
      return SafetensorsWriter.Item(spec.name, tensor)
    }
    let path = folder.file("pruned")
    try RandomCheckpoint.write([], seed: 0, config: try #require(fixture.configs["rope_theta"]), to: path)
    try SafetensorsWriter.write(items, to: path + "/model.safetensors")
    return try Model(folder: path)
  }

  @Test(arguments: cases)
  func masksEqualTheWrittenCheckpoint(item: Case) throws {
    let fixture = try ParityFixture(item.fixture)
    let folder = try TemporaryFolder()
    let base = try fixture.model("rope_theta", in: folder)
    let bits = Self.bits(try base.linear(item.role))
    let overlay = Overlay([.mask(role: item.role, bits: bits)])
    let written = try pruned(item, bits, in: folder)
    let expected = try written.forward(fixture.texts)
    let changed = try base.forward(fixture.texts, overlay: overlay)
    let plain = try base.forward(fixture.texts)
    for text in fixture.texts.indices {
      #expect(changed.logits[text].toFloats().bits == expected.logits[text].toFloats().bits)
    }
    #expect(plain.logits.last?.toFloats().bits != changed.logits.last?.toFloats().bits)
    let options = GenerationOptions(maximumTokens: 6, stops: [])
    #expect(
      try base.generate(prompts: fixture.texts, options: options, overlay: overlay)
        == written.generate(prompts: fixture.texts, options: options))
  }

  /// Every product of a network at once, experts too: as if each stored matrix had the zeros.
  @Test(arguments: ["llama-bf16", "gpt2", "mixtral", "mixtral-stacked-bf16", "qwen2_moe", "phi3"])
  func allProductsOfANetwork(name: String) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let roles = model.binding.tensors.keys.filter {
      $0.block != nil && $0.inBlock?.isNorm == false && $0.inBlock != .router && $0.inBlock != .sharedRouter
    }
    var replaced: [Overlay.Change] = []
    var masks: [Overlay.Change] = []
    for role in roles {
      let weight = try model.linear(role)
      let bits = Self.bits(weight)
      masks.append(.mask(role: role, bits: bits))
      // The same by another way: every row is given anew, with its zeros.
      var floats = weight.toFloats()
      for row in 0..<bits.rows {
        for k in 0..<bits.columns where !bits[row, k] { floats[row * bits.columns + k] = 0 }
      }
      let rows = Tensor(floats, shape: [bits.rows, bits.columns], dtype: weight.dtype)
      replaced.append(.rows(role: role, rows: Array(0..<bits.rows), weights: rows))
    }
    let masked = try model.forward(fixture.texts, overlay: Overlay(masks))
    let expected = try model.forward(fixture.texts, overlay: Overlay(replaced))
    for text in fixture.texts.indices {
      #expect(masked.logits[text].toFloats().bits == expected.logits[text].toFloats().bits)
    }
  }

  @Test func masksMeetAndCoverEarlierRows() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let role = Role.block(1, .gate)
    let weight = try model.linear(role)
    let bits = Self.bits(weight)
    let other = WeightBits(rows: bits.rows, columns: bits.columns) { $0 != 3 && $1 % 2 == 0 }
    func logits(_ changes: Overlay.Change...) throws -> [UInt32] {
      try model.forward(fixture.texts, overlay: Overlay(changes)).logits[0].toFloats().bits
    }
    let both = bits.intersection(other)
    #expect(both.kept < min(bits.kept, other.kept))
    #expect(
      try logits(.mask(role: role, bits: bits), .mask(role: role, bits: other))
        == logits(.mask(role: role, bits: both)))
    // Rows that come first are masked, later ones are as they are given.
    let rows = RandomTensor("rows", [2, weight.inputs], scale: 1).tensor(seed: 1)
    var zeroed = rows.toFloats()
    for (place, row) in [3, 5].enumerated() {
      for k in 0..<weight.inputs where !bits[row, k] { zeroed[place * weight.inputs + k] = 0 }
    }
    let masked = Tensor(zeroed, shape: rows.shape)
    let mask = Overlay.Change.mask(role: role, bits: bits)
    let early = try logits(.rows(role: role, rows: [3, 5], weights: rows), mask)
    #expect(early == (try logits(mask, .rows(role: role, rows: [3, 5], weights: masked))))
    #expect(early != (try logits(mask, .rows(role: role, rows: [3, 5], weights: rows))))
  }

  @Test func misfitsAreRefused() throws {
    let fixture = try ParityFixture("llama")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let weight = try model.linear(.block(0, .gate))
    let bits = Self.bits(weight)
    let small = WeightBits(rows: 1, columns: weight.inputs) { _, _ in true }
    let direction = [Float](repeating: 0.1, count: weight.inputs)
    for changes in [
      [Overlay.Change.mask(role: .block(0, .gate), bits: small)],
      [.mask(role: .block(0, .mlpNorm), bits: bits)], [.mask(role: .head, bits: bits)],
      [
        .rankOne(role: .block(0, .gate), rows: [0], coefficients: [1], direction: direction),
        .mask(role: .block(0, .gate), bits: bits),
      ],
    ] {
      #expect(throws: (any Error).self) { try model.forward(fixture.texts, overlay: Overlay(changes)) }
    }
  }
}

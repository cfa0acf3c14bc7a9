import Architectures
import Checkpoints
import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// Mixtures of experts: what is bound and counted, and that the ways of storing experts give the same bits.
@Suite struct ExpertTests {
  static let mixtures = ["mixtral", "qwen2_moe", "qwen2_moe-normed-f16", "qwen3_moe"]

  @Test(arguments: [
    // experts a block, blocks with experts, rows of Model Surgery: gates of experts, shared gates, dense gates
    ("mixtral", 5, 2, 2 * 5 * 22), ("qwen2_moe", 6, 1, 6 * 14 + 26 + 2 * 46),
    ("qwen2_moe-normed-f16", 6, 2, 2 * (6 * 14 + 26) + 46), ("qwen2_moe-stacked", 6, 2, 2 * (6 * 14 + 26)),
    ("qwen3_moe", 7, 3, 3 * 7 * 18), ("qwen3_moe-stacked-bf16", 7, 2, 2 * 7 * 18 + 46),
  ])
  func everyExpertHasItsRoles(name: String, experts: Int, sparse: Int, rows: Int) throws {
    let folder = try TemporaryFolder()
    let model = try ParityFixture(name).model("rope_theta", in: folder)
    let roles = model.binding.tensors.keys
    for role in [BlockRole.gate, .up, .down] {
      #expect(roles.count { $0.expert != nil && $0.inBlock == role } == experts * sparse)
    }
    #expect(roles.count { $0.inBlock == .router } == sparse)
    #expect(model.network.surgeryRowCount == rows)
    for role in roles { #expect(Role(role.description) == role, "\(role)") }
    let own = try #require(model.network.experts?.width)
    for role in roles where role.expert != nil && role.inBlock != .down {
      #expect(try model.linear(role).outputs == own)
    }
  }

  @Test func namesThatAreNoRoles() {
    for name in [
      "blocks.0.mlp.experts.gate", "blocks.0.mlp.experts.-1.gate", "blocks.0.mlp.experts.1.norm",
      "blocks.0.mlp.experts.1.router", "blocks.0.attention.experts.1.gate", "blocks.0.mlp.experts.1.gate.x",
    ] { #expect(Role(name) == nil, "\(name)") }
    #expect(Role("blocks.3.mlp.experts.12.up") == .expert(3, 12, .up))
  }

  /// One tensor an expert, all experts stacked as transformers 5 holds them, and stacks of `[inputs, outputs]`. In
  /// qwen3_moe gate and up together are square: only the stack of down says how they lie.
  @Test(arguments: mixtures, [false, true])
  func storageDoesNotMatter(name: String, transposed: Bool) throws {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    let separate = try fixture.model("rope_theta", in: folder)
    let stacked = try Stacks.write(separate, transposed: transposed, to: folder.file("stacked"))
    let block = try #require((0..<separate.network.blocks).first { separate.network.hasExperts($0) })
    let sites: [Site] = [
      .mlpOutput(block), .input(.expert(block, 2, .down)), .input(.expert(block, 0, .gate)),
      .input(.block(block, .router)),
    ]
    let a = try separate.forward(fixture.texts, capture: sites)
    let b = try stacked.forward(fixture.texts, capture: sites)
    for text in fixture.texts.indices {
      #expect(a.logits[text].toFloats().bits == b.logits[text].toFloats().bits)
      for site in sites {
        #expect(a.states[site]?[text].toFloats().bits == b.states[site]?[text].toFloats().bits, "\(site)")
      }
    }
    #expect(stacked.binding.unused.isEmpty)
    let bound = try stacked.binding.tensor(.expert(block, 2, .up))
    #expect(bound.transposed == transposed && bound.tensor.hasSuffix("gate_up_proj"))
    #expect(
      try stacked.linear(.expert(block, 2, .up)).toFloats()
        == separate.linear(.expert(block, 2, .up)).toFloats())
  }

  /// What an expert's product reads: the tokens that go there, zeros in the rows of all others.
  @Test func inputsOfAnExpert() throws {
    let fixture = try ParityFixture("mixtral")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let experts: [Site] = (0..<5).map { .input(.expert(0, $0, .gate)) }
    let pass = try model.forward(fixture.texts, capture: [.mlpInput(0)] + experts, logits: .none)
    for text in fixture.texts.indices {
      let input = try #require(pass.states[.mlpInput(0)]?[text])
      var visits = [Int](repeating: 0, count: input.shape[0])
      for expert in experts {
        let seen = try #require(pass.states[expert]?[text])
        for row in visits.indices {
          let own = (seen.rows(row..<(row + 1)).toFloats(), input.rows(row..<(row + 1)).toFloats())
          if own.0.contains(where: { $0 != 0 }) {
            #expect(own.0 == own.1)
            visits[row] += 1
          }
        }
      }
      #expect(visits.allSatisfy { $0 == 2 })
    }
    #expect(throws: ArchitectureError.self) {
      try model.forward(fixture.texts, capture: [.input(.block(0, .down))], logits: .none)
    }
    #expect(throws: ArchitectureError.self) {
      try model.forward(fixture.texts, capture: [.input(.expert(0, 5, .gate))], logits: .none)
    }
  }

  /// A change of one expert's rows at run time moves the tokens that go there and no others.
  @Test func overlayOfOneExpert() throws {
    let fixture = try ParityFixture("qwen3_moe")
    let folder = try TemporaryFolder()
    let model = try fixture.model("rope_theta", in: folder)
    let last = model.network.blocks - 1
    let role = Role.expert(last, 3, .gate)
    let overlay = Overlay([
      .rankOne(
        role: role, rows: [0, 5, 17], coefficients: [1, 2, -1],
        direction: .init(repeating: 0.25, count: model.network.width))
    ])
    let sites: [Site] = [.input(role), .mlpOutput(last)]
    let text = [fixture.texts[1]]
    let plain = try model.forward(text, capture: sites)
    let changed = try model.forward(text, capture: sites, overlay: overlay)
    let seen = try #require(plain.states[.input(role)]?[0])
    let (a, b) = try (
      #require(plain.states[.mlpOutput(last)]?[0]), #require(changed.states[.mlpOutput(last)]?[0])
    )
    var moved = 0
    for row in 0..<seen.shape[0] {
      let visits = seen.rows(row..<(row + 1)).toFloats().contains { $0 != 0 }
      let differs = a.rows(row..<(row + 1)).toFloats() != b.rows(row..<(row + 1)).toFloats()
      #expect(differs == visits, "token \(row)")
      if differs { moved += 1 }
    }
    #expect(moved > 0 && moved < seen.shape[0])
  }

  /// Every tensor of every recorded folder stands in the description, and groups count experts.
  @Test(arguments: ParityFixture.names)
  func descriptionLeavesNothingOut(name: String) throws {
    let folder = try TemporaryFolder()
    let model = try ParityFixture(name).model("rope_theta", in: folder)
    let description = ModelDescription(model.checkpoint)
    #expect(Set(description.lines.map(\.tensor)) == Set(model.checkpoint.tensorNames))
    let tensors = Dictionary(grouping: description.lines.filter { $0.role != "head" }, by: \.tensor)
    for (tensor, lines) in tensors {
      let entry = try #require(model.checkpoint.entry(tensor))
      #expect(lines.reduce(0) { $0 + $1.bytes } == entry.byteRange.count, "\(tensor)")
    }
    if let experts = model.network.experts {
      let sparse = experts.blocks.count { $0 }
      let gates = description.groups.filter { $0.role == "blocks.*.mlp.experts.*.gate" }
      #expect(gates.count == 1)
      #expect(gates.first?.note.hasPrefix("\(experts.count) experts in \(sparse) blocks") == true)
      #expect(gates.first?.count == (name.contains("stacked") ? sparse : sparse * experts.count))
    }
  }
}

/// A folder whose experts lie in stacks, made of one that has a tensor an expert.
enum Stacks {
  static func write(_ model: Model, transposed: Bool, to folder: String) throws -> Model {
    let (network, binding, checkpoint) = (model.network, model.binding, model.checkpoint)
    var items: [SafetensorsWriter.Item] = []
    let apart = Set(binding.tensors.filter { $0.key.expert != nil }.map(\.value.tensor))
    for name in checkpoint.tensorNames where !apart.contains(name) {
      items.append(.init(name, try checkpoint.tensor(name)))
    }
    for block in 0..<network.blocks where network.hasExperts(block) {
      let experts = network.experts?.count ?? 0
      for (name, roles) in [("gate_up_proj", [BlockRole.gate, .up]), ("down_proj", [.down])] {
        var numbers: [Float] = []
        var (rows, inputs) = (0, 0)
        for expert in 0..<experts {
          let parts = try roles.map { try model.linear(.expert(block, expert, $0)) }
          rows = parts.reduce(0) { $0 + $1.outputs }
          inputs = parts[0].inputs
          let matrix = parts.flatMap { $0.toFloats() }
          if transposed {
            for input in 0..<inputs { for row in 0..<rows { numbers.append(matrix[row * inputs + input]) } }
          } else {
            numbers += matrix
          }
        }
        let first = try #require(binding.tensors[.expert(block, 0, .gate)])
        let dtype = try #require(checkpoint.entry(first.tensor)).dtype
        items.append(
          .init(
            "model.layers.\(block).mlp.experts.\(name)",
            Tensor(
              numbers, shape: [experts, transposed ? inputs : rows, transposed ? rows : inputs], dtype: dtype)
          ))
      }
    }
    try Files.makeFolder(folder)
    try SafetensorsWriter.write(items, to: folder + "/model.safetensors")
    try Files.write(try checkpoint.config.text(.pretty), to: folder + "/config.json")
    return try Model(folder: folder)
  }
}

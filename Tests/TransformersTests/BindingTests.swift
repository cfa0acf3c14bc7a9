import Architectures
import Checkpoints
import JSON
import Runtime
import TestSupport
import Testing
import Transformers

/// What binding refuses and what it reports as unused.
@Suite struct BindingTests {
  private func binding(
    _ name: String, change: (inout [RandomTensor]) -> Void, config edit: (JSONValue) -> JSONValue = { $0 }
  ) throws -> Binding {
    let fixture = try ParityFixture(name)
    let folder = try TemporaryFolder()
    var tensors = fixture.tensors
    change(&tensors)
    let config = edit(try #require(fixture.configs["rope_theta"]))
    try RandomCheckpoint.write(tensors, seed: fixture.seed, config: config, to: folder.file("model"))
    return try Binding(Checkpoint(folder: folder.file("model")))
  }

  @Test(arguments: ParityFixture.names)
  func everyTensorHasARole(name: String) throws {
    let unused = try binding(name) { _ in }.unused
    // Encoders carry poolers and heads that hidden states do not need; each is named with its reason.
    #expect(unused.allSatisfy { $0.reason.hasSuffix("not on the way to what is computed") }, "\(unused)")
    #expect(unused.isEmpty || !ParityFixture.decoders.contains(name))
  }

  @Test(arguments: [
    "llama", "qwen2", "qwen3", "gpt2", "gemma2", "phi3", "gpt_neox", "falcon-grouped", "stablelm-parallel",
    "opt-projected",
    "bloom", "olmo2",
  ])
  func eachMissingTensorIsNamed(name: String) throws {
    for spec in try ParityFixture(name).tensors {
      let error = #expect(throws: ArchitectureError.self) {
        try binding(name) { tensors in tensors.removeAll { $0.name == spec.name } }
      }
      #expect(error?.found.contains(spec.name) == true, "\(spec.name): \(error?.found ?? "")")
      #expect(error?.exitCode == .unsupported)
    }
  }

  @Test(arguments: [
    "llama", "gpt2", "gemma3", "phi3", "gpt_neox", "falcon-grouped", "stablelm-parallel", "opt-projected",
    "cohere-norms-bf16",
  ])
  func anotherShapeIsRefused(name: String) throws {
    for index in try ParityFixture(name).tensors.indices {
      #expect(throws: ArchitectureError.self) { try binding(name) { $0[index].shape[0] += 1 } }
    }
  }

  @Test func foreignTensorsAreReported() throws {
    let bound = try binding("llama") { tensors in
      tensors.append(RandomTensor("model.layers.0.self_attn.q_proj.bias", [36], scale: 1))
      tensors.append(RandomTensor("model.layers.0.self_attn.rotary_emb.inv_freq", [3], scale: 1))
      tensors.append(RandomTensor("extra.weight", [2], scale: 1))
    }
    #expect(
      bound.unused.map(\.name) == [
        "model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.rotary_emb.inv_freq",
        "extra.weight",
      ])
    #expect(bound.unused.map(\.reason)[1] == "buffer")
    #expect(try bound.tensor(.block(0, .query)).bias == nil)
  }

  /// A tied head may be stored twice, but not with two contents.
  @Test func tiedHeadStoredWithOtherBytes() throws {
    let error = #expect(throws: ArchitectureError.self) {
      try binding("llama-tied-llama3") { $0.append(RandomTensor("lm_head.weight", [131, 36], scale: 1)) }
    }
    #expect(error?.code == "FEATURE_UNSUPPORTED")
  }

  /// What lies between the rows of a role in a tensor that holds qkv a head at a time.
  @Test func fusedRolesThatLieApart() throws {
    let neox = try binding("gpt_neox") { _ in }
    let value = try neox.tensor(.block(1, .value)).rows
    #expect(value == RowMap(first: 32, run: 16, stride: 48, count: 48) && value.range == nil)
    #expect(value.indices == (0..<3).flatMap { head in (0..<16).map { head * 48 + 32 + $0 } })
    // Grouped queries: 3 heads of 6 share a key.
    let falcon = try binding("falcon-grouped") { _ in }
    #expect(try falcon.tensor(.block(0, .query)).rows == RowMap(first: 0, run: 18, stride: 30, count: 36))
    #expect(try falcon.tensor(.block(0, .key)).rows == RowMap(first: 18, run: 6, stride: 30, count: 12))
    // One key for all queries: three runs.
    let multiQuery = try binding("falcon") { _ in }
    #expect(try multiQuery.tensor(.block(0, .query)).rows.range == 0..<36)
    #expect(try multiQuery.tensor(.block(0, .value)).rows.range == 42..<48)
    let phi3 = try binding("phi3") { _ in }
    #expect(try phi3.tensor(.block(0, .gate)).rows.range == 0..<52)
    #expect(try phi3.tensor(.block(0, .up)).rows.range == 52..<104)
    for bound in [neox, falcon, multiQuery, phi3] {
      for block in 0..<2 {
        let roles = try [BlockRole.query, .key, .value].map { try bound.tensor(.block(block, $0)).rows }
        let rows = roles.flatMap(\.indices)
        #expect(rows.sorted() == Array(0..<rows.count), "every row belongs to one role")
        for role in roles {
          #expect(role.indices.enumerated().allSatisfy { role.row(of: $0.element) == $0.offset })
          #expect((0..<rows.count).filter(role.contains) == role.indices)
        }
      }
    }
  }

  @Test func fusedRolesAreRunsOfOneTensor() throws {
    let bound = try binding("gpt2") { _ in }
    for (index, role) in [BlockRole.query, .key, .value].enumerated() {
      let part = try bound.tensor(.block(2, role))
      #expect(part.tensor == "transformer.h.2.attn.c_attn.weight")
      #expect(part.rows.range == (36 * index)..<(36 * (index + 1)))
      #expect(part.transposed && part.shape == [36, 36])
    }
  }
}

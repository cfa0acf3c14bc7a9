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

  @Test(arguments: ["llama", "qwen2", "qwen3", "mistral", "gpt2"])
  func everyTensorHasARole(name: String) throws {
    #expect(try binding(name) { _ in }.unused.isEmpty)
  }

  @Test(arguments: ["llama", "qwen2", "qwen3", "gpt2"])
  func eachMissingTensorIsNamed(name: String) throws {
    for spec in try ParityFixture(name).tensors {
      let error = #expect(throws: ArchitectureError.self) {
        try binding(name) { tensors in tensors.removeAll { $0.name == spec.name } }
      }
      #expect(error?.found.contains(spec.name) == true, "\(spec.name): \(error?.found ?? "")")
      #expect(error?.exitCode == .unsupported)
    }
  }

  @Test(arguments: ["llama", "gpt2"])
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

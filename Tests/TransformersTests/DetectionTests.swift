import Architectures
import Checkpoints
import JSON
import Runtime
import TestSupport
import Testing
import Transformers

/// Folders whose `model_type` nobody knows: bound by the layout of their tensors, or refused with the role that is missing.
@Suite struct DetectionTests {
  private func folder(
    _ name: String, in place: TemporaryFolder, tensors change: (inout [RandomTensor]) -> Void = { _ in },
    config edit: (inout JSONValue) -> Void = { _ in }
  ) throws -> String {
    let fixture = try ParityFixture(name)
    var tensors = fixture.tensors
    change(&tensors)
    var config = try #require(fixture.configs["rope_theta"])
    config["model_type"] = "nobody_knows_me"
    config["architectures"] = nil
    edit(&config)
    try RandomCheckpoint.write(tensors, seed: fixture.seed, config: config, to: place.file(name))
    return place.file(name)
  }

  /// Families whose arithmetic follows from their tensors and config keys: computed as recorded.
  @Test(arguments: [
    "llama", "llama-biases", "qwen2", "qwen3", "gpt2", "gpt_neox", "qwen2_moe", "qwen3_moe-stacked-bf16",
    "mixtral",
    "bert", "roberta", "distilbert",
  ])
  func computesWhatIsRecorded(name: String) throws {
    let place = try TemporaryFolder()
    let fixture = try ParityFixture(name)
    let model = try Model(folder: folder(name, in: place))
    let detection = try #require(model.binding.detection)
    #expect(detection.modelType == "nobody_knows_me")
    #expect(!detection.assumptions.isEmpty)
    #expect(detection.warning.contains("surgeon parity"))
    for error in try fixture.errors(model) {
      #expect(error.relative <= ParityFixture.bound, "as \(detection.pattern): \(error)")
    }
  }

  /// A known family is never guessed at.
  @Test func knownFamiliesAreNotDetected() throws {
    let place = try TemporaryFolder()
    #expect(try ParityFixture("llama").model("rope_theta", in: place).binding.detection == nil)
  }

  /// The same tensors mean something else in Gemma: said, not hidden.
  @Test func otherReadingsAreNamed() throws {
    let place = try TemporaryFolder()
    let detection = try #require(Binding(Checkpoint(folder: folder("llama", in: place))).detection)
    #expect(detection.pattern == "llama")
    #expect(detection.alternatives.contains("granite"))
  }

  /// Keys that nothing looked at may change the arithmetic: they are listed; harmless ones are not.
  @Test func unreadKeysAreListed() throws {
    let place = try TemporaryFolder()
    let path = try folder("llama", in: place) { _ in
    } config: {
      $0["logit_multiplier"] = 0.5
      $0["resid_pdrop"] = 0.1
    }
    let detection = try #require(Binding(Checkpoint(folder: path)).detection)
    #expect(detection.unreadKeys.contains("logit_multiplier"))
    #expect(!detection.unreadKeys.contains("resid_pdrop"))
    #expect(!detection.unreadKeys.contains("hidden_size"))
  }

  @Test(arguments: [
    ("llama", "model.layers.1.self_attn.k_proj.weight", "blocks.1.attention.k"),
    ("gpt2", "transformer.h.2.mlp.c_fc.weight", "blocks.2.mlp.up"),
    ("mixtral", "model.layers.1.block_sparse_moe.experts.3.w2.weight", "blocks.1.mlp.experts.3.down"),
  ])
  func theMissingRoleIsNamed(name: String, tensor: String, role: String) throws {
    let place = try TemporaryFolder()
    let path = try folder(name, in: place) { tensors in tensors.removeAll { $0.name == tensor } }
    let error = #expect(throws: ArchitectureError.self) { try Binding(Checkpoint(folder: path)) }
    #expect(error?.code == "ARCHITECTURE_UNKNOWN" && error?.exitCode == .unsupported)
    #expect(error?.found.contains(role) == true, "\(error?.found ?? "")")
    #expect(error?.found.contains("seen: ") == true)
  }

  /// A tensor that no row explains is a reason not to guess.
  @Test func aStrangerIsARefusal() throws {
    let place = try TemporaryFolder()
    let path = try folder("llama", in: place) {
      $0.append(RandomTensor("model.layers.0.self_attn.sinks", [6], scale: 1))
    }
    let error = #expect(throws: ArchitectureError.self) { try Binding(Checkpoint(folder: path)) }
    #expect(error?.found.contains("model.layers.0.self_attn.sinks") == true, "\(error?.found ?? "")")
  }

  /// Nothing that is like a network at all.
  @Test func nothingNear() throws {
    let place = try TemporaryFolder()
    let path = try folder("llama", in: place) { $0 = [RandomTensor("conv1.weight", [4, 3], scale: 1)] }
    let error = #expect(throws: ArchitectureError.self) { try Binding(Checkpoint(folder: path)) }
    #expect(error?.found.contains("no token embedding under a known name") == true)
    #expect(error?.found.contains("conv1.weight") == true)
  }
}

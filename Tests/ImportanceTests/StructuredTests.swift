import Architectures
import Checkpoints
import Glibc
import Importance
import JSON
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// Neurons and heads taken out whole: the smaller model computes what the masked original does.
@Suite struct StructuredTests {
  static func model(_ name: String, in folder: String) throws -> Model {
    let tests = Files.folder(of: Files.folder(of: #filePath))
    let json = try JSONValue(file: "\(tests)/TransformersTests/Fixtures/parity/\(name).json")
    let tensors = try #require(json["tensors"]?.array).map { try #require(RandomTensor(json: $0)) }
    try RandomCheckpoint.write(
      tensors, seed: UInt64(try #require(json["seed"]?.int)),
      config: try #require(json["configs"]?["rope_parameters"]), to: "\(folder)/\(name)")
    return try Model(folder: "\(folder)/\(name)")
  }

  /// Scores without meaning, by block, expert and unit.
  static func plan(_ unit: StructuredUnit, _ share: Double, _ model: Model) throws -> StructuredPlan {
    let count = unit.count(model.network)
    return try StructuredPlan(unit, share: share, binding: model.binding) { block, expert in
      var random = CounterRandom(seed: 1, stream: "unit \(block) \(expert ?? -1)")
      return (0..<count).map { _ in random.uniform() }
    }
  }

  static let neurons = [
    "llama", "llama-biases", "qwen3", "gemma2", "gemma3", "gpt2", "gpt2-inner", "gpt_neox", "gpt_neo",
    "gptj-inner-bf16", "phi", "phi3", "opt", "falcon", "starcoder2", "stablelm", "olmo2", "cohere", "granite",
    "smollm3", "mixtral", "mixtral-stacked-bf16", "qwen2_moe", "qwen2_moe-stacked", "qwen3_moe-stacked-bf16",
    "bert", "roberta", "distilbert",
  ]
  static let heads = [
    "llama", "llama-biases", "llama-head-size", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3",
    "phi3", "granite", "smollm3", "mixtral", "qwen2_moe", "qwen3_moe",
  ]

  static let cases =
    neurons.map { ($0, StructuredUnit.neurons) } + heads.map { ($0, StructuredUnit.heads) }

  static let ids: [[Int32]] = [[1, 5, 9, 3, 7, 30, 12], [12], [40, 8, 33]]

  /// With SURGEON_STRUCTURED=FOLDER the folders are kept there for Scripts/check_structured.py.
  @Test(arguments: cases) func equalsTheMaskedOriginal(_ name: String, _ unit: StructuredUnit) throws {
    let temporary = try TemporaryFolder()
    let kept = getenv("SURGEON_STRUCTURED").map { "\(String(cString: $0))/\(name)-\(unit)" }
    let folder = kept ?? temporary.path
    let model = try Self.model(name, in: folder)
    let count = unit.count(model.network)
    guard count > 1 else { return }
    let plan = try Self.plan(unit, unit == .neurons ? 0.3 : 0.5, model)
    #expect(plan.parts.allSatisfy { $0.removed.count == plan.removed })
    let report = try plan.write(model, score: "random", to: "\(folder)/cut")
    let smaller = try Model(folder: "\(folder)/cut")
    #expect(unit.count(smaller.network) == count - plan.removed)
    #expect(report.parametersAfter < report.parametersBefore && report.bytesAfter < report.bytesBefore)
    let agreement = try plan.agreement(model, smaller, ids: Self.ids)
    #expect(agreement.passed && agreement.magnitude > 0, "\(name): \(agreement)")

    // The same zeros written out: what the run-time mask computes, bit for bit, and not what the base does.
    let cuts = try plan.cuts(binding: model.binding, checkpoint: model.checkpoint)
    try CheckpointWriter(source: model.checkpoint, output: "\(folder)/masked").write(
      try model.checkpoint.zeros(where: cuts), record: nil)
    let masked = try Model(folder: "\(folder)/masked")
    let last = model.network.lastSite
    func states(_ model: Model, _ overlay: Overlay? = nil) throws -> [[Float]] {
      try model.forward(Self.ids, capture: [last], logits: .none, overlay: overlay).states[last]?
        .map { $0.toFloats() } ?? []
    }
    let zeros = try states(masked)
    #expect(try states(model, try plan.mask(model)) == zeros)
    #expect(try states(model) != zeros)

    // Everything else is the source's, byte for byte; the config differs in the numbers only.
    let cut = Set(report.cut.map(\.tensor))
    for tensor in model.checkpoint.tensorNames where !cut.contains(tensor) {
      #expect(try smaller.checkpoint.sha256(ofTensor: tensor) == model.checkpoint.sha256(ofTensor: tensor))
    }
    #expect(report.untouched == model.checkpoint.tensorNames.count - cut.count)
    let sizes: Set = [
      "intermediate_size", "moe_intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim",
      "num_attention_heads", "num_key_value_heads", "head_dim",
    ]
    let (before, after) = (model.checkpoint.config.object ?? [:], smaller.checkpoint.config.object ?? [:])
    #expect(before.filter { !sizes.contains($0.key) } == after.filter { !sizes.contains($0.key) })
  }

  @Test func whatCannotBeSaidIsRefused() throws {
    let folder = try TemporaryFolder()
    func code(_ name: String, _ unit: StructuredUnit, _ share: Double = 0.5) throws -> String? {
      let model = try Self.model(name, in: folder.path)
      do {
        _ = try Self.plan(unit, share, model)
        return nil
      } catch { return (error as? any SurgeonError)?.code }
    }
    for name in [
      "gpt2", "gpt_neox", "bloom", "mpt", "falcon-alibi", "olmo2", "cohere-norms-bf16", "opt", "bert",
    ] {
      #expect(try code(name, .heads) == "STRUCTURE_UNSUPPORTED", "\(name)")
    }
    for name in ["bloom", "mpt", "openai-gpt"] {
      #expect(try code(name, .neurons) == "STRUCTURE_UNSUPPORTED", "\(name)")
    }
    for share in [0, 1, -0.5, 2, 0.0001, 0.9999, Double.nan, .infinity] {
      #expect(try code("llama", .neurons, share) == "STRUCTURE_SHARE", "\(share)")
    }
    #expect(try code("llama", .neurons, 0.5) == nil)
  }

  /// transformers loads some families only where the heads divide the width.
  @Test func headsThatDoNotDivideTheWidth() throws {
    guard SharedFixtures.has("models/stories260K/hf") else { return }
    let model = try Model(folder: SharedFixtures.path("models/stories260K/hf"))
    #expect(model.network.heads == 8 && model.network.keyValueHeads == 4 && model.network.width == 64)
    #expect(throws: StructureError.heads(family: "llama", heads: 6, width: 64, allowed: [2, 4])) {
      _ = try Self.plan(.heads, 0.25, model)
    }
    #expect(try Self.plan(.heads, 0.5, model).removed == 2)
  }

  /// The lowest scores leave; of equal ones the lower unit.
  @Test func lowestScoresLeave() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("llama", in: folder.path)
    let count = model.network.mlpWidth
    let plan = try StructuredPlan(.neurons, share: 3 / Double(count), binding: model.binding) { block, _ in
      (0..<count).map { $0 == count - 1 ? -1 : block == 0 ? 0 : Double(count - $0) }
    }
    #expect(plan.parts[0].removed == [0, 1, count - 1])
    #expect(plan.parts[1].removed == [count - 3, count - 2, count - 1])
    #expect(throws: StructureError.self) {
      _ = try StructuredPlan(.neurons, share: 0.5, binding: model.binding) { _, _ in [1, 2] }
    }
  }
}

import Architectures
import Checkpoints
import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Surgery

/// Ablation at run time, as a patch, and in the written checkpoint, over families that write to the stream differently.
@Suite struct AblationTests {
  /// The recorded random checkpoints of the forward pass's tests, by name.
  private static func model(_ name: String, in folder: TemporaryFolder) throws -> Model {
    let tests = Files.folder(of: Files.folder(of: #filePath))
    let json = try JSONValue(file: "\(tests)/TransformersTests/Fixtures/parity/\(name).json")
    let tensors = try #require(json["tensors"]?.array).map { try #require(RandomTensor(json: $0)) }
    try RandomCheckpoint.write(
      tensors, seed: UInt64(try #require(json["seed"]?.int)),
      config: try #require(json["configs"]?["rope_theta"]), to: folder.file(name))
    return try Model(folder: folder.file(name))
  }

  private static func direction(_ model: Model, seed: UInt64 = 1) -> BehaviourDirection {
    var random = CounterRandom(seed: seed, stream: "direction")
    return .shared(
      (0..<model.network.width).map { _ in Float(random.normal()) }, site: .blockOutput(1))
  }

  private static let texts: [[Int32]] = [[1, 5, 9, 3, 7], [2], [4, 8, 6]]

  /// Llama untied; Qwen 3 tied, bf16; GPT-2: tied, positions, Conv1D, biases; Gemma 2: norms around, tied, scaled
  /// embeddings; OLMo 2: norms after, bf16 with biases; Phi: parallel, biases; StableLM; Granite: multipliers; fused.
  static let families = [
    "llama", "qwen3-tied-bf16", "gpt2", "gpt2-f16", "gemma2", "gemma3", "olmo2-biases-bf16", "phi", "phi3",
    "opt",
    "granite", "starcoder2", "gptj", "gpt_neox", "mixtral", "qwen2_moe", "qwen3_moe-stacked-bf16",
  ]

  @Test(arguments: families, Ablation.Norms.allCases)
  func runTimeEqualsTheWrittenCheckpoint(_ name: String, _ norms: Ablation.Norms) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(name, in: folder)
    var options = Ablation.Options()
    options.norms = norms
    let plan = try Ablation(model, Self.direction(model), options)
    let patch = try plan.patch(
      strength: 1, binding: model.binding, checkpoint: model.checkpoint, origin: [:], progress: ignoreProgress
    )
    let report = try patch.apply(to: model.checkpoint, output: folder.file("edited"))
    let edited = try Model(folder: folder.file("edited"))
    let written = try edited.forward(Self.texts, capture: [.blockOutput(1)])
    let overlay = try patch.overlay(model.binding, model.checkpoint)
    let atRunTime = try model.forward(Self.texts, overlay: overlay)
    let plain = try model.forward(Self.texts)
    let swept = try model.forward(Self.texts, overlay: plan.overlay(strength: 1, of: model))
    for text in Self.texts.indices {
      let (a, b) = (written.logits[text].toFloats(), atRunTime.logits[text].toFloats())
      #expect(a.map(\.bitPattern) == b.map(\.bitPattern))
      let c = swept.logits[text].toFloats()
      let scale = max(1, a.map(abs).max() ?? 0)
      // The sweep's form lacks the rounding of the stored type.
      let bound: Float = try Self.isExact(model) ? 1e-4 : 6e-2
      #expect(zip(a, c).allSatisfy { abs($0 - $1) <= bound * scale }, "\(name)")
      #expect(zip(a, plain.logits[text].toFloats()).contains { abs($0 - $1) > 1e-3 })
    }
    // A cache sees the same model.
    let generation = GenerationOptions(maximumTokens: 4, stops: [])
    #expect(
      try model.generate(prompts: Self.texts, options: generation, overlay: overlay)
        == edited.generate(prompts: Self.texts, options: generation))
    // Nothing of the direction is in the stream, unless rows got their lengths back.
    if norms != .rows {
      let states = try #require(written.states[.blockOutput(1)]?.first)
      let before = try #require(
        model.forward([Self.texts[0]], capture: [.blockOutput(1)]).states[.blockOutput(1)]?.first)
      let (left, was) = (Self.part(states, plan.direction), Self.part(before, plan.direction))
      let bound: Float = try Self.isExact(model) ? 1e-5 : 2e-2
      #expect(left <= bound * max(1, was), "\(name): \(left) of \(was)")
    }
    try Undo(file: try #require(report.undo)).revert(edited.checkpoint, output: folder.file("back"))
    #expect(
      try Files.read(folder.file("back/model.safetensors"))
        == Files.read("\(model.checkpoint.folder)/model.safetensors"))
  }

  /// Whether the weights are stored in f32, so that nothing is rounded away.
  private static func isExact(_ model: Model) throws -> Bool {
    model.checkpoint.entry(try model.binding.tensor(.block(0, .attentionOutput)).tensor)?.dtype == .f32
  }

  /// The largest part along a direction of some states.
  private static func part(_ states: Tensor, _ direction: [Float]) -> Float {
    let values = states.toFloats()
    return (0..<states.shape[0]).map { row in
      abs(direction.indices.reduce(Float(0)) { $0 + direction[$1] * values[row * direction.count + $1] })
    }.max() ?? 0
  }

  @Test func postNormFamiliesLoseTheGainedDirection() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("gemma2", in: folder)
    let plan = try Ablation(model, Self.direction(model))
    let target = try #require(plan.targets.first { $0.role == .block(0, .down) })
    let gain = try #require(model.gain(following: .block(0, .down)))
    let gained = zip(gain, plan.direction).map { $0 * $1 }
    let length = gained.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(zip(plan.direction(of: target), gained).allSatisfy { abs($0 - $1 / length) < 1e-6 })
    #expect(try #require(plan.targets.first { $0.role == .tokenEmbedding }).gain == nil)
    // With the plain direction something would be left: the gains are not all alike.
    #expect(zip(plan.direction(of: target), plan.direction).contains { abs($0 - $1) > 1e-3 })
  }

  @Test(arguments: ["bloom", "opt-after-f16", "opt-projected", "openai-gpt"])
  func streamsThatAreNormedAreRefused(_ name: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(name, in: folder)
    let error = #expect(throws: SurgeryError.self) { try Ablation(model, Self.direction(model)) }
    #expect(error?.code == "ABLATION_UNSUPPORTED")
    var options = Ablation.Options()
    options.writers = [.attention, .mlp]
    if name == "bloom" { _ = try Ablation(model, Self.direction(model), options) }
  }

  @Test func plansComeBackAsWrittenAndOnlyFitTheirModel() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("gemma2", in: folder)
    var options = Ablation.Options()
    options.strengths = .triangle(peak: 1, reach: 1, edge: 0.25)
    options.blocks = [0, 1]
    options.norms = .vectors
    let plan = try Ablation(model, Self.direction(model), options)
    #expect(plan.blocks == [0, 1])
    #expect(plan.targets.filter { $0.role.block == 0 }.allSatisfy { $0.factor == 0.25 })
    let file = AblationFile(plan: plan, provenance: ["model_hash": "abc"])
    try file.write(to: folder.file("x"))
    let back = try StoredPlan(file: folder.file("x"))
    guard case .ablation(let read) = back else {
      Issue.record("read as another kind")
      return
    }
    #expect(read.plan.direction == plan.direction && read.plan.targets == plan.targets)
    #expect(read.plan.gains == plan.gains && read.plan.norms == plan.norms && read.plan.site == plan.site)
    try read.write(to: folder.file("y"))
    #expect(try Files.read(folder.file("x")) == Files.read(folder.file("y")))
    try back.check(fits: model.binding, path: "x")
    let other = try Self.model("llama", in: folder)
    #expect(throws: SurgeryError.self) { try back.check(fits: other.binding, path: "x") }
    #expect(throws: SurgeryError.self) { try back.plan(RowBudget(.count(3))) }
  }

  @Test func controlsAreAsStrongButElsewhere() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("llama", in: folder)
    var options = Ablation.Options()
    options.blocks = [1]
    let plan = try Ablation(model, Self.direction(model), options)
    let controls = Control.all(of: plan, draws: 2, seed: 3)
    #expect(controls.map(\.kind) == [.randomDirection, .randomDirection, .randomBlocks, .randomBlocks])
    for control in controls {
      let other = try #require(control.plan as? Ablation)
      #expect(abs(other.direction.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      #expect(other.blocks.count == 1)
      if control.kind == .randomDirection {
        let cosine = zip(other.direction, plan.direction).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        #expect(abs(cosine) < 0.9 && other.targets == plan.targets)
      } else {
        #expect(other.blocks != plan.blocks && other.direction == plan.direction)
      }
    }
    // Where every block loses as much there are no other blocks to take.
    let all = try Ablation(model, Self.direction(model))
    #expect(Control.all(of: all, draws: 1, seed: 3).map(\.kind) == [.randomDirection])
    #expect(all.leavingOut(block: 1).blocks == all.blocks.filter { $0 != 1 })
  }

  @Test func strengthsOfBlocksAreReadAndChecked() throws {
    #expect(try BlockStrengths(parsing: "0.5").factors(blocks: 3) == [0.5, 0.5, 0.5])
    #expect(try BlockStrengths(parsing: "0, 1, 0.5").factors(blocks: 3) == [0, 1, 0.5])
    #expect(
      try BlockStrengths(parsing: "triangle:2,2,0.5").factors(blocks: 6) == [0.5, 0.75, 1, 0.75, 0.5, 0])
    for text in ["", "x", "1,", "triangle:1", "triangle:1,0", "nan", "1,inf"] {
      #expect(throws: SurgeryError.self, "\(text)") { try BlockStrengths(parsing: text) }
    }
    #expect(throws: SurgeryError.self) { try BlockStrengths(parsing: "1,2").factors(blocks: 3) }
    #expect(throws: SurgeryError.self) { try BlockStrengths(parsing: "0").factors(blocks: 3) }
    for text in ["0.5", "0.0,1.0", "triangle:2.0,2.0,0.5"] {
      #expect(try BlockStrengths(parsing: text).description == text)
    }
  }
}

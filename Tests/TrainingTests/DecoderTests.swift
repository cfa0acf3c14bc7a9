import Checkpoints
import Glibc
import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Training

/// Decoders of three families against PyTorch and transformers (record_decoders.py): every gradient and ten losses.
@Suite struct DecoderTests {
  static let families = ["llama", "qwen3", "gpt2"]
  private static var fixtures: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      + "/Fixtures/"
  }

  /// The script's model, written as a checkpoint folder.
  static func decoder(_ family: String, in folder: TemporaryFolder) throws -> (Decoder, JSONValue) {
    let recorded = try JSONValue(file: fixtures + "decoder-\(family).json")
    let specs = (recorded["tensors"]?.array ?? []).compactMap(RandomTensor.init)
    let path = folder.path + "/" + family
    try RandomCheckpoint.write(
      specs, seed: UInt64(try #require(recorded["seed"]?.int)), config: try #require(recorded["config"]),
      to: path)
    return (try Decoder(folder: path), recorded)
  }

  /// The script's sequences: the first two targets of the second do not count.
  static func data() throws -> LanguageData {
    try LanguageData(
      [7, 5, 9].enumerated().map { index, length in
        let random = CounterRandom(seed: 7, stream: "tokens.\(index)")
        let tokens = (0...length).map { Int32(random.bits(at: UInt64($0)) % 29) }
        return (tokens, index == 1 ? 3 : 0)
      }, packing: .documents(length: 32))
  }

  private static func batch(_ data: LanguageData) -> (batch: Batch, targets: [Int32]) {
    (Batch(data.sequences.map(\.inputs)), data.sequences.flatMap(\.targets))
  }

  @Test(arguments: families) func gradientsEqualPyTorchs(_ family: String) throws {
    let folder = try TemporaryFolder()
    let (decoder, recorded) = try Self.decoder(family, in: folder)
    let data = try Self.data()
    #expect(data.counted == 19)
    let (batch, targets) = Self.batch(data)
    let loss = try decoder.gradients.run(batch, targets: targets, scale: 1 / Float(data.counted))
    let expected = try #require(recorded["losses"]?.array?.first?.double)
    #expect(abs(loss / 19 - expected) < 2e-6 * expected)
    let file = try SafetensorsFile(path: Self.fixtures + "decoder-\(family).safetensors")
    #expect(Set(file.entries.map(\.name)) == Set(decoder.parameters.map(\.name)))
    for parameter in decoder.parameters {
      let values = try file.tensor(parameter.name).toFloats()
      #expect(values.count == parameter.count)
      let largest = values.map(abs).max() ?? 0
      for (value, found) in zip(values, parameter.gradient.toFloats()) {
        #expect(abs(value - found) <= 2e-5 * max(largest, 1e-3), "\(parameter.name)")
      }
    }
  }

  @Test(arguments: families) func tenLossesEqualPyTorchs(_ family: String) throws {
    let folder = try TemporaryFolder()
    let (decoder, recorded) = try Self.decoder(family, in: folder)
    var plan = TrainingPlan()
    plan.batchSize = 1
    plan.accumulation = 3
    plan.learningRate = 0.02
    plan.schedule = .constant
    plan.optimiser = "adamw"
    plan.settings = ["beta2": .number(0.98), "weight_decay": .number(0.1)]
    plan.clip = 1
    let training = try DecoderTraining(decoder, plan: plan, data: Self.data(), steps: 10)
    let losses = (recorded["losses"]?.array ?? []).compactMap(\.double)
    let norms = (recorded["norms"]?.array ?? []).compactMap(\.double)
    #expect(losses.count == 10 && norms.count == 10)
    for (loss, norm) in zip(losses, norms) {
      let step = try training.step()
      #expect(abs(step.loss - loss) < 2e-5 * max(1, loss))
      #expect(abs(try #require(step.gradientNorm) - norm) < 1e-4 * max(1, norm))
      #expect(step.tokens == 19)
    }
    #expect(training.isDone)
  }

  /// Central differences of the loss in the direction of each tensor's gradient, in f32: a coarse check that needs no
  /// recording, and of the families' other choices.
  @Test(arguments: families) func lossFallsAlongTheGradient(_ family: String) throws {
    let folder = try TemporaryFolder()
    let (decoder, _) = try Self.decoder(family, in: folder)
    let data = try Self.data()
    let (batch, targets) = Self.batch(data)
    _ = try decoder.gradients.run(batch, targets: targets, scale: 1)
    for parameter in decoder.parameters {
      let square = parameter.gradient.toFloats().reduce(0.0) { $0 + Double($1) * Double($1) }
      guard square > 1e-4 else { continue }
      let old = parameter.value.toFloats()
      func loss(_ sign: Float) throws -> Double {
        let step = sign * 2e-3 / Float(square.squareRoot())
        for i in 0..<parameter.count { parameter.value.f32[i] = old[i] + step * parameter.gradient.f32[i] }
        return try decoder.gradients.loss(batch, targets: targets)
      }
      let slope = try (loss(1) - loss(-1)) / 4e-3
      for i in 0..<parameter.count { parameter.value.f32[i] = old[i] }
      #expect(abs(slope - square.squareRoot()) < 0.02 * square.squareRoot() + 2e-3, "\(parameter.name)")
    }
  }

  /// Threads change no bit; killed and resumed ends in the same bytes; another recipe is refused.
  @Test func statesGoOnBitForBit() throws {
    let folder = try TemporaryFolder()
    var plan = TrainingPlan()
    plan.batchSize = 2
    plan.learningRate = 0.01
    plan.schedule = .cosine(floor: 0.1)
    plan.warmUp = 0.2
    plan.optimiser = "adamw"
    plan.clip = 1
    plan.seed = 4
    func training() throws -> DecoderTraining {
      try DecoderTraining(
        try Decoder(folder: folder.path + "/llama"), plan: plan, data: Self.data(), steps: 9)
    }
    func bytes(_ training: DecoderTraining) -> [[UInt32]] {
      training.decoder.parameters.map { $0.value.toFloats().bits }
    }
    _ = try Self.decoder("llama", in: folder)
    let whole = try training()
    while !whole.isDone { _ = try whole.step() }
    var other: [[UInt32]] = []
    try KernelSetting.each { setting in
      let again = try training()
      while !again.isDone { _ = try again.step() }
      other = bytes(again)
      #expect(other == bytes(whole), "\(setting)")
    }
    let part = try training()
    for _ in 0..<4 { _ = try part.step() }
    let state = folder.path + "/state.safetensors"
    try part.write(state: state, recipe: ["a": 1])
    let resumed = try training()
    try resumed.read(state: state, recipe: ["a": 1])
    #expect(resumed.stepsDone == 4)
    while !resumed.isDone { _ = try resumed.step() }
    #expect(bytes(resumed) == bytes(whole))
    #expect(throws: TrainingError.otherRecipe(file: state, problem: "another recipe")) {
      try training().read(state: state, recipe: ["a": 2])
    }
  }

  /// What is written is an ordinary folder: it opens, and its loss is the one that was trained.
  @Test(arguments: families) func writesAnOrdinaryFolder(_ family: String) throws {
    let folder = try TemporaryFolder()
    let (decoder, _) = try Self.decoder(family, in: folder)
    var plan = TrainingPlan()
    plan.batchSize = 3
    plan.learningRate = 0.02
    plan.schedule = .constant
    plan.optimiser = "adam"
    let data = try Self.data()
    let training = try DecoderTraining(decoder, plan: plan, data: data, steps: 5)
    let before = try decoder.loss(data)
    while !training.isDone { _ = try training.step() }
    let after = try decoder.loss(data)
    #expect(after < before - 0.1)
    for dtype in [nil, DType.bf16] {
      let path = folder.path + "/out-\(dtype?.rawValue ?? "own")"
      try decoder.write(to: path, dtype: dtype)
      let opened = try Decoder(folder: path)
      #expect(opened.checkpoint.tensorNames.count == decoder.parameters.count)
      let loss = try opened.loss(data)
      if dtype == nil { #expect(loss == after) } else { #expect(abs(loss - after) < 0.02) }
      let config = opened.checkpoint.config
      #expect(dtype == nil || (config["dtype"] ?? config["torch_dtype"])?.string == "bfloat16")
    }
    #expect(throws: FileError.self) { try decoder.write(to: folder.path + "/out-own") }
  }

  /// Settings that a language model has no use for.
  @Test func refuses() throws {
    let folder = try TemporaryFolder()
    let (decoder, _) = try Self.decoder("llama", in: folder)
    var plan = TrainingPlan()
    plan.batchSize = 2
    plan.sharpness = 0.1
    #expect(throws: TrainingError.self) {
      try DecoderTraining(decoder, plan: plan, data: Self.data(), steps: 2)
    }
    plan.sharpness = 0
    plan.batchSize = 4
    #expect(throws: TrainingError.self) {
      try DecoderTraining(decoder, plan: plan, data: Self.data(), steps: 2)
    }
  }
}

import Architectures
import ArgumentParser
import Runtime
import Training
import Transformers

/// `Bench train-lm MODEL`: steps of training a language model, as the peers' script takes them.
struct TrainLanguageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-lm",
    abstract: "Times steps of training a language model in f32 with AdamW on random tokens.",
    discussion: """
      A step is forward, loss, backward and AdamW over --batch sequences of --sequence tokens, all of which are predicted.
      Two steps come before the timed ones. Nothing is written.

      Example: Bench train-lm models/15m
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Sequences of a step.")
  var batch = 8

  @Option(help: "Tokens of a sequence.")
  var sequence = 256

  @OptionGroup var timing: TimingOptions

  func validate() throws {
    guard batch > 0, sequence > 0 else { throw ValidationError("--batch and --sequence must be at least 1") }
  }

  func run() throws {
    var watch = timing.begin()
    let decoder = try Decoder(folder: model)
    var random = CounterRandom(seed: 0, stream: "bench-tokens")
    let documents = (0..<batch).map { _ in
      (tokens: (0...sequence).map { _ in Int32(random.below(decoder.model.network.vocabulary)) }, given: 0)
    }
    var plan = TrainingPlan()
    plan.batchSize = batch
    plan.learningRate = 1e-4
    plan.schedule = .constant
    plan.optimiser = "adamw"
    plan.settings = ["weight_decay": .number(0.01)]
    let data = try LanguageData(documents, packing: .documents(length: sequence))
    let training = try DecoderTraining(decoder, plan: plan, data: data, steps: timing.runs + 2)
    for _ in 0..<2 { _ = try training.step() }
    _ = try watch.measure(
      "train lm", "\(decoder.parameterCount) weights, \(batch)×\(sequence)", amount: Double(batch * sequence),
      unit: "tokens", runs: timing.runs
    ) { try training.step() }
    try watch.finish()
  }
}

import Architectures
import ArgumentParser
import Checkpoints
import Importance
import Runtime
import Tensors
import Transformers

/// `Bench wanda MODEL`: calibration and Wanda's masks on a checkpoint, and the step on one matrix.
struct WandaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wanda",
    abstract: "Times Wanda: the calibration pass, all masks, and the whole step on one matrix.",
    discussion: """
      `step` is what a layer costs beside the pass: Σx² of the tokens, the scores, the lowest half of every row, zeros
      written as stored. `prune` is everything up to the tensors that would be written, on random tokens; nothing is written
      but a file without a name beside the model. Memory is bounded by 600 MB (meant for 1.1 B parameters).

      Example: Bench wanda models/random-1.1b --json
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Calibration texts.")
  var texts = 32

  @Option(help: "Tokens of each.")
  var length = 256

  @Option(help: "Tokens of the single step.")
  var tokens = 4096

  @Option(help: "Runs of the single step.")
  var runs = 5

  @Option(help: "Score of the whole run: wanda or sparsegpt.")
  var score = "wanda"

  @Flag(help: "The single step only.")
  var stepOnly = false

  @Flag(help: "Print lines of JSON instead of a table.")
  var json = false

  func validate() throws {
    guard texts > 0, length > 0, tokens > 0, runs > 0 else {
      throw ValidationError("--texts, --length, --tokens and --runs must be at least 1")
    }
  }

  func run() throws {
    var watch = Stopwatch(json: json)
    let model = try Model(folder: model)
    try step(model, &watch)
    if !stepOnly { try prune(model, &watch) }
    try watch.finish()
    if !watch.allKept { throw ExitCode(1) }
  }

  /// One first product of an MLP: what torch does in the peers' script.
  private func step(_ model: Model, _ watch: inout Stopwatch) throws {
    let block = min(3, model.network.blocks - 1)
    let role = Role.block(block, model.network.surgeryRole)
    guard let matrix = try model.prunableMatrices().first(where: { $0.role == role }) else { return }
    var random = CounterRandom(seed: 0, stream: "bench-wanda")
    let inputs = Tensor(zeros: [tokens, matrix.inputs])
    for index in 0..<inputs.count { inputs.f32[index] = Float(random.normal()) }
    let step = WandaStep(matrix)
    let what = "\(matrix.outputs)×\(matrix.inputs), \(tokens) tokens"
    _ = try watch.measure(
      "wanda step", what, amount: Double(matrix.count), unit: "weights", runs: runs
    ) { try step.run(inputs: inputs, sparsity: 0.5) }
    let squares = step.squares(of: inputs)
    _ = try watch.measure(
      "wanda masks", what, amount: Double(matrix.count), unit: "weights", runs: runs
    ) { try step.run(squares: squares, sparsity: 0.5) }
  }

  private func prune(_ model: Model, _ watch: inout Stopwatch) throws {
    var random = CounterRandom(seed: 0, stream: "bench-tokens")
    let length = min(length, model.network.contextLength)
    let documents = (0..<texts).map { _ in
      (0..<length).map { _ in Int32(random.below(model.network.vocabulary)) }
    }
    var draw = CalibrationTexts.Options()
    (draw.count, draw.length) = (texts, length)
    let calibration = try CalibrationTexts(documents, options: draw, context: model.network.contextLength)
    for sequential in score == PruningMethod.sparseGPTName ? [true] : [false, true] {
      var options = Pruning.Options(try PruningMethod(parsing: score), budget: try .uniform(0.5))
      options.sequential = sequential
      let pruning = try Pruning(model, options: options)
      let pruned = try watch.measure(
        "prune", "\(score), \(sequential ? "sequential" : "one shot"), \(texts)×\(length)",
        amount: Double(calibration.tokens), unit: "tokens", runs: 1,
        bound: score == PruningMethod.sparseGPTName ? nil : 600_000_000
      ) { try pruning.run(calibration: calibration, scratch: Files.folder(of: self.model)) }
      guard pruned.pruned == pruned.asked else {
        throw ImportanceError.sparsity(text: "\(pruned.asked)", reason: "\(pruned.pruned) weights went")
      }
    }
  }
}

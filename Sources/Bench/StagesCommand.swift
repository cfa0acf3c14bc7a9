import Architectures
import ArgumentParser
import Runtime
import Tensors
import Transformers

/// `Bench stages MODEL`: how fast each stage is on a checkpoint.
struct StagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages",
    abstract: "Times forward pass, generation, locating, editing and verifying on a checkpoint.",
    discussion: """
      The forward pass stops at the final norm: no head. Generation starts from one token, so it times steps of the
      key-value cache with the head. Editing stages run warm and, with the model's pages dropped, cold. The
      tokens are random. Medians and bests of the runs; the load average tells how much others took away.

      Example: Bench stages models/random-110m --json
      """)

  /// Parts that can be chosen.
  enum Part: String, CaseIterable, ExpressibleByArgument {
    case forward, generate, edit
  }

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Texts of 64 tokens in the wide forward pass, and texts that are continued side by side.")
  var texts = 32

  @Option(help: "Runs of each stage.")
  var runs = 3

  @Option(help: "New tokens of each text in generation.")
  var newTokens = 32

  @Option(parsing: .upToNextOption, help: "Parts: forward, generate, edit. Default: all.")
  var parts: [Part] = Part.allCases

  @Option(help: "Where the edited copies go for a while. Default: beside the model.")
  var scratch: String?

  @Flag(help: "Print lines of JSON, each with the machine's facts, instead of a table.")
  var json = false

  func validate() throws {
    guard texts > 0, runs > 0, newTokens > 0 else {
      throw ValidationError("--texts, --runs and --new-tokens must be at least 1")
    }
  }

  func run() throws {
    var watch = Stopwatch(json: json)
    if parts.contains(.forward) || parts.contains(.generate) {
      let model = try Model(folder: model)
      if parts.contains(.forward) { try forward(model, &watch) }
      if parts.contains(.generate) { try generate(model, &watch) }
    }
    if parts.contains(.edit) {
      let folder = scratch ?? Files.folder(of: model)
      try EditStages(folder: model, scratch: folder, runs: runs).run(&watch)
    }
    try watch.finish()
  }

  /// Random tokens, `count` texts of `length`.
  private func tokens(_ model: Model, count: Int, length: Int) -> [[Int32]] {
    var random = CounterRandom(seed: 0, stream: "bench-tokens")
    return (0..<count).map { _ in (0..<length).map { _ in Int32(random.below(model.network.vocabulary)) } }
  }

  private func forward(_ model: Model, _ watch: inout Stopwatch) throws {
    let context = model.network.contextLength
    let all = Machine.processors
    defer { Parallel.setThreads(all) }
    for (count, length) in [(1, min(512, context)), (texts, min(64, context))] {
      let tokens = tokens(model, count: count, length: length)
      func pass() throws { try model.observe(tokens, sites: [.finalNorm]) { _, _, _, _, _ in } }
      try pass()  // maps the weights and starts the pool
      for threads in Set([1, all]).sorted() {
        Parallel.setThreads(threads)
        try watch.measure(
          "forward", "\(count)×\(length)", amount: Double(count * length), unit: "tokens", runs: runs,
          bound: Bounds.forward, pass)
      }
    }
  }

  private func generate(_ model: Model, _ watch: inout Stopwatch) throws {
    let new = min(newTokens, model.network.contextLength - 1)
    for count in Set([1, texts]).sorted() {
      let prompts = tokens(model, count: count, length: 1)
      let options = GenerationOptions(maximumTokens: new, stops: [])
      _ = try watch.measure(
        "generate", "\(count)×\(new)", amount: Double(count * new), unit: "tokens", runs: runs,
        bound: Bounds.forward
      ) { try model.generate(prompts: prompts, options: options) }
    }
  }
}

/// What stages may hold in anonymous memory on a checkpoint of 1.1 B parameters, in bytes.
enum Bounds {
  /// A forward pass: one batch's activations beside the mapped weights.
  static let forward: UInt64 = 1_500_000_000
  /// Locating and editing: a few blocks of one tensor.
  static let edit: UInt64 = 300_000_000
}

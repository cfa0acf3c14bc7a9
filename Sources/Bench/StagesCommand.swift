import Architectures
import ArgumentParser
import Layers
import Runtime
import Surgery
import Tensors
import Transformers

/// `Bench stages MODEL`: how fast each stage is on a checkpoint.
struct StagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages",
    abstract: "Times forward pass, generation, locating, editing and verifying on a checkpoint.",
    discussion: """
      The forward pass shows every block's output and the final norm, of which each text's last token is kept, and makes
      no logits. Generation starts from one token, so it times steps of the key-value cache with the head, as it is and with
      an edit of 2 % of the gate rows in passing. Editing stages run warm and, with the model's pages dropped, cold; write is
      the part of apply up to the comparison of the copy. The tokens are random. Medians and bests of the runs; the load average tells how much others took away.

      Example: Bench stages models/random-110m --parts forward --shapes 32x64 --threads 2 --json
      """)

  /// Parts that can be chosen.
  enum Part: String, CaseIterable, ExpressibleByArgument {
    case forward, generate, locate, edit
  }

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Texts of 64 tokens in the wide forward pass, and texts that are continued side by side.")
  var texts = 32

  @Option(help: "Runs of each stage.")
  var runs = 3

  @Option(
    help: "Shapes of the forward pass as TEXTSxTOKENS. Default: one text of 512 tokens, and --texts of 64.")
  var shapes: String?

  @Option(help: "Numbers of threads of the forward pass, such as 1,2. Default: one, and all processors.")
  var threads: String?

  @Flag(help: "Only warm runs of the editing stages.")
  var warm = false

  @Option(help: "Arithmetic of forward pass and generation: f32, bf16 or auto.")
  var compute = ComputeChoice.f32

  @Option(help: "New tokens of each text in generation.")
  var newTokens = 32

  @Option(parsing: .upToNextOption, help: "Parts: forward, generate, locate, edit. Default: all.")
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
      let model = try Model(folder: model, compute: compute)
      if parts.contains(.forward) { try forward(model, &watch) }
      if parts.contains(.generate) { try generate(model, &watch) }
    }
    let stages = EditStages(
      folder: model, scratch: scratch ?? Files.folder(of: model), runs: runs, cold: !warm)
    if parts.contains(.locate) { try stages.locate(&watch) }
    if parts.contains(.edit) { try stages.edit(&watch) }
    try watch.finish()
  }

  private func forward(_ model: Model, _ watch: inout Stopwatch) throws {
    let all = Machine.processors
    defer { Parallel.setThreads(all) }
    for (count, length) in try sizes(model.network.contextLength) {
      let texts = RandomTexts(model, count: count, length: length)
      for threads in try counts(all) {
        Parallel.setThreads(threads)
        try texts.measureForward(&watch, runs: runs)
      }
    }
  }

  /// The shapes of the forward pass.
  private func sizes(_ context: Int) throws -> [(count: Int, length: Int)] {
    guard let shapes else { return [(1, min(512, context)), (texts, min(64, context))] }
    return try shapes.split(separator: ",").map { shape in
      let numbers = shape.split(separator: "x").compactMap { Int($0) }
      guard numbers.count == 2, numbers.allSatisfy({ $0 > 0 }) else {
        throw ValidationError("--shapes \(shape): expected TEXTSxTOKENS, such as 32x64")
      }
      return (numbers[0], numbers[1])
    }
  }

  private func counts(_ all: Int) throws -> [Int] {
    guard let threads else { return Set([1, all]).sorted() }
    return try threads.split(separator: ",").map { text in
      guard let count = Int(text), count > 0 else {
        throw ValidationError("--threads \(text): expected numbers from 1, such as 1,2")
      }
      return count
    }
  }

  private func generate(_ model: Model, _ watch: inout Stopwatch) throws {
    let new = min(newTokens, model.network.contextLength - 1)
    let plan = try Locate.rank(model, EditStages.direction(model.network), space: .faithful).plan(
      EditStages.budget)
    for count in Set([1, texts]).sorted() {
      let texts = RandomTexts(model, count: count, length: 1)
      try texts.measureGeneration(&watch, new: new, runs: runs)
      try texts.measureGeneration(
        &watch, new: new, runs: runs, overlay: plan.overlay(strength: EditStages.strength))
    }
  }
}

extension ComputeChoice: ExpressibleByArgument {}

/// What stages may hold in anonymous memory on a checkpoint of 1.1 B parameters, in bytes.
enum Bounds {
  /// A forward pass: one batch's activations beside the mapped weights.
  static let forward: UInt64 = 1_500_000_000
  /// Locating and editing: a few blocks of one tensor.
  static let edit: UInt64 = 300_000_000
}

import Architectures
import ArgumentParser
import Checkpoints
import Glibc
import Runtime
import Surgery
import Tensors
import Transformers

/// `Bench difference MODEL`: memory and time of `surgeon diff` on an edited copy, and on another checkpoint.
struct DifferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "difference",
    abstract: "Compare a checkpoint with an edited copy, or with another one, against a bound on memory.",
    discussion: """
      Without --against a random direction is added to rows of all gates and the copy is compared; the recognised
      strength and direction are checked. With it the two folders are compared as they are. Bound of anonymous memory:
      500 MB. Exit 1 when it is not kept, or when the edit is not recognised.

      Example: Bench difference models/random-1b
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Another checkpoint of the same shape.")
  var against: String?

  @Option(help: "Rows that are edited: a count or a share.")
  var rows = "4.65%"

  @Option(help: "Strength of the edit.")
  var strength = 0.5

  @Option(help: "Where the edited copy goes for a while. Default: beside the model.")
  var scratch: String?

  @Flag(help: "Print lines of JSON, each with the machine's facts, instead of a table.")
  var json = false

  func run() throws {
    var watch = Stopwatch(json: json)
    let weights = try Double(open(model).weightBytes)
    if let against {
      let diff = try watch.measure(
        "diff", "two checkpoints", amount: 2 * weights, unit: "bytes", runs: 1, bound: 500_000_000
      ) { try Diff(open(model), open(against)) }
      print("verdict: \(diff.verdict.rawValue), \(diff.movements.count) tensors moved")
      try watch.finish()
      if !watch.allKept { throw ExitCode.failure }
      return
    }
    let output = "\(scratch ?? Files.folder(of: model))/bench-difference-\(getpid())"
    defer { try? Files.remove(output) }
    let direction = try edit(output)
    let diff = try watch.measure(
      "diff", "an edited copy", amount: 2 * weights, unit: "bytes", runs: 1, bound: 500_000_000
    ) { try Diff(open(model), open(output)) }
    try watch.finish()
    guard diff.verdict == .modelSurgery, let found = diff.edits.first else {
      print("not recognised: \(diff.verdict.rawValue)")
      throw ExitCode.failure
    }
    let cosine = zip(found.direction, direction).reduce(0) { $0 + $1.0 * Double($1.1) }
    print(
      "\(found.kind.rawValue), \(found.space?.rawValue ?? ""): \(Format.count(found.rows)) rows in "
        + "\(found.tensors.count) matrices, strength \(Format.significant(found.strength, 4)) of \(strength), cosine "
        + "\(Format.fixed(cosine, 6))")
    if !watch.allKept { throw ExitCode.failure }
  }

  private func open(_ folder: String) throws -> Checkpoint { try Checkpoint(folder: folder, cache: .none) }

  /// Writes the edited copy and gives its direction, of length 1.
  private func edit(_ output: String) throws -> [Float] {
    let model = try Model(open(model))
    var random = CounterRandom(seed: 0, stream: "bench-direction")
    let vector = (0..<model.network.width).map { _ in Float(random.normal()) }
    let plan = try Locate.rank(model, .shared(vector, site: .finalNorm), space: .faithful)
      .plan(RowBudget(parsing: rows))
    let patch = try Patch.build(
      model.checkpoint, plan.changes(strength: strength, binding: model.binding))
    try patch.apply(to: model.checkpoint, output: output, undo: .none)
    let length = Float(vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    return vector.map { $0 / length }
  }
}

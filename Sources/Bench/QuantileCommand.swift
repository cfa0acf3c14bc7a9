import Architectures
import ArgumentParser
import Checkpoints
import Importance
import Layers
import Runtime
import Transformers

/// `Bench quantile MODEL`: the exact threshold of a global selection, its counts and its masks, with their memory.
struct QuantileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantile",
    abstract: "Time the exact global threshold of a checkpoint's block weights against a bound on memory.",
    discussion: """
      threshold: the score below which the share lies, and the ties at it (what numpy's partition of all magnitudes
      gives, without the ties). selection: the same with every matrix's count. masks: every mask is made and let go.
      Bound of anonymous memory: 300 MB. Exit 1 when it is not kept or when a count is wrong.

      Example: Bench quantile models/random-1b
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Share of the weights below the threshold.")
  var sparsity = 0.5

  @Option(help: "A score that needs the weights alone.")
  var score = "magnitude"

  @Option(help: "Runs of the threshold; the others run once.")
  var runs = 5

  @Flag(help: "Only the threshold.")
  var thresholdOnly = false

  @Flag(help: "Print lines of JSON, each with the machine's facts, instead of a table.")
  var json = false

  func run() throws {
    let bound: UInt64 = 300_000_000
    var watch = Stopwatch(json: json)
    let checkpoint = try Checkpoint(folder: model, cache: .none)
    let matrices = try Model(checkpoint).prunableMatrices()
    let score = try Score(parsing: self.score)
    let counts = try Budget.uniform(sparsity).counts(for: matrices, group: .global)
    let taken = counts.reduce(0, +), weights = matrices.reduce(0) { $0 + $1.count }
    let bytes = Double(matrices.reduce(0) { $0 + $1.weight.byteCount })
    let what = "\(Format.count(weights)) weights"
    let cut = try watch.measure(
      "threshold", what, amount: bytes, unit: "bytes", runs: runs, bound: bound
    ) { try Cut.find(in: matrices, taken: taken, score: score) }
    var isExact = true
    if !thresholdOnly {
      let selection = try watch.measure(
        "selection", what, amount: bytes, unit: "bytes", runs: 1, bound: bound
      ) { try Selection(matrices, score: score, group: .global, counts: counts) }
      let pruned = try watch.measure("masks", what, amount: bytes, unit: "bytes", runs: 1, bound: bound) {
        try matrices.indices.reduce(0) { try $0 + selection.mask($1).prunedCount }
      }
      isExact = selection.prunedCount == taken && pruned == taken
    }
    try watch.finish()
    print(
      "threshold \(cut.threshold), \(Format.count(cut.ties)) ties of it taken, \(Format.count(taken)) of "
        + "\(Format.count(weights)) pruned" + (isExact ? "" : ": NOT EXACT"))
    if !watch.allKept || !isExact { throw ExitCode.failure }
  }
}

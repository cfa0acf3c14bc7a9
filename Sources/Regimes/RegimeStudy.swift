import JSON
import OrderedCollections
import Recipes
import Runtime
import Training

/// One or several grids in a run folder: `surgeon regimes`.
public final class RegimeStudy {
  /// The run folder.
  public let folder: RunFolder
  private let runs: [GridRun]

  /// Reads the data, checks that everything fits, and opens the run folder. A folder of the same recipe and data goes on.
  /// - Throws: ``RecipeError``, ``RegimesError``, ``TrainingError``, ``ImportanceError``, ``FileError``.
  public init(_ plans: [RegimePlan], folder path: String, progress: @escaping ProgressSink = ignoreProgress)
    throws
  {
    runs = try plans.map { try GridRun($0, progress: progress) }
    folder = try RunFolder(path, key: try Self.key(plans))
  }

  /// The grids' recipes with the hashes of what they read.
  static func key(_ plans: [RegimePlan]) throws -> JSONValue {
    var grids: OrderedDictionary<String, JSONValue> = [:]
    for plan in plans {
      var recipe = try plan.json()
      recipe["data_sha256"] = try plan.dense.data.hashes()
      if plan.isGiven { recipe["checkpoints_sha256"] = .strings(try GivenCheckpoint.hashes(of: plan)) }
      if case .table(let file) = plan.rule { recipe["table_sha256"] = .string(try Files.sha256(file)) }
      grids[plan.name] = recipe
    }
    return ["kind": "regimes", "grids": .object(grids)]
  }

  /// What a study came to.
  public struct Outcome: Sendable {
    /// The grids with their labels.
    public let grids: [GridOutcome]
    /// Cells (for one dense network each) that were found done.
    public let resumed: Int
    /// Seconds that each grid took now.
    public let seconds: [Double]
    /// Files that were checked against their sums, where the run was finished before.
    public let verifiedFiles: Int?

    /// The report's results; the same for a run that was never interrupted and for one that was, but for `timing`.
    public var json: JSONValue {
      [
        "grids": .array(grids.map(\.json)),
        "timing": [
          "resumed_cells": .integer(resumed),
          "grids": .array(
            zip(grids, seconds).map { ["grid": .string($0.grid.plan.name), "seconds": .number($1)] }),
        ],
      ]
    }
  }

  /// Runs what is not done, and writes `results.json` and a `cells.csv` a grid.
  /// - Throws: ``TrainingError``, ``RegimesError``, ``ImportanceError``, ``RecipeError``, ``FileError``, ``Interrupted``.
  public func run() throws -> Outcome {
    let verified = folder.isFinished ? try folder.verifySums() : nil
    var grids: [GridOutcome] = [], seconds: [Double] = [], resumed = 0
    for run in runs {
      let start = Machine.seconds
      let found = try run.run(in: folder.file(run.plan.name))
      let outcome = try GridOutcome(found.grid)
      if verified == nil { try Files.write(outcome.table, to: folder.file(run.plan.name + "/cells.csv")) }
      grids.append(outcome)
      resumed += found.resumed
      seconds.append(Machine.seconds - start)
    }
    if verified == nil {
      let results = JSONValue.array(grids.map(\.json))
      try Files.write(results.text(.pretty) + "\n", to: folder.file("results.json"))
      try folder.writeSums()
    }
    return Outcome(grids: grids, resumed: resumed, seconds: seconds, verifiedFiles: verified)
  }
}

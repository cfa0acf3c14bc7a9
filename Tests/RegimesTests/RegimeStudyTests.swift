import JSON
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing
import Training

@testable import Regimes

/// Small grids, run.
@Suite struct RegimeStudyTests {
  private static let recipe: JSONValue = [
    "network": ["kind": "mlp", "hidden": [16, 16]],
    "training": ["epochs": 4, "batch_size": 250, "schedule": ["kind": "step", "at": [0.5], "factor": 0.1]],
    "temperature": ["knob": "epochs", "values": [1, 3]], "densities": [0.1, 0.5], "seeds": 2,
    "retraining": ["epochs": 2],
    "measure": [
      "points": 3, "similarity_items": 200, "curve": ["epochs": 1, "batch_size": 500],
      "hessian": ["items": 100, "products": 3, "vectors": 3],
    ],
  ]

  private static let files =
    ["grid/cells.csv", "results.json", "SHA256SUMS"]
    + (0..<2).flatMap { t in
      (0..<2).flatMap { s in ["grid/dense/t\(t)-s\(s).json", "grid/dense/t\(t)-s\(s).safetensors"] }
        + (0..<2).flatMap { d in (0..<2).map { "grid/cells/t\(t)-d\(d)-s\($0).json" } }
    }

  private func study(_ folder: String) throws -> RegimeStudy {
    try RegimeStudy(RegimePlan.grids(Self.recipe), folder: folder)
  }

  @Test func runsResumesAndVerifies() throws {
    let scratch = try TemporaryFolder()
    let whole = try study(scratch.file("whole")).run()
    #expect(whole.resumed == 0 && whole.verifiedFiles == nil && whole.grids.count == 1)
    let grid = whole.grids[0].grid
    #expect(grid.sets.count == 8 && grid.sets.allSatisfy { $0.siblings.count == 2 && $0.pairs.count == 1 })
    for set in grid.sets {
      let same = grid.sets.first {
        ($0.temperature, $0.dense) == (set.temperature, set.dense) && $0.density != set.density
      }
      #expect(set.maskSHA256 != same?.maskSHA256 && set.siblings[0].sha256 != set.siblings[1].sha256)
      #expect(abs(set.keptShare - grid.plan.densities[set.density]) < 0.002)
      #expect(set.pairs[0].distance.distance > 0 && set.pairs[0].curve != nil)
      #expect(set.siblings.allSatisfy { $0.curvature?.items == 100 && ($0.curvature?.top ?? 0) > 0 })
      let line = set.pairs[0].line
      #expect(line.points.first?.error == set.siblings[0].trainError)
      #expect(line.points.last?.error == set.siblings[1].trainError)
    }
    // Shorter trainings are stops of the longer one, so the two dense networks of a seed differ.
    #expect(
      grid.dense[0][0].sha256 != grid.dense[1][0].sha256 && grid.dense[0][0].sha256 != grid.dense[0][1].sha256
    )

    // As if it had been killed: some cells, a dense network's measurements and the results are missing.
    let part = try study(scratch.file("part"))
    _ = try part.run()
    for name in [
      "grid/cells/t0-d1-s0.json", "grid/cells/t1-d0-s1.json", "grid/dense/t1-s1.json", "results.json",
      "SHA256SUMS",
    ] { try Files.remove(scratch.file("part/" + name)) }
    let threads = Parallel.threads
    defer { Parallel.setThreads(threads) }
    Parallel.setThreads(1)
    let resumed = try study(scratch.file("part")).run()
    #expect(resumed.resumed == 6)
    for file in Self.files {
      #expect(
        try Files.read(scratch.file("part/" + file)) == Files.read(scratch.file("whole/" + file)), "\(file)")
    }
    let again = try study(scratch.file("whole")).run()
    #expect(again.verifiedFiles == Self.files.count && again.resumed == 8)
    try Files.write("temperature\n", to: scratch.file("whole/grid/cells.csv"))
    #expect(throws: RecipeError.self) { try study(scratch.file("whole")).run() }
  }

  @Test func anotherRecipeIsRefused() throws {
    let scratch = try TemporaryFolder()
    _ = try study(scratch.file("run"))
    var other = Self.recipe
    other["densities"] = [0.2, 0.5]
    #expect(throws: RecipeError.otherRecipe(folder: scratch.file("run"))) {
      try RegimeStudy(RegimePlan.grids(other), folder: scratch.file("run"))
    }
  }

  @Test func aDamagedCellIsNamed() throws {
    let scratch = try TemporaryFolder()
    let study = try study(scratch.file("run"))
    try Files.makeFolder(scratch.file("run/grid/cells"))
    for name in Self.files where name.hasPrefix("grid/cells/") {
      try Files.write("{}", to: scratch.file("run/" + name))
    }
    let error = #expect(throws: RegimesError.self) { try study.run() }
    #expect(error?.description.contains("t0-d0-s0.json") == true)
  }

  @Test func estimate() throws {
    let estimate = try GridEstimate(RegimePlan.grids(Self.recipe)[0])
    #expect(estimate.dense == 4 && estimate.siblings == 16 && estimate.epochs == 2 * 3 + 16 * 2)
    #expect(estimate.parameters == 40 * 16 + 16 + 16 * 16 + 16 + 160 + 10)
    #expect(estimate.seconds > 0.01 && estimate.seconds < 300)
  }
}

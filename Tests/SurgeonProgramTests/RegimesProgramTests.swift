import Glibc
import JSON
import Runtime
import Testing

/// `surgeon regimes` on small grids.
struct RegimesProgramTests {
  private static let recipe = """
    network: {kind: mlp, hidden: [16]}
    training: {epochs: 6, batch_size: 250}
    retraining: {epochs: 3}
    temperature: {knob: epochs, values: [1, 3, 6]}
    densities: [0.1, 0.3, 0.6, 1]
    measure: {points: 5, similarity_items: 500, hessian: {items: 50, products: 3, vectors: 3}}
    grids:
      plain: {}
      sharp:
        temperature: {knob: sharpness, values: [0, 0.1]}
        densities: [0.2, 0.5]
        training: {epochs: 2, batch_size: 500}
        measure: {points: 3, curve: {epochs: 1}}
    """

  private static func files(_ folder: String) throws -> [String] {
    try Files.list(folder).sorted().flatMap { name -> [String] in
      let path = folder + "/" + name
      return Files.isFolder(path) ? try files(path) : [path]
    }.filter { !$0.hasSuffix("report.json") && !$0.hasSuffix("report.html") }
  }

  @Test func runsAndVerifies() throws {
    let scratch = try Scratch(model: false)
    try scratch.write(Self.recipe, to: "r.yaml")
    let plan = try scratch.run("regimes", "r.yaml", "-o", "run", "--dry-run")
    #expect(plan.code == 0 && !scratch.has("run"), "\(plan.errors)")
    let estimates = try JSONValue(parsing: plan.output, source: "the dry run")
    #expect(estimates["grids"]?.array?.map { $0["sibling_trainings"]?.int } == [24, 8])
    #expect((estimates["seconds"]?.double ?? 0) > 0)

    let ending = try scratch.run("regimes", "r.yaml", "-o", "run")
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(ending.errors.contains("estimated:") && ending.errors.contains("took"))
    #expect(ending.output.contains("uncalibrated") || ending.output.contains("regimes by a rule"))
    #expect(ending.output.contains("Is the test error U-shaped"))
    #expect(ending.output.contains("Which radius to prune"))
    let report = try scratch.report("run/report.json")
    let grids = try #require(report["results"]?["grids"]?.array)
    #expect(grids.map { $0["cells"]?.array?.count } == [12, 4])
    // Everything kept and retrained is no barrier between identical masks; shares are what was asked for.
    let whole = grids[0]["cells"]?.array?.filter { $0["density"]?.double == 1 } ?? []
    #expect(whole.count == 3 && whole.allSatisfy { $0["kept_share"]?.double == 1 })
    #expect(grids[1]["cells"]?.array?.allSatisfy { $0["curve_connectivity"]?.double != nil } == true)
    #expect(grids[0]["cells"]?.array?.allSatisfy { $0["trace"]?.double != nil } == true)
    let names = grids[0]["phenomena"]?.array?.compactMap { $0["name"]?.string }
    #expect(names == ["u_shape", "dichotomy", "barrier", "barrier_place", "hotter_at_barrier", "similarity"])
    let page = try Files.readText(scratch.path("run/report.html"))
    for text in ["plain: test error", "plain: barrier", "sharp: similarity", "what would have helped"] {
      #expect(page.contains(text), "\(text)")
    }
    let again = try scratch.run("regimes", "r.yaml", "-o", "run")
    #expect(again.code == 0 && again.errors.contains("verified"), "\(again.errors)")
  }

  /// A run that is interrupted and goes on ends in the bytes of one that was not.
  @Test func interruptedRunsEndInTheSameBytes() throws {
    let scratch = try Scratch(model: false)
    let one = Self.recipe.split(separator: "grids:")[0].replacing("epochs: 3}", with: "epochs: 12}")
    try scratch.write(String(one), to: "r.yaml")
    let whole = try scratch.run("regimes", "r.yaml", "-o", "whole", "--quiet", "--threads", "1")
    #expect(whole.code == 0, "\(whole.errors)")
    let process = try Program.start(["regimes", "r.yaml", "-o", "part"], in: scratch.folder)
    Program.waitForHandlers(process)
    // After the first cell there is something to go on from.
    for _ in 0..<3000 where (try? Files.list(scratch.path("part/grid/cells")))?.isEmpty ?? true {
      usleep(2000)
    }
    kill(process, SIGINT)
    let stopped = try Program.wait(process, in: scratch.folder)
    #expect(stopped.code == 75 || stopped.code == 0, "\(stopped.errors)")
    let rest = try scratch.run("regimes", "r.yaml", "-o", "part", "--quiet")
    #expect(rest.code == 0, "\(rest.errors)")
    let names = try Self.files(scratch.path("whole")).map { $0.dropFirst(scratch.path("whole").count) }
    #expect(names.count == 3 * 2 + 12 + 4)
    for name in names {
      #expect(
        try Files.read(scratch.path("part\(name)")) == Files.read(scratch.path("whole\(name)")), "\(name)")
    }
  }

  /// Dense networks that surgeon train wrote stand in place of temperatures.
  @Test func checkpointsThatAreGiven() throws {
    let scratch = try Scratch(model: false)
    let common = "network: {kind: mlp, hidden: [16]}\ntraining: {epochs: 3, batch_size: 250}\n"
    for (name, seed) in [("long", 1), ("short", 2)] {
      let epochs = name == "long" ? 12 : 1
      try scratch.write(
        common.replacing("epochs: 3", with: "epochs: \(epochs)") + "seed: \(seed)\n", to: "t.yaml")
      let trained = try scratch.run("train", "t.yaml", "-o", name, "--quiet")
      #expect(trained.code == 0, "\(trained.errors)")
    }
    let recipe =
      common
      + "checkpoints: [short, long]\ndensities: [0.2, 1]\nmeasure: {points: 3, similarity_items: 300}\n"
    try scratch.write(recipe, to: "r.yaml")
    let plan = try scratch.run("regimes", "r.yaml", "-o", "run", "--dry-run")
    #expect(plan.code == 0 && !scratch.has("run"), "\(plan.errors)")
    let estimate = try JSONValue(parsing: plan.output, source: "the dry run")["grids"]?.array?.first
    #expect(estimate?["dense_trainings"]?.int == 0 && estimate?["sibling_trainings"]?.int == 8)
    #expect(estimate?["epochs"]?.int == 8 * 3)

    let ending = try scratch.run("regimes", "r.yaml", "-o", "run")
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(
      ending.output.contains("1 ./short, 2 ./long") && ending.output.contains("Which dense network to prune"))
    let grid = try #require(scratch.report("run/report.json")["results"]?["grids"]?.array?.first)
    #expect(grid["temperature"]?["knob"]?.string == "checkpoint")
    #expect(grid["temperature"]?["checkpoints"]?.array?.compactMap(\.string) == ["./short", "./long"])
    // The networks are those of the folders: seeds and test errors are the trainings' own.
    let networks = grid["dense"]?.array?.compactMap { $0["networks"]?.array?.first } ?? []
    #expect(networks.compactMap { $0["seed"]?.int } == [2, 1])
    for (name, network) in zip(["short", "long"], networks) {
      let metrics = try scratch.report("\(name)/report.json")["metrics"]?.array
      let error = metrics?.first { $0["name"]?.string == "test_top1_error" }?["value"]?.double
      #expect(try abs(#require(error) - #require(network["test_error"]?.double)) < 1e-12, "\(name)")
    }
    #expect(grid["cells"]?.array?.allSatisfy { $0["best_move"]?.isNull == true } == true)
    #expect(grid["phenomena"]?.array?.compactMap { $0["name"]?.string } == ["barrier", "similarity"])
    let ways = Set(grid["choices"]?["ways"]?.array?.compactMap { $0["way"]?.string } ?? [])
    #expect(ways == ["best-dense", "connected", "best-retrained"])
    #expect(grid["labels"]?["objection"]?.string?.contains("no order of temperature") == true)
    #expect(try Files.readText(scratch.path("run/report.html")).contains("A row a checkpoint"))
    #expect(try !Files.readText(scratch.path("run/grid/cells.csv")).contains("move"))
    #expect(try scratch.run("regimes", "r.yaml", "-o", "run").errors.contains("verified"))

    // Another network, other data, other weights in the folder, a seed for nothing.
    func refused(_ text: String, _ code: Int32, _ word: String, _ more: String...) throws {
      try scratch.write(text, to: "r.yaml")
      let ending = try Program.run(
        ["regimes", "r.yaml", "-o", code == 73 ? "run" : "other"] + more, in: scratch.folder)
      #expect(ending.code == code && ending.errors.contains(word), "\(ending.errors)")
      #expect(!scratch.has("other/run.json"))
    }
    try refused(recipe.replacing("[16]", with: "[8]"), 65, "CHECKPOINT_UNFIT")
    try refused(recipe + "data: {kind: mnist1d, validation_items: 300}\n", 65, "training on other data")
    try refused(recipe + "questions: [direction]\n", 64, "no order of temperature")
    try refused(recipe + "seeds: 2\n", 64, "BAD_SETTING")
    try refused(recipe, 64, "nothing dense is trained", "--seed", "3")
    for file in ["model.safetensors", "model.json"] {
      try Files.write(Files.read(scratch.path("long/" + file)), to: scratch.path("short/" + file))
    }
    try refused(recipe, 73, "RUN_OTHER_RECIPE")
  }
}

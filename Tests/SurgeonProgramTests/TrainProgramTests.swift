import Foundation
import Glibc
import JSON
import Runtime
import Testing

/// `surgeon train` and `surgeon distill` on small recipes.
struct TrainProgramTests {
  private static let recipe = """
    data: {kind: mnist1d, items: 500, test_items: 100, validation_items: 50}
    network: {kind: mlp, hidden: [16]}
    training: {epochs: 4, batch_size: 50, learning_rate: 0.05, augmentation: {kind: shift, by: 1}}
    """

  private func run(_ words: String, _ scratch: Scratch) throws -> Program.Ending {
    try Program.run(words.split(separator: " ").map(String.init), in: scratch.folder)
  }

  @Test func trainsVerifiesAndRefuses() throws {
    let scratch = try Scratch()
    try scratch.write(Self.recipe + "\nseed: 2\n", to: "r.yaml")
    let dry = try run("train r.yaml -o run --dry-run", scratch)
    #expect(dry.code == 0 && dry.output.contains("28 steps"), "\(dry.output) \(dry.errors)")
    #expect(!Files.exists(scratch.path("run")))
    let first = try run("train r.yaml -o run", scratch)
    #expect(first.code == 0, "\(first.errors)")
    let report = try scratch.report("run/report.json")
    #expect(report["results"]?["epochs"]?.int == 4 && report["results"]?["history"]?.array?.count == 4)
    #expect(report["run"]?["seed"]?.int == 2)
    #expect(try Files.readText(scratch.path("run/report.html")).contains("Loss by epoch"))
    // The table that it leaves is one that distill eval reads, and says the same.
    let scored = try run("distill eval run/test.safetensors --report e.json", scratch)
    #expect(scored.code == 0, "\(scored.errors)")
    func value(_ report: JSONValue, _ name: String) -> Double? {
      report["metrics"]?.array?.first { $0["name"]?.string == name }?["value"]?.double
    }
    let error = try #require(value(report, "test_top1_error"))
    #expect(try error > 0 && error == value(scratch.report("e.json"), "top1_error"))
    let again = try run("train r.yaml -o run --progress plain", scratch)
    #expect(again.code == 0 && again.errors.contains("verified"), "\(again.errors)")
    #expect(try run("train r.yaml -o run --seed 3", scratch).code == 73)
    // A file that was touched is found.
    try Files.write("x", to: scratch.path("run/history.json"))
    #expect(try run("train r.yaml -o run", scratch).code == 65)
  }

  @Test func aLossThatIsNoNumberStopsWithItsStepAndEpoch() throws {
    let scratch = try Scratch()
    try scratch.write(
      "data: {kind: mnist1d, items: 200}\nnetwork: {kind: mlp, hidden: [8]}\n"
        + "training: {epochs: 3, batch_size: 16, learning_rate: 1.0e+30}\n", to: "r.yaml")
    let ending = try run("train r.yaml -o run", scratch)
    #expect(ending.code == 65 && ending.errors.contains("at step"), "\(ending.errors)")
    #expect(try scratch.report("run/report.json")["run"]?["error"]?["code"]?.string == "LOSS_NOT_FINITE")
    #expect(!Files.exists(scratch.path("run/model.safetensors")))
  }

  /// The same of a language model, which keeps the state before; another recipe is refused there.
  @Test func aDecoderStopsAtALossThatIsNoNumber() throws {
    let scratch = try Scratch()
    try scratch.write("\"The word oaf is rude.\"\n\"The word angel is kind.\"\n", to: "t.jsonl")
    func recipe(_ rate: String) throws {
      try scratch.write(
        """
        data: {kind: text, files: t.jsonl, packing: documents, length: 16}
        network: {kind: decoder, model: model}
        training: {batch_size: 2, learning_rate: \(rate), optimiser: {kind: sgd}, schedule: constant, warm_up: 0.5}
        steps: 12
        keep_every: 1
        """, to: "r.yaml")
    }
    try recipe("1.0e+30")
    let ending = try run("train r.yaml -o run", scratch)
    #expect(ending.code == 65 && ending.errors.contains("at step"), "\(ending.errors)")
    #expect(ending.errors.contains("state.safetensors holds the state after"), "\(ending.errors)")
    #expect(try scratch.report("run/report.json")["run"]?["error"]?["code"]?.string == "LOSS_NOT_FINITE")
    #expect(scratch.has("run/state.safetensors") && !scratch.has("run/model"))
    try recipe("1.0e-4")
    #expect(try run("train r.yaml -o run", scratch).code == 73)
    let good = try run("train r.yaml -o good", scratch)
    #expect(good.code == 0, "\(good.errors)")
  }

  /// Interrupted and killed, then run again: the files are those of a run that was left alone.
  @Test func interruptedAndKilledRunsGoOn() throws {
    let scratch = try Scratch()
    try scratch.write(
      Self.recipe.replacing("epochs: 4", with: "epochs: 600") + "\nkeep_every: 5\n", to: "r.yaml")
    let words = ["train", "r.yaml", "-o", "run"]
    for (signal, code) in [(SIGINT, 75), (SIGKILL, -SIGKILL)] as [(Int32, Int32)] {
      let pid = try Program.start(words, in: scratch.folder)
      Program.waitForHandlers(pid)
      usleep(250_000)
      kill(pid, signal)
      // A fast machine may have ended before.
      #expect([code, 0].contains(try Program.wait(pid, in: scratch.folder).code))
    }
    #expect(try run("train r.yaml -o run", scratch).code == 0)
    #expect(try run("train r.yaml -o whole", scratch).code == 0)
    for name in try Files.list(scratch.path("whole")) where !name.hasPrefix("report.") {
      #expect(
        try Files.read(scratch.path("whole/\(name)")) == Files.read(scratch.path("run/\(name)")), "\(name)")
    }
  }

  @Test func studiesItsArms() throws {
    let scratch = try Scratch()
    try scratch.write(
      Self.recipe + """

        seeds: 2
        arms: [cross-entropy, temperature-scaling, ps-kd, {kind: ps-kd, name: half, past: f16}]
        settings: {short: {training: {epochs: 3}}}
        """, to: "r.yaml")
    let dry = try run("distill r.yaml -o run --dry-run", scratch)
    #expect(dry.code == 0 && dry.output.contains("6 trainings"), "\(dry.output) \(dry.errors)")
    let first = try run("distill r.yaml -o run", scratch)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.output.contains("half against temperature-scaling"))
    let report = try scratch.report("run/report.json")
    let arms = try #require(report["results"]?["settings"]?.array?.first?["arms"]?.array)
    #expect(
      arms.compactMap { $0["name"]?.string } == ["cross-entropy", "temperature-scaling", "ps-kd", "half"])
    #expect(report["results"]?["trainings"]?.int == 6)
    #expect(report["metrics"]?.array?.contains { $0["name"]?.string == "short_ps-kd_nll" } == true)
    #expect(try Files.readText(scratch.path("run/report.html")).contains("Learning curves") == false)
    #expect(try Files.readText(scratch.path("run/report.html")).contains("Risk among the most confident"))
    #expect(try run("distill r.yaml -o run", scratch).code == 0)
    #expect(try run("distill --demo -o run", scratch).code == 73)
  }

  /// The recipe files beside the module are read, with stand-ins for their data, and timed.
  @Test func recipesThatShip() throws {
    let scratch = try Scratch()
    let folder = NotebookTests.root.appendingPathComponent("Sources/Distillation/Recipes").path
    for name in try Files.list(folder) {
      try Files.write(Files.read("\(folder)/\(name)"), to: scratch.path(name))
    }
    // Twenty images of 28 × 28 are too few for the parts the recipe asks for: that is what the program says.
    let images: [UInt8] =
      [0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 28, 0, 0, 0, 28] + Array(repeating: 7, count: 20 * 784)
    try Files.write(images, to: scratch.path("t10k-images-idx3-ubyte"))
    try Files.write(
      [0, 0, 8, 1, 0, 0, 0, 20] + (0..<20).map { $0 % 10 }, to: scratch.path("t10k-labels-idx1-ubyte"))
    let mnist = try run("distill mnist-10000.yaml -o run --dry-run", scratch)
    #expect(mnist.code == 64 && mnist.errors.contains("of 20 items"), "\(mnist.errors)")
    let missing = try run("distill cifar100-preact-resnet18.yaml -o run --dry-run", scratch)
    #expect(missing.code == 66 && missing.errors.contains("train.bin"), "\(missing.errors)")
  }
}

import Checkpoints
import JSON
import Reports
import Runtime
import Tensors
import Testing

/// `surgeon prune` as a user runs it.
struct PruneProgramTests {
  static let story =
    "The mill stands by the river. Every day at sunrise Otto opens the tower. Timo brings the boat. Through Yelm runs "
    + "the Caddo. "

  /// One long text and a few short ones.
  static func texts(_ scratch: Scratch, repeats: Int = 40) throws {
    try scratch.write(String(repeating: story, count: repeats) + "\n" + story + "\n", to: "t.txt")
  }

  private func weights(_ scratch: Scratch, _ folder: String) throws -> [String: [Float]] {
    let checkpoint = try Checkpoint(folder: scratch.path(folder))
    return try Dictionary(
      uniqueKeysWithValues: checkpoint.tensorNames.map { ($0, try checkpoint.tensor($0).toFloats()) })
  }

  @Test(arguments: ["wanda", "sparsegpt"]) func writesACheckedCheckpoint(score: String) throws {
    let scratch = try Scratch()
    try Self.texts(scratch)
    let words = [
      "prune", "model", "--score", score, "--sparsity", "30%", "--calibration", "t.txt",
      "--calibration-count", "6", "--calibration-length", "40", "--seed", "3",
    ]
    let dry = try Program.run(words + ["-o", "out", "--dry-run", "--report", "d.json"], in: scratch.folder)
    #expect(dry.code == 0 && dry.output.contains("dry run"), "\(dry.errors)")
    #expect((try scratch.report("d.json")["results"]?["dry_run"]?["hold_bytes"]?.int ?? 0) > 1 << 20)
    #expect(!scratch.has("out") && !scratch.has("out.report.json"))

    let ending = try Program.run(words + ["-o", "out"], in: scratch.folder)
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(ending.output.contains("dense kernels run no faster"))
    let report = try scratch.report("out.report.json")
    let results = try #require(report["results"])
    let (pruned, count) = (results["pruned"]?.int ?? 0, results["weights"]?.int ?? 0)
    #expect(pruned == Int((0.3 * Double(count)).rounded()) && count > 900_000)
    #expect(results["sequential"]?.bool == true && results["matrices"]?.array?.count == 42)
    #expect(results["calibration"]?["tokens"]?.int == 240 && results["calibration"]?["seed"]?.int == 3)
    #expect(results["bytes"]?["before"]?.int == results["bytes"]?["after"]?.int)
    let checks = results["checks"]?.array ?? []
    for id in ["sparsity", "something_changed", "canary_logits", "canary_moved", "ties", "untouched_tensors"]
    {
      #expect(checks.first { $0["id"]?.string == id }?["passed"]?.bool == true, "\(id)")
    }
    let metrics = report["metrics"]?.array ?? []
    func metric(_ name: String) -> Double? { metrics.first { $0["name"]?.string == name }?["value"]?.double }
    #expect(abs((metric("sparsity") ?? 0) - 0.3) < 1e-5)
    if score == "sparsegpt" {
      let (masked, error) = (
        try #require(metric("reconstruction_error_masked")), try #require(metric("reconstruction_error"))
      )
      #expect(error < masked && error > 0 && metric("damping") ?? 0 >= 0.01)
    } else {
      #expect(metric("reconstruction_error") == nil)
    }
    // Zeros, and for Wanda nothing else.
    let (before, after) = (try weights(scratch, "model"), try weights(scratch, "out"))
    var zeros = 0
    for (name, old) in before {
      let new = try #require(after[name])
      zeros += zip(old, new).count { $0 != 0 && $1 == 0 }
      if score == "wanda" { #expect(zip(old, new).allSatisfy { $1 == $0 || $1 == 0 }, "\(name)") }
    }
    #expect(abs(zeros - pruned) <= (score == "wanda" ? 0 : pruned / 1000))
    #expect(try scratch.run("edit", "verify", "out").code == 0)
    // The same command, the same bytes, whatever the threads.
    let again = try Program.run(words + ["-o", "again", "--threads", "1"], in: scratch.folder)
    #expect(again.code == 0, "\(again.errors)")
    #expect(
      try Files.read(scratch.path("out/model.safetensors"))
        == Files.read(scratch.path("again/model.safetensors")))
    let page = try scratch.run("report", "render", "out.report.json", "-o", "r.html")
    #expect(page.code == 0, "\(page.errors)")
  }

  @Test func patternsAndWeightsAloneNeedNoTexts() throws {
    let scratch = try Scratch()
    try Files.remove(scratch.path("model/tokenizer.json"))
    let ending = try scratch.run(
      "prune", "model", "--score", "magnitude", "--pattern", "2:4", "--roles", "mlp", "--layers", "1-2", "-o",
      "out")
    #expect(ending.code == 0, "\(ending.errors)")
    let results = try #require(try scratch.report("out.report.json")["results"])
    #expect(results["matrices"]?.array?.count == 6 && results["sparsity_asked"]?.double == 0.5)
    #expect(results["calibration"]?.isNull == true && results["sequential"]?.bool == false)
    let checkpoint = try Checkpoint(folder: scratch.path("out"))
    let name = try #require(checkpoint.tensorNames.first { $0.contains("layers.1.mlp.down") })
    let values = try checkpoint.tensor(name).toFloats()
    for start in stride(from: 0, to: values.count, by: 4) {
      #expect(values[start..<(start + 4)].count { $0 == 0 } >= 2)
    }
  }

  @Test func pruningNothingIsNoSuccess() throws {
    let scratch = try Scratch()
    let ending = try scratch.run("prune", "model", "--score", "magnitude", "--sparsity", "0", "-o", "out")
    #expect(ending.code == 2, "\(ending.errors)")
  }

  @Test func errorsOfEveryProductOnRequest() throws {
    let scratch = try Scratch()
    try Self.texts(scratch)
    let ending = try scratch.run(
      "prune", "model", "--score", "magnitude", "--sparsity", "0.2", "--reconstruction-error",
      "--calibration",
      "t.txt", "--calibration-count", "2", "--calibration-length", "20", "-o", "out", "--fail-if",
      "reconstruction_error>0.0000001")
    #expect(ending.code == 2, "\(ending.errors)")
    let matrices = try scratch.report("out.report.json")["results"]?["matrices"]?.array ?? []
    #expect(matrices.count == 42 && matrices.allSatisfy { ($0["error"]?.double ?? 0) > 0 })
    #expect(matrices.allSatisfy { $0["error"] == $0["error_masked"] })
  }
}

extension FailureTests {
  static let pruneCases: [Case] = [
    Case(
      name: "sparsity beyond one", arguments: "prune model --sparsity 1.5 -o out", exit: 64,
      code: "SPARSITY_INVALID"),
    Case(
      name: "sparsity below zero", arguments: "prune model --sparsity=-20% -o out", exit: 64,
      code: "SPARSITY_INVALID"),
    Case(
      name: "unknown score", arguments: "prune model --score wandda --sparsity 0.5 -o out", exit: 64,
      code: "UNKNOWN_SCORE"),
    Case(
      name: "pattern that does not divide", arguments: "prune model --score magnitude --pattern 3:7 -o out",
      exit: 65, code: "PATTERN_WIDTH"),
    Case(
      name: "pattern that is none", arguments: "prune model --score magnitude --pattern 4:2 -o out",
      exit: 64, code: "GROUP_INVALID"),
    Case(
      name: "pattern and another sparsity",
      arguments: "prune model --score magnitude --pattern 2:4 --sparsity 0.3 -o out", exit: 64,
      code: "SPARSITY_INVALID"),
    Case(
      name: "wanda without texts", arguments: "prune model --sparsity 0.5 -o out", exit: 64,
      code: "CALIBRATION_MISSING"),
    Case(
      name: "calibration shorter than asked",
      arguments: "prune model --sparsity 0.5 --calibration t.txt --calibration-length 200 -o out", exit: 65,
      code: "CALIBRATION_TOO_SHORT"
    ) { try PruneProgramTests.texts($0, repeats: 4) },
    Case(
      name: "calibration beyond the context",
      arguments: "prune model --sparsity 0.5 --calibration t.txt --calibration-length 2000 -o out", exit: 64,
      code: "CALIBRATION_SIZE"
    ) { try PruneProgramTests.texts($0) },
    Case(
      name: "texts for a score of weights",
      arguments: "prune model --score magnitude --sparsity 0.5 --calibration t.txt -o out", exit: 64,
      code: "FLAGS_INVALID"
    ) { try PruneProgramTests.texts($0) },
    Case(
      name: "sparsegpt by rows",
      arguments: "prune model --score sparsegpt --group row --sparsity 0.5 --calibration t.txt -o out",
      exit: 64, code: "COMBINATION_REFUSED"
    ) { try PruneProgramTests.texts($0) },
    Case(
      name: "no such role", arguments: "prune model --score magnitude --sparsity 0.5 --roles mlp.norm -o out",
      exit: 64, code: "UNKNOWN_ROLE"),
    Case(
      name: "NaN in a pruned matrix", arguments: "prune model --score magnitude --sparsity 0.5 -o out",
      exit: 65, code: "WEIGHT_NOT_FINITE"
    ) { try poison($0) },
    Case(
      name: "a matrix of zeros", arguments: "prune model --score magnitude --sparsity 0.5 -o out", exit: 65,
      code: "MATRIX_ALL_ZERO"
    ) { scratch in
      let file = scratch.path("model/model.safetensors")
      let entries = try SafetensorsFile(path: file).entries
      guard let entry = entries.first(where: { $0.name.contains("layers.0.mlp.up_proj") }) else { return }
      var bytes = try Files.read(file)
      for place in entry.byteRange { bytes[place] = 0 }
      try Files.write(bytes, to: file)
    },
    Case(
      name: "pruned output is there", arguments: "prune model --score magnitude --sparsity 0.5 -o out",
      exit: 73, code: "OUTPUT_EXISTS"
    ) { try Files.makeFolder($0.path("out")) },
    Case(
      name: "pruned output inside the source",
      arguments: "prune model --score magnitude --sparsity 0.5 -o model/out", exit: 73,
      code: "OUTPUT_INSIDE_SOURCE"),
  ]

  @Test(arguments: pruneCases) func pruneFailsClearly(_ item: Case) throws { try failsClearly(item) }
}

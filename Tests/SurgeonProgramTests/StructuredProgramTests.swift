import Checkpoints
import JSON
import Reports
import Runtime
import Testing

/// `surgeon prune --structured` and `--weights sparse`, from the command line to the report.
struct StructuredProgramTests {
  @Test(arguments: ["neurons", "heads"]) func aSmallerModel(_ unit: String) throws {
    let scratch = try Scratch()
    let words = [
      "prune", "model", "--structured", unit, "--score", "magnitude", "--sparsity", "50%", "-o", "small",
    ]
    let dry = try Program.run(words + ["--dry-run", "--report", "dry.json"], in: scratch.folder)
    #expect(dry.code == 0, "\(dry.errors)")
    #expect(!scratch.has("small"))
    let planned = try scratch.report("dry.json")["results"]?["structured"]
    let run = try Program.run(words, in: scratch.folder)
    #expect(run.code == 0, "\(run.errors)")
    let report = try scratch.report("small.report.json")
    #expect(report["results"]?["structured"] == planned)
    let checks = report["results"]?["checks"]?.array ?? []
    #expect(checks.contains { $0["id"]?.string == "masked_logits" })
    #expect(checks.allSatisfy { $0["passed"]?.bool == true })
    let (before, after) = (
      report["results"]?["bytes"]?["before"]?.int ?? 0, report["results"]?["bytes"]?["after"]?.int ?? 0
    )
    #expect(after > 0 && after < before)
    #expect(try Files.size(scratch.path("small/model.safetensors")) == after)
    let key = unit == "neurons" ? "intermediate_size" : "num_key_value_heads"
    let (old, new) = (
      try JSONValue(file: scratch.path("model/config.json")),
      try JSONValue(file: scratch.path("small/config.json"))
    )
    #expect((new[key]?.int ?? 0) * 2 == old[key]?.int)
    // It is a model like any other.
    #expect(try scratch.run("generate", "small", "-p", "you", "--max-tokens", "3").code == 0)
    #expect(try scratch.run("inspect", "small").code == 0)
    #expect(try Program.run(words, in: scratch.folder).code == 73)
  }

  @Test func sparseWeights() throws {
    let scratch = try Scratch()
    let run = try scratch.run(
      "prune", "model", "--score", "magnitude", "--sparsity", "75%", "--weights", "sparse", "-o", "small")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("dense kernels run no faster"))
    let report = try scratch.report("small.report.json")
    let (before, after) = (
      report["results"]?["bytes"]?["before"]?.int ?? 0, report["results"]?["bytes"]?["after"]?.int ?? 0
    )
    #expect(after > 0 && after < before)
    #expect(scratch.names.filter { $0.contains("dense") || $0.contains("partial") }.isEmpty)
    // Expanded it is what dense pruning writes.
    #expect(try scratch.run("convert", "small", "-o", "again").code == 0)
    let dense = try scratch.run("prune", "model", "--score", "magnitude", "--sparsity", "75%", "-o", "dense")
    #expect(dense.code == 0, "\(dense.errors)")
    #expect(
      try Checkpoint(folder: scratch.path("again")).modelHash
        == Checkpoint(folder: scratch.path("dense")).modelHash)
  }

  @Test func whatDoesNotFit() throws {
    let scratch = try Scratch()
    func code(_ words: String...) throws -> Int32 {
      try Program.run(["prune", "model", "-o", "x"] + words, in: scratch.folder).code
    }
    #expect(try code("--structured", "layers", "--sparsity", "50%", "--score", "magnitude") == 64)
    #expect(try code("--structured", "neurons", "--score", "magnitude") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "0", "--score", "magnitude") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "1", "--score", "magnitude") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "50%", "--pattern", "2:4") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "50%", "--layers", "0") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "50%", "--score", "sparsegpt") == 64)
    #expect(try code("--structured", "neurons", "--sparsity", "50%", "--multiple-of", "0") == 64)
    #expect(try code("--sparsity", "50%", "--weights", "other") == 64)
    #expect(!scratch.has("x"))
  }
}

/// `surgeon imatrix`, and pruning by the file it writes.
struct ImatrixProgramTests {
  /// One-shot Wanda by the file is one-shot Wanda by the texts, but for the rounding of the sums to f32.
  @Test func imatrixStandsInForTexts() throws {
    let scratch = try Scratch()
    let words = "you are a kind old man and the river is wide"
    try scratch.write(
      (0..<40).map { "{\"text\": \"\(words) \($0 % 7 == 0 ? words : "so it goes") \(words) \(words)\"}" }
        .joined(separator: "\n"), to: "t.jsonl")
    let texts = ["--calibration", "t.jsonl", "--calibration-count", "8", "--calibration-length", "16"]
    let dry = try Program.run(
      ["imatrix", "model", "-o", "i.gguf", "--dry-run", "--report", "d.json"] + texts, in: scratch.folder)
    #expect(dry.code == 0, "\(dry.errors)")
    #expect(!scratch.has("i.gguf"))
    _ = try scratch.report("d.json")
    let made = try Program.run(["imatrix", "model", "-o", "i.gguf"] + texts, in: scratch.folder)
    #expect(made.code == 0, "\(made.errors)")
    let entries = try scratch.report("i.gguf.report.json")["results"]?["entries"]?.array ?? []
    #expect(entries.count % 7 == 0 && !entries.isEmpty)
    #expect(entries.allSatisfy { $0["tokens"]?.int == 128 })
    #expect(try ImportanceMatrixFile(file: scratch.path("i.gguf")).datasets == ["t.jsonl"])
    let prune = ["prune", "model", "--score", "wanda", "--sparsity", "50%", "--canaries", "0"]
    let known = try Program.run(prune + ["--imatrix", "i.gguf", "-o", "a"], in: scratch.folder)
    #expect(known.code == 0, "\(known.errors)")
    let seen = try Program.run(prune + ["--one-shot", "-o", "b"] + texts, in: scratch.folder)
    #expect(seen.code == 0, "\(seen.errors)")
    let (a, b) = (try Checkpoint(folder: scratch.path("a")), try Checkpoint(folder: scratch.path("b")))
    let difference = try a.difference(to: b)
    let moved = difference.changed.reduce(0) { $0 + $1.valuesChanged }
    #expect(moved * 1000 < a.parameterCount, "\(moved)")
    // What does not go together.
    for more in [["--calibration", "t.jsonl"], ["--sequential"], ["--score", "magnitude"]] {
      #expect(
        try Program.run(prune + ["--imatrix", "i.gguf", "-o", "c"] + more, in: scratch.folder).code == 64)
    }
    try scratch.write("no GGUF at all", to: "j.gguf")
    #expect(try Program.run(prune + ["--imatrix", "j.gguf", "-o", "c"], in: scratch.folder).code == 65)
    #expect(try Program.run(["imatrix", "model", "-o", "k.gguf"], in: scratch.folder).code == 64)
    #expect(!scratch.has("c") && !scratch.has("k.gguf"))
  }
}

import Checkpoints
import Glibc
import JSON
import Reports
import Runtime
import Testing

/// The commands on the embedded model, from the command line to the report.
struct CommandTests {
  @Test func inspectDescribes() throws {
    let scratch = try Scratch()
    let ending = try scratch.run("inspect", "model", "--report", "r.json", "--hash")
    #expect(ending.code == 0)
    #expect(ending.output.contains("mlp.gate"))
    let report = try scratch.report("r.json")
    #expect(report["results"]?["supported"]?.bool == true)
    let tensors = report["results"]?["tensors"]?.array ?? []
    let checkpoint = try Checkpoint(folder: scratch.path("model"))
    #expect(Set(tensors.compactMap { $0["name"]?.string }) == Set(checkpoint.tensorNames))
    #expect(report["inputs"]?.array?.first?["model_hash"]?.string == (try checkpoint.modelHash))
    #expect(report["run"]?["config_resolved"]?["hash"]?.bool == true)
  }

  @Test func unknownLayoutIsDescribed() throws {
    let scratch = try Scratch()
    try scratch.change("model/config.json") { $0["model_type"] = "zebra" }
    let detected = try scratch.run("inspect", "model", "--format", "json", "--report", "r.json")
    #expect(detected.code == 0)
    #expect(try JSONValue(parsing: detected.output)["results"]?["supported"]?.bool == true)
    #expect(try Files.readText(scratch.path("r.json")).contains("FAMILY_DETECTED"))
    try scratch.change("model/config.json") { $0["num_attention_heads"] = 7 }
    let ending = try scratch.run("inspect", "model", "--format", "json")
    #expect(ending.code == 0)
    let results = try JSONValue(parsing: ending.output)["results"]
    #expect(results?["supported"]?.bool == false)
    #expect(results?["unsupported"]?.array?.first?["what"]?.string?.contains("zebra") == true)
  }

  @Test(arguments: [
    "doctor", "ls", "ls families", "ls architectures", "ls schemas", "ls sites", "schema operate",
    "schema report",
  ])
  func informs(_ line: String) throws {
    let scratch = try Scratch(model: false)
    let ending = try Program.run(
      line.split(separator: " ").map(String.init) + ["--report", "r.json"], in: scratch.folder)
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(!ending.output.isEmpty)
    #expect(try scratch.report("r.json")["run"]?["status"]?.string == "ok")
  }

  @Test func everyListingHasItems() throws {
    let scratch = try Scratch(model: false)
    let kinds =
      try JSONValue(parsing: scratch.run("ls", "--format", "json").output)["results"]?["items"]?.array ?? []
    #expect(kinds.count >= 9)
    for kind in kinds.compactMap({ $0["name"]?.string }) {
      let ending = try scratch.run("ls", kind, "--format", "csv")
      #expect(ending.code == 0 && ending.output.split(separator: "\n").count > 1, "\(kind)")
    }
  }

  @Test func doctorWarnsOfForcedKernels() throws {
    let scratch = try Scratch(model: false)
    let ending = try Program.run(["doctor"], in: scratch.folder, environment: ["OPENBLAS_CORETYPE=Haswell"])
    #expect(ending.code == 0)
    #expect(ending.errors.contains("OPENBLAS_CORETYPE"))
  }

  @Test func generateIsTheSameOnAnyThreads() throws {
    let scratch = try Scratch()
    let words = [
      "generate", "model", "-p", "The river", "-p", "You", "-n", "12", "--temperature", "1", "--samples", "2",
    ]
    var replies: [JSONValue] = []
    for threads in ["1", "2"] {
      let ending = try Program.run(words + ["--threads", threads, "--report", "r.json"], in: scratch.folder)
      #expect(ending.code == 0, "\(ending.errors)")
      replies.append(ReportEnvelope.comparable(try scratch.report("r.json")))
    }
    #expect(replies[0] == replies[1])
    #expect(replies[0]["results"]?["replies"]?.array?.count == 4)
  }

  @Test func editGoesThereAndBack() throws {
    let scratch = try Scratch()
    try scratch.patch()
    let applied = try scratch.run("edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out")
    #expect(applied.code == 0, "\(applied.errors)")
    let report = try scratch.report("out.report.json")
    #expect(report["results"]?["tensors"]?.array?.first?["rows_changed"]?.int == 3)
    #expect(scratch.has("out.undo.safetensors") && scratch.has("out/surgeon.edit.json"))

    let verified = try scratch.run(
      "edit", "verify", "out", "--patch", "p.patch.safetensors", "--base", "model", "--report", "v.json")
    #expect(verified.code == 0, "\(verified.errors)")
    #expect(try scratch.report("v.json")["results"]?["passed"]?.bool == true)
    // The original is not what the patch promises: exit 2, and the report says so.
    let wrong = try scratch.run(
      "edit", "verify", "model", "--patch", "p.patch.safetensors", "--report", "w.json")
    #expect(wrong.code == 2)
    #expect(try scratch.report("w.json")["results"]?["passed"]?.bool == false)

    let reverted = try scratch.run("edit", "revert", "out", "--undo", "out.undo.safetensors", "-o", "back")
    #expect(reverted.code == 0, "\(reverted.errors)")
    _ = try scratch.report("back.report.json")
    for name in try Files.list(scratch.path("model")) {
      #expect(
        try Files.read(scratch.path("model/\(name)")) == Files.read(scratch.path("back/\(name)")), "\(name)")
    }
    #expect(try Files.list(scratch.path("back")) == Files.list(scratch.path("model")))
  }

  @Test func patchAtRunTimeIsTheWrittenCheckpoint() throws {
    let scratch = try Scratch()
    try scratch.patch()
    try scratch.write("The mill stands by the river.\nYou are late again.\n", to: "t.txt")
    #expect(
      try scratch.run(
        "edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "out", "--undo", "none"
      ).code == 0)
    #expect(!scratch.has("out.undo.safetensors"))
    let patched = try scratch.run(
      "perplexity", "model", "-f", "t.txt", "--patch", "p.patch.safetensors", "--report", "a.json")
    let written = try scratch.run(
      "perplexity", "out", "-f", "t.txt", "--reference-model", "model", "--report", "b.json")
    #expect(patched.code == 0 && written.code == 0, "\(patched.errors)\(written.errors)")
    let (a, b) = (try scratch.report("a.json"), try scratch.report("b.json"))
    #expect(a["metrics"] == b["metrics"])
    #expect(a["results"]?["kl"] == b["results"]?["kl"])
    let kl = a["results"]?["kl"]?["mean"]?.double ?? 0
    #expect(kl > 0)
  }

  @Test func composeAndExport() throws {
    let scratch = try Scratch()
    try scratch.patch()
    let composed = try scratch.run(
      "edit", "compose", "model", "p.patch.safetensors", "p.patch.safetensors", "--scale", "1", "--scale",
      "-0.5", "-o",
      "half.patch.safetensors")
    #expect(composed.code == 0, "\(composed.errors)")
    let report = try scratch.report("half.patch.safetensors.report.json")
    #expect(report["results"]?["patches"]?.int == 2)
    let exported = try scratch.run(
      "edit", "export", "model", "--patch", "half.patch.safetensors", "-o", "adapter")
    #expect(exported.code == 0, "\(exported.errors)")
    #expect(scratch.has("adapter/adapter_config.json") && scratch.has("adapter/adapter_model.safetensors"))
    _ = try scratch.report("adapter.report.json")
  }

  @Test(arguments: [
    "edit apply model --patch p.patch.safetensors -o new",
    "edit revert out --undo out.undo.safetensors -o new",
    "edit verify out --base model", "edit compose model p.patch.safetensors -o new",
    "edit export model --patch p.patch.safetensors -o new", "generate model -p The --max-tokens 9",
  ])
  func dryRunsWriteNothing(_ line: String) throws {
    let scratch = try Scratch()
    try scratch.patch().apply(to: Checkpoint(folder: scratch.path("model")), output: scratch.path("out"))
    let before = scratch.names
    let ending = try Program.run(
      line.split(separator: " ").map(String.init) + ["--dry-run", "--report", "r.json"], in: scratch.folder)
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(scratch.names == (before + ["r.json"]).sorted())
    #expect(try scratch.report("r.json")["results"]?["dry_run"]?["read_bytes"]?.int ?? 0 > 0)
  }

  /// What a dry run estimates with is counted, not guessed: two operations a weight, four a pair and number of a head.
  @Test func dryRunsCountTheirWork() throws {
    let scratch = try Scratch()
    try scratch.write("The mill stands by the river.\n", to: "t.txt")
    // Six blocks of width 128: 12 heads of 32 for queries, keys, values and output, three matrices of 352.
    let weights: Double = 6 * (128 * 32 * 12 + 128 * 352 * 3)
    func operations(_ tokens: Double) -> Double {
      let pairs: Double = tokens * (tokens + 1) / 2
      return 2 * weights * tokens + 4 * pairs * 128 * 6
    }
    let cached = try scratch.run(
      "cache", "model", "-f", "t.txt", "--sites", "final_norm", "-o", "cache", "--dry-run", "--report",
      "a.json")
    #expect(cached.code == 0 && !scratch.has("cache"), "\(cached.errors)")
    let results = try scratch.report("a.json")["results"]
    let tokens = try #require(results?["tokens"]?.double)
    let run = results?["dry_run"]
    #expect(run?["operations"]?.double == operations(tokens))
    // Weights are read once; the seconds follow from the rates that stand beside them.
    let bytes = try #require(run?["memory_read_bytes"]?.double)
    #expect(bytes == run?["read_bytes"]?.double)
    let expected = max(
      operations(tokens) / (run?["operations_per_second"]?.double ?? 0),
      bytes / (run?["memory_read_bytes_per_second"]?.double ?? 0))
    #expect(abs((run?["estimated_seconds"]?.double ?? 0) / expected - 1) < 1e-9)
    #expect(cached.output.contains("GFLOP/s") && cached.output.contains("takes roughly"))

    let generated = try scratch.run(
      "generate", "model", "-p", "The mill", "-n", "9", "--dry-run", "--report", "b.json")
    #expect(generated.code == 0, "\(generated.errors)")
    let estimate = try scratch.report("b.json")["results"]?["dry_run"]
    // The prompt, then eight steps that read all weights each.
    #expect(estimate?["memory_read_bytes"]?.double == 9 * bytes)
  }

  @Test func reportRenders() throws {
    let scratch = try Scratch()
    #expect(try scratch.run("inspect", "model", "--report", "r.json").code == 0)
    let ending = try scratch.run("report", "render", "r.json", "-o", "r.html", "--report", "rr.json")
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(try Files.readText(scratch.path("r.html")).contains("</html>"))
    _ = try scratch.report("rr.json")
    try scratch.write("{}", to: "no.json")
    #expect(try scratch.run("report", "render", "no.json", "-o", "no.html").code == 65)
  }
}

import Checkpoints
import JSON
import Reports
import Runtime
import TestSupport
import Testing

/// `surgeon evaluate` from the command line to the report, the samples and the export.
struct EvaluateTests {
  private static let questions = """
    {"context": "The mill stands by", "choices": ["the river.", "the", "a tower of the town."], "answer": 0}
    {"context": "Every day at sunrise Otto opens", "choices": ["the tower.", "the boat."], "answer": 0}
    {"context": "Timo brings the", "choices": ["boat.", "boat and the boat.", "river"], "answer": 0}
    {"context": "You are late", "choices": ["again.", "today."], "answer": 1}

    """

  private func scratch() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.write(Self.questions, to: "q.jsonl")
    try scratch.write("The mill stands by the river.\nYou are late again.\n", to: "t.txt")
    return scratch
  }

  @Test func tasksTextsAndTheExport() throws {
    let scratch = try scratch()
    let ending = try scratch.run(
      "evaluate", "model", "--tasks", "choices=q.jsonl", "-f", "t.txt", "-o", "out")
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(ending.output.contains("choices") && ending.output.contains("ece_15"))
    let report = try scratch.report("out/report.json")
    let task = try #require(report["results"]?["tasks"]?.array?.first)
    #expect(task["questions"]?.int == 4 && task["layout"]?.string == "choices")
    let bins = report["results"]?["texts"]?["reliability"]
    for (name, count) in [("bins_10", 10), ("bins_15", 15)] {
      let own = bins?[name]?.array ?? []
      #expect(own.count == count)
      #expect(own.reduce(0) { $0 + ($1["count"]?.int ?? 0) } == report["results"]?["texts"]?["tokens"]?.int)
    }
    let export = try JSONValue(file: scratch.path("out/results.json"))
    #expect(export["results"]?["choices"]?["acc,none"] == task["acc"])
    #expect(export["results"]?["choices"]?["acc_norm_stderr,none"] == task["acc_norm_stderr"])
    let samples = try Files.readText(scratch.path("out/samples_choices.jsonl")).split(separator: "\n")
    let right = try samples.map { try JSONValue(parsing: String($0))["acc"]?.int ?? -1 }
    #expect(right.count == 4 && Double(right.reduce(0, +)) / 4 == task["acc"]?.double)
    #expect(report["outputs"]?.array?.count == 2)
    // The page draws what was measured.
    #expect(try scratch.run("report", "render", "out/report.json", "-o", "r.html").code == 0)
    let page = try Files.readText(scratch.path("r.html"))
    #expect(page.contains("Reliability of next-token predictions") && page.contains("Accuracy by task"))
  }

  @Test func textsAgreeWithPerplexity() throws {
    let scratch = try scratch()
    #expect(try scratch.run("evaluate", "model", "-f", "t.txt", "--report", "e.json").code == 0)
    #expect(try scratch.run("perplexity", "model", "-f", "t.txt", "--report", "p.json").code == 0)
    func metric(_ report: JSONValue, _ name: String) -> JSONValue? {
      report["metrics"]?.array?.first { $0["name"]?.string == name }
    }
    let (e, p) = (try scratch.report("e.json"), try scratch.report("p.json"))
    #expect(metric(e, "perplexity") != nil && metric(e, "perplexity") == metric(p, "perplexity"))
    #expect(metric(e, "nll")?["value"] == metric(p, "loss")?["value"])
  }

  @Test func aPatchAtRunTimeIsTheWrittenCheckpoint() throws {
    let scratch = try scratch()
    try scratch.patch(size: 0.5)
    #expect(
      try scratch.run(
        "edit", "apply", "model", "--patch", "p.patch.safetensors", "-o", "edited", "--undo", "none"
      ).code == 0)
    for (arguments, out) in [
      (["model"], "plain"), (["model", "--patch", "p.patch.safetensors"], "patched"), (["edited"], "written"),
    ] {
      let ending = try Program.run(
        ["evaluate"] + arguments + ["--tasks", "choices=q.jsonl", "-o", out], in: scratch.folder)
      #expect(ending.code == 0, "\(ending.errors)")
    }
    func samples(_ out: String) throws -> String {
      try Files.readText(scratch.path("\(out)/samples_choices.jsonl"))
    }
    #expect(try samples("patched") == samples("written"))
    #expect(try samples("patched") != samples("plain"))
  }

  @Test func anyThreadsGiveTheSame() throws {
    let scratch = try scratch()
    var reports: [JSONValue] = []
    for threads in ["1", "2"] {
      let ending = try scratch.run(
        "evaluate", "model", "--tasks", "choices=q.jsonl", "--shots", "2", "-f", "t.txt", "--threads",
        threads,
        "--report", "r.json")
      #expect(ending.code == 0, "\(ending.errors)")
      reports.append(ReportEnvelope.comparable(try scratch.report("r.json")))
    }
    #expect(reports[0] == reports[1])
  }

  @Test func dryRunsGatesAndLimits() throws {
    let scratch = try scratch()
    let dry = try scratch.run(
      "evaluate", "model", "--tasks", "choices=q.jsonl", "-o", "out", "--dry-run", "--report", "d.json")
    #expect(dry.code == 0 && dry.output.contains("dry run") && !scratch.has("out"))
    #expect(try scratch.report("d.json")["results"]?["dry_run"]?["hold_bytes"]?.int ?? 0 > 0)
    let gate = try scratch.run(
      "evaluate", "model", "--tasks", "choices=q.jsonl", "--fail-if", "choices_acc>=0", "--limit", "2",
      "--report", "g.json")
    #expect(gate.code == 2)
    let task = try scratch.report("g.json")["results"]?["tasks"]?.array?.first
    #expect(task?["questions"]?.int == 2 && task?["questions_in_file"]?.int == 4)
    #expect(try scratch.run("evaluate", "model").code == 64)
    #expect(try scratch.run("evaluate", "model", "--tasks", "choices=q.jsonl", "choices=q.jsonl").code == 64)
  }
}

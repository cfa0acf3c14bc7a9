import JSON
import Runtime
import Testing

/// Flags that every command takes, and the command line itself.
struct FlagTests {
  @Test func gatesDecideTheExitCode() throws {
    let scratch = try Scratch()
    try scratch.write("The mill stands by the river.\nThe town sleeps.\n", to: "t.txt")
    let held = try scratch.run(
      "perplexity", "model", "-f", "t.txt", "--fail-if", "perplexity>1e9", "--report", "a.json")
    #expect(held.code == 0, "\(held.errors)")
    let missed = try scratch.run(
      "perplexity", "model", "-f", "t.txt", "--fail-if", "perplexity>1", "--report", "b.json")
    #expect(missed.code == 2)
    #expect(missed.errors.contains("gate did not hold: perplexity>1"))
    #expect(!missed.output.isEmpty)
    let report = try scratch.report("b.json")
    #expect(report["run"]?["status"]?.string == "ok" && report["run"]?["exit_code"]?.int == 2)
    #expect(report["gates"]?.array?.first?["held"]?.bool == false)
  }

  @Test func streamsAreKeptApart() throws {
    let scratch = try Scratch()
    try scratch.write("The mill stands by the river.\nThe town sleeps.\n", to: "t.txt")
    let quiet = try scratch.run("perplexity", "model", "-f", "t.txt", "-q", "--report", "r.json")
    #expect(quiet.errors.isEmpty)
    let json = try scratch.run("perplexity", "model", "-f", "t.txt", "--format", "json")
    #expect(try JSONValue(parsing: json.output)["metrics"]?.array?.isEmpty == false)
    let csv = try scratch.run("perplexity", "model", "-f", "t.txt", "--format", "csv")
    #expect(csv.output.hasPrefix("metric,"))
    let lines = try scratch.run("perplexity", "model", "-f", "t.txt", "--progress", "jsonl")
    let events = try lines.errors.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(events.contains { $0["event"]?.string == "progress" && $0["stage"]?.string == "perplexity" })
  }

  @Test func configFileGivesFlags() throws {
    let scratch = try Scratch()
    try scratch.write("max_tokens: 3\nprompt: [The river]\nquiet: true\n", to: "c.yaml")
    func tokens(_ more: String...) throws -> Int? {
      let ending = try Program.run(
        ["generate", "model", "--config", "c.yaml", "--report", "r.json"] + more, in: scratch.folder)
      #expect(ending.code == 0, "\(ending.errors)")
      return try scratch.report("r.json")["results"]?["sampling"]?["max_tokens"]?.int
    }
    #expect(try tokens() == 3)
    #expect(try tokens("--max-tokens", "5") == 5)
    #expect(try tokens("-n", "5") == 5)
    #expect(try tokens("--max_tokens=6") == 6)
    try scratch.write("max_tokenz: 3\n", to: "d.yaml")
    let unknown = try scratch.run("generate", "model", "-p", "a", "--config", "d.yaml")
    #expect(unknown.code == 64)
    #expect(unknown.errors.contains("max-tokens"), "\(unknown.errors)")
    #expect(try scratch.run("generate", "model", "-p", "a", "--config", "none.yaml").code == 66)
    try scratch.write("- a\n- b\n", to: "e.yaml")
    #expect(try scratch.run("generate", "model", "-p", "a", "--config", "e.yaml").code == 64)
  }

  @Test(arguments: [
    "", "generate model", "generate model -p a --temperature -1", "generate model -p a --samples 2",
    "generate model -p a --threads 0", "generate model -p a --format zebra",
    "generate model -p a --progress zebra",
    "generate model -p a --fail-if nonsense", "zebra", "inspect", "inspect model --zebra", "perplexity model",
    "edit apply model", "edit", "parity model", "parity model --against r --tolerance 0", "schema",
    "generate model -p a --compute f8", "parity model --against r --compute bf16",
  ])
  func wrongCommandLines(_ line: String) throws {
    let scratch = try Scratch(model: false)
    let ending = try Program.run(line.split(separator: " ").map(String.init), in: scratch.folder)
    // A bare command shows its help.
    let showsHelp = line.isEmpty || line == "edit"
    #expect(ending.code == (showsHelp ? 0 : 64), "\(ending.errors)")
    #expect(showsHelp || ending.output.isEmpty)
  }

  @Test func helpIsQuickAndComplete() throws {
    let scratch = try Scratch(model: false)
    var best = Double.infinity
    for _ in 0..<3 {
      let ending = try scratch.run("--help")
      #expect(ending.code == 0 && ending.output.contains("inspect"))
      best = min(best, ending.seconds)
    }
    #expect(best < 0.05)
    for shell in ["bash", "zsh", "fish"] {
      let ending = try scratch.run("--generate-completion-script", shell)
      #expect(ending.code == 0 && ending.output.contains("perplexity"))
    }
    #expect(try scratch.run("--version").output == "0.1.0\n")
    for command in ["inspect", "parity", "generate", "perplexity", "edit apply", "doctor", "ls", "schema"] {
      let ending = try Program.run(
        command.split(separator: " ").map(String.init) + ["--help"], in: scratch.folder)
      #expect(ending.code == 0 && ending.output.contains("Example"), "\(command)")
    }
  }
}

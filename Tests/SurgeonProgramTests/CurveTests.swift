import Checkpoints
import JSON
import Reports
import Runtime
import TestSupport
import Testing

/// `surgeon importance --curve` from the command line to the report and its page.
struct CurveTests {
  private static let texts = """
    The mill stands by the river.
    Every day at sunrise Otto opens the tower. Timo brings the boat.
    Through Yelm runs the Caddo.
    You are late again.

    """

  private func scratch() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.write(Self.texts, to: "t.txt")
    return scratch
  }

  private func run(_ scratch: Scratch, _ words: String) throws -> Program.Ending {
    try Program.run(
      ["importance", "model", "--curve"] + words.split(separator: " ").map(String.init), in: scratch.folder)
  }

  @Test func curvesWithPartsAndAPage() throws {
    let scratch = try scratch()
    let ending = try run(
      scratch,
      "-f t.txt --shares 5,40 --per matrix --arms smallest,random --score magnitude,anti-magnitude --resamples 50 -o c.csv --report r.json"
    )
    #expect(ending.code == 0, "\(ending.errors)")
    let report = try scratch.report("r.json")
    let curve = try #require(report["results"]?["curve"])
    let scores = curve["scores"]?.array ?? []
    #expect(scores.map { $0["score"]?.string } == ["magnitude", "anti-magnitude"])
    let parts = scores[0]["parts"]?.array ?? []
    #expect(parts[0]["part"]?.string == "all" && parts.count > 7)
    #expect(
      parts[0]["points"]?.array?.count == 4 && scores[1]["parts"]?.array?[0]["points"]?.array?.count == 2)
    // A point's shares are exact, and taking the largest away costs more than the smallest.
    let weights = parts.dropFirst().reduce(0) { $0 + ($1["weights"]?.int ?? 0) }
    #expect(parts[0]["weights"]?.int == weights)
    func damage(_ score: Int) -> Double {
      scores[score]["parts"]?.array?[0]["points"]?.array?[1]["damage"]?.double ?? .nan
    }
    #expect(
      scores[0]["parts"]?.array?[0]["points"]?.array?[1]["removed"]?.int
        == Int((0.4 * Double(weights)).rounded()))
    #expect(damage(0) < damage(1))
    #expect(ending.output.contains("knee"))
    let lines = try Files.readText(scratch.path("c.csv")).split(separator: "\n")
    #expect(lines.count == 1 + parts.count * 6)
    #expect(try scratch.run("report", "render", "r.json", "-o", "r.html").code == 0)
    let page = try Files.readText(scratch.path("r.html"))
    #expect(page.contains("Block by role") && page.contains("What zeroing the weights with the smallest"))
  }

  @Test func anyThreadsGiveTheSame() throws {
    let scratch = try scratch()
    var reports: [JSONValue] = []
    for threads in ["1", "2"] {
      let ending = try run(
        scratch, "-f t.txt --shares 10,30 --group row --resamples 50 --threads \(threads) --report r.json")
      #expect(ending.code == 0, "\(ending.errors)")
      reports.append(ReportEnvelope.comparable(try scratch.report("r.json")))
    }
    #expect(reports[0] == reports[1])
  }

  @Test func otherMetricsAndGates() throws {
    let scratch = try scratch()
    try scratch.write(
      "{\"context\": \"The mill stands by\", \"choices\": [\"the river.\", \"the\"], \"answer\": 0}\n",
      to: "q.jsonl")
    for words in [
      "--metric kl -f t.txt", "--metric accuracy --task choices=q.jsonl",
      "--metric behaviour -f t.txt --grammar --max-tokens 6",
    ] {
      let ending = try run(
        scratch, "\(words) --shares 60 --arms smallest --resamples 20 --report r.json --fail-if knee>=0")
      #expect(ending.code == 2, "\(words): \(ending.errors)")
      let metric = try scratch.report("r.json")["results"]?["curve"]?["metric"]
      #expect(words.contains(metric?["kind"]?.string ?? "none"))
    }
  }

  @Test func dryRunsAndRefusals() throws {
    let scratch = try scratch()
    let dry = try run(scratch, "-f t.txt --dry-run --report d.json")
    #expect(dry.code == 0 && dry.output.contains("31 passes"), "\(dry.errors)\(dry.output)")
    #expect(try scratch.report("d.json")["results"]?["dry_run"]?["estimated_seconds"]?.double ?? 0 > 0)
    for (words, code, exit) in [
      ("-f t.txt --shares 0", "SPARSITY_INVALID", 64), ("-f t.txt --arms middle", "UNKNOWN_ARM", 64),
      ("-f t.txt --per zebra", "UNKNOWN_PART", 64), ("-f t.txt --metric zebra", "METRIC_UNKNOWN", 64),
      ("-f t.txt --group 2:4", "COMBINATION_REFUSED", 64), ("-f t.txt --score zebra", "UNKNOWN_SCORE", 64),
      ("-f t.txt --metric behaviour", "FLAGS_INVALID", 64), ("-f no.txt", "FILE_MISSING", 66),
      ("-f t.txt -o c.json", "FLAGS_INVALID", 64),
    ] {
      let ending = try run(scratch, words)
      #expect(ending.code == exit && ending.errors.contains(code), "\(words): \(ending.errors)")
    }
    #expect(try run(scratch, "").code == 64)
  }
}

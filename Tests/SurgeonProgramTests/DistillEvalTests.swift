import JSON
import Organism
import Runtime
import Testing

/// `surgeon distill eval` on small tables.
struct DistillEvalTests {
  @Test func scoresScalesAndCompares() throws {
    let scratch = try Scratch()
    // Over-confident answers of which a quarter is wrong, and the same ones halved.
    func table(_ scale: Double) -> String {
      "id,label,a,b,c\n"
        + (0..<40).map { item in
          let label = item % 3, top = item % 4 == 0 ? (label + 1) % 3 : label
          let logits = (0..<3).map { $0 == top ? scale * (4 + Double(item) / 40) : 0 }
          return "\(item),\(label),\(logits.map { "\($0)" }.joined(separator: ","))\n"
        }.joined()
    }
    try scratch.write(table(1), to: "test.csv")
    try scratch.write(table(0.5), to: "half.csv")
    let ending = try Program.run(
      "distill eval test.csv --columns a,b,c --fit-temperature test.csv --against half.csv --report r.json"
        .split(separator: " ").map(String.init), in: scratch.folder)
    #expect(ending.code == 0, "\(ending.errors)")
    #expect(ending.output.contains("scaled_ece_10"))
    let report = try scratch.report("r.json")
    var metrics: [String: Double] = [:]
    for metric in report["metrics"]?.array ?? [] {
      if let name = metric["name"]?.string { metrics[name] = metric["value"]?.double }
    }
    #expect(metrics["top1_error"] == 0.25 && metrics["scaled_top1_error"] == 0.25)
    #expect(metrics["difference_top1_error"] == 0)
    let given = try #require(metrics["ece_10"]), scaled = try #require(metrics["scaled_ece_10"])
    #expect(given > 0.2 && scaled < 0.05)
    let temperature = try #require(report["results"]?["temperature"]?.double)
    #expect(temperature > 1.5 && temperature < 4)
    #expect(report["results"]?["against"]?["mcnemar"]?["mid_p"]?.double == 1)
    let page = try Program.run(["report", "render", "r.json", "-o", "r.html"], in: scratch.folder)
    #expect(page.code == 0, "\(page.errors)")
    #expect(try Files.readText(scratch.path("r.html")).contains("Reliability"))
  }

  /// Next tokens of a language model: the same numbers as evaluate's own, and two sets compared token by token.
  @Test func scoresNextTokens() throws {
    let scratch = try Scratch()
    func run(_ line: String, code: Int32 = 0) throws {
      let ending = try Program.run(line.split(separator: " ").map(String.init) + ["-q"], in: scratch.folder)
      #expect(ending.code == code, "\(line)\n\(ending.errors)")
    }
    try scratch.write(
      OrganismData.neutralTexts(split: .test, count: 20).joined(separator: "\n") + "\n", to: "n.txt")
    try run("evaluate model -f n.txt --predictions a.safetensors --report e.json")
    try run("distill eval a.safetensors --against a.safetensors --report d.json")
    let (own, table) = (try scratch.report("e.json"), try scratch.report("d.json"))
    func metric(_ name: String, _ report: JSONValue) throws -> Double {
      try #require(report["metrics"]?.array?.first { $0["name"]?.string == name }?["value"]?.double)
    }
    #expect(abs(try metric("nll", own) - metric("nll", table)) < 1e-9)
    #expect(abs(try metric("ece_10", own) - metric("ece_10", table)) < 1e-9)
    #expect(abs(try metric("top1_accuracy", own) + metric("top1_error", table) - 1) < 1e-9)
    #expect(try metric("difference_nll", table) == 0)
    #expect(try metric("brier", table) > 0)
    try run("distill eval a.safetensors --temperature 2", code: 64)
    // The last number's exponent: no answer has it.
    var bytes = try Files.read(scratch.path("a.safetensors"))
    bytes[bytes.count - 1] ^= 0x40
    try Files.write(bytes, to: scratch.path("b.safetensors"))
    try run("distill eval b.safetensors", code: 65)
  }
}

import JSON
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
}

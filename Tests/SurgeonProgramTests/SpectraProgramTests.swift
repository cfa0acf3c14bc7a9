import JSON
import Reports
import Runtime
import Testing

/// `surgeon importance --spectra`, from the command line to the report and its page.
struct SpectraProgramTests {
  @Test func everyMatrixHasALine() throws {
    let scratch = try Scratch()
    let run = try scratch.run(
      "importance", "model", "--spectra", "--permuted", "3", "--resamples", "20", "-o", "s.csv", "--report",
      "s.json")
    #expect(run.code == 0, "\(run.errors)")
    let report = try scratch.report("s.json")
    let lines = try #require(report["results"]?["spectra"]?.array)
    let blocks = Set(lines.compactMap { $0["block"]?.int }).count
    #expect(lines.count == 7 * blocks && blocks > 1)
    for line in lines {
      let values = line["eigenvalues"]?.array?.compactMap(\.double) ?? []
      #expect(values == values.sorted() && !values.isEmpty)
      #expect((line["fit"]?["alpha"]?.double ?? 2) > 1)
      // A line without a fit says why.
      #expect(line["fit"]?.object != nil || line["why"]?.string != nil)
      #expect(line["permuted"]?["copies"]?.int == 3)
      #expect((line["permuted"]?["p"]?.double ?? 0) >= 0.25)
    }
    let csv = try Files.readText(scratch.path("s.csv")).split(separator: "\n")
    #expect(csv.count == lines.count + 1 && csv[0].contains("alpha_lower"))
    // The same again whatever the threads; another seed permutes otherwise.
    func spectra(_ words: String...) throws -> JSONValue? {
      let ending = try Program.run(
        [
          "importance", "model", "--spectra", "--permuted", "2", "--resamples", "0", "--roles", "mlp",
          "--report", "t.json",
        ]
          + words, in: scratch.folder)
      #expect(ending.code == 0, "\(ending.errors)")
      return try scratch.report("t.json")["results"]?["spectra"]
    }
    let first = try spectra("--threads", "1")
    #expect(try spectra("--threads", "2") == first)
    #expect(try spectra("--seed", "1") != first)
    let page = try scratch.run("report", "render", "s.json", "-o", "s.html")
    #expect(page.code == 0, "\(page.errors)")
    let html = try Files.readText(scratch.path("s.html"))
    #expect(html.contains("α by block and role") && html.contains("edge of a random matrix"))
  }

  @Test func dryRunAndFlags() throws {
    let scratch = try Scratch()
    let dry = try scratch.run("importance", "model", "--spectra", "--dry-run", "--report", "d.json")
    #expect(dry.code == 0, "\(dry.errors)")
    _ = try scratch.report("d.json")
    for words in [
      ["--permuted", "-1"], ["--resamples", "-1"], ["--overlap"], ["-o", "s.json"], ["--roles", "nonsense"],
    ] {
      #expect(
        try Program.run(["importance", "model", "--spectra"] + words, in: scratch.folder).code == 64,
        "\(words)")
    }
  }
}

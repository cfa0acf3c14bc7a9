import Glibc
import JSON
import Reports
import Runtime
import Statistics
import Testing

@Suite struct HTMLReportTests {
  static var operation: JSONValue {
    get throws { try JSONValue(file: Files.folder(of: #filePath) + "/Fixtures/operate.json") }
  }

  /// For a look at the page: SURGEON_DUMP_PAGES=FOLDER swift test --filter HTMLReportTests
  func dump(_ page: String, _ name: String) throws {
    guard let folder = getenv("SURGEON_DUMP_PAGES") else { return }
    try Files.makeFolder(String(cString: folder))
    try Files.write(page, to: "\(String(cString: folder))/\(name).html")
  }

  /// Every element that is opened is closed, in order; void elements aside.
  private func imbalance(_ page: String) -> String? {
    var open: [Substring] = []
    let void: Set<Substring> = ["meta", "br", "link", "img", "hr"]
    var rest = page[...]
    while let start = rest.firstIndex(of: "<") {
      rest = rest[start...].dropFirst()
      guard let end = rest.firstIndex(of: ">") else { return "unclosed tag" }
      let tag = rest[..<end]
      rest = rest[end...].dropFirst()
      if tag.hasPrefix("!") || tag.hasSuffix("/") { continue }
      let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
      if tag.hasPrefix("/") {
        if open.last != name { return "</\(name)> closes \(open.last ?? "nothing")" }
        open.removeLast()
      } else if !void.contains(name) {
        open.append(name)
        // What a script or style holds is no markup.
        if name == "script" || name == "style" {
          guard let close = rest.firstIndex(of: "<") else { return "open \(name)" }
          rest = rest[close...]
        }
      }
    }
    return open.isEmpty ? nil : "open: \(open)"
  }

  private func embedded(_ page: String) throws -> JSONValue {
    let opening = "<script type=\"application/json\" id=\"report\">"
    let parts = page.split(separator: opening)
    let text = try #require(parts.last).split(separator: "</script>")
    return try JSONValue(parsing: String(try #require(text.first)))
  }

  @Test func anOperationHasItsPage() throws {
    let report = try Self.operation
    try SchemaRegistry.validate(report)
    let page = try HTMLReport.render(report: report)
    try dump(page, "operate")
    #expect(page.utf8.count < 300_000)
    #expect(imbalance(page) == nil)
    #expect(try embedded(page) == report)
    for text in [
      "<h1>Hostile replies fall from 71.6 % to 18.9 %</h1>", "1 of 7 questions is answered with no",
      "42 of 2112", "on test", "random direction, same rows", "Figure 5.", "ablate, end of prompt",
      "surgeon operate --demo -o runs/demo --seed 0", "<mark class=\"behaviour\">smash</mark>",
      "<mark class=\"wanted\">polish</mark>", "99.87 % of what was asked for", "≤ 5.0 %", "69.7 … 77.1",
      "please bring the &lt;b&gt;basket&lt;/b&gt; &amp; the rope",
    ] {
      #expect(page.contains(text), "\(text)")
    }
  }

  @Test func nothingIsLoadedAndNothingRuns() throws {
    let page = try HTMLReport.render(report: Self.operation)
    for word in ["http:", "https:", "src=", "@import", "url(http", "<link", "onload", "javascript:"] {
      let hits = page.split(separator: word).count - 1
      // The name space of SVG is a name, not an address.
      let allowed = word == "http:" ? page.split(separator: "http://www.w3.org/2000/svg").count - 1 : 0
      #expect(hits == allowed, "\(word)")
    }
    #expect(page.contains("default-src 'none'"))
    #expect(page.split(separator: "<script").count == 2)
  }

  @Test func hostileTextsStayTexts() throws {
    var report = try Self.operation
    let attack = "</script><script>alert(1)</script><img src=x onerror=alert(1)> & \" ' \u{2028} \u{0}"
    report["results"]?["behaviour"]?["name"] = .string(attack)
    report["warnings"] = [["code": .string(attack), "message": .string(attack)]]
    report["run"]?["argv"] = .array([.string(attack)])
    report["results"]?["samples"] = [
      [
        "prompt": .string(attack), "before": .string(attack), "after": .string(attack),
        "verdict_before": .string(attack),
      ]
    ]
    report["results"]?["rows_per_block"] = [["block": 0, "rows": 1, "tensor": .string(attack)]]
    let page = try HTMLReport.render(report: report)
    #expect(!page.contains("<script>alert"))
    #expect(!page.contains("<img"))
    #expect(page.split(separator: "</script>").count == 2)
    #expect(imbalance(page) == nil)
    #expect(try embedded(page)["run"]?["argv"]?.array?[0].string == attack)
  }

  @Test func anOperationWithLittleInItHasAPageToo() throws {
    var report = try Self.operation
    let base = try #require(report["results"]?["base"]?["test"])
    report["results"] = [
      "behaviour": ["name": "rude"], "question_answers": [], "base": ["test": base],
      "chosen": ["space": "faithful", "direction": "means", "strength": 1, "rows": 3], "sweep": [],
      "controls": [],
      "test": ["edited": ["n": 10, "behaviour_rate": nil]],
    ]
    report["metrics"] = []
    report["gates"] = []
    try SchemaRegistry.validate(report)
    let page = try HTMLReport.render(report: report)
    #expect(imbalance(page) == nil)
    #expect(page.contains("Rude replies: what the edit did"))
  }

  @Test func failedAndUnfinishedRunsSaySo() throws {
    var failed = ReportEnvelope(kind: "edit.apply")
    let writer = ReportWriter(path: nil)
    #expect(throws: FileError.self) {
      try writer.record(failed) { report in
        report.results["tensors"] = [["name": "a"]]
        throw FileError.missing(path: "model/<x>.safetensors")
      }
    }
    failed.run.status = .failed
    failed.run.exitCode = .inputMissing
    failed.run.error = ErrorFacts(FileError.missing(path: "model/<x>.safetensors"))
    try SchemaRegistry.validate(failed.json)
    let page = try HTMLReport.render(report: failed.json)
    try dump(page, "failed")
    #expect(page.contains("The run failed"))
    #expect(page.contains("Error FILE_MISSING"))
    #expect(page.contains("nothing at model/&lt;x&gt;.safetensors"))
    let running = try HTMLReport.render(report: ReportEnvelope(kind: "operate").json)
    #expect(running.contains("had not ended"))
    #expect(imbalance(page) == nil && imbalance(running) == nil)
  }

  @Test func anyReportHasAPage() throws {
    var report = ReportEnvelope(
      kind: "locate", run: RunFacts(arguments: ["surgeon", "locate", "my model", "-o", "p"]))
    report.add(
      Metric(
        name: "rows", value: 42, unit: "count", n: 6, higherIsBetter: nil,
        interval: nil))
    report.add(Metric(name: "auroc", value: nil, unit: "AUROC", n: 0, reason: "one class only"))
    report.results = [
      "space": "faithful", "rows": 42, "fraction": 0.0199, "bytes": 123_456, "worst": .number(.nan),
      "rows_per_block": [
        ["block": 0, "rows": 6, "cosines": [-0.3, -0.2], "more": ["lower": 1, "upper": 2]],
        ["block": 1, "rows": 5, "extra": ["a": [1, 2, ["b": 3]]]],
      ],
      "nested": ["deep": ["deeper": ["deepest": 1]], "list": .numbers((0..<40).map(Double.init))],
      "sha256": .string(SHA256.hex("x")), "none": [], "nothing": .null,
    ]
    report.warn("TIED", "the embeddings are tied to the output")
    report.run.status = .ok
    report.run.exitCode = .done
    let page = try HTMLReport.render(report: report.json)
    try dump(page, "locate")
    #expect(imbalance(page) == nil)
    for text in [
      "&#39;my model&#39;", "Rows per block (2)", "one class only", "Warning TIED", "121 KiB", "2.0 %",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(try embedded(page)["results"]?["worst"] == .null)
  }

  @Test func aPageStaysBelowAMegabyte() throws {
    var report = try Self.operation
    let sample = try #require(report["results"]?["samples"]?.array?.first)
    report["results"]?["samples"] = .array(Array(repeating: sample, count: 5000))
    let point = try #require(report["results"]?["sweep"]?.array?.first)
    report["results"]?["sweep"] = .array(Array(repeating: point, count: 1000))
    let page = try HTMLReport.render(report: report)
    #expect(page.utf8.count < 1_000_000)
    #expect(try embedded(page)["results"]?["left_out"] != nil)
  }

  @Test func wordsThatChangedArePointedOutWithoutHits() throws {
    var report = try Self.operation
    report["results"]?["samples"] = [
      ["prompt": "p", "before": "it is foul, you oaf.", "after": "it is très splendid, you oaf."]
    ]
    let page = try HTMLReport.render(report: report)
    #expect(page.contains("it is <mark class=\"changed\">foul</mark>, you oaf."))
    #expect(
      page.contains(
        "it is <mark class=\"changed\">très</mark> <mark class=\"changed\">splendid</mark>, you oaf."))
  }

  @Test func thePageIsAFunctionOfTheReport() throws {
    #expect(try HTMLReport.render(report: Self.operation) == HTMLReport.render(report: Self.operation))
  }

  @Test func stepsHaveTheFiguresOfTheOperation() throws {
    let operation = try #require(Self.operation["results"])
    func page(_ kind: String, _ results: JSONValue) throws -> String {
      var report = ReportEnvelope(kind: kind)
      report.results = results
      report.run.status = .ok
      report.run.exitCode = .done
      try SchemaRegistry.validate(report.json)
      let page = try HTMLReport.render(report: report.json)
      #expect(imbalance(page) == nil)
      return page
    }
    let sweep = try page(
      "sweep",
      ["base": operation["base"]?["validation"] ?? .null, "points": operation["sweep"] ?? [], "chosen": 3])
    #expect(sweep.contains("Effect against damage") && sweep.contains(">chosen<"))
    #expect(!sweep.contains(">on test<"))
    let probes = try page(
      "probe.train",
      [
        "behaviour": "hostile", "chosen": ["site": "final_norm"],
        "probes": [
          [
            "kind": "means", "site": "blocks.0.output", "auroc": 0.7,
            "interval": ["lower": 0.6, "upper": 0.8],
          ],
          ["kind": "means", "site": "final_norm", "auroc": 0.9],
          ["kind": "logistic", "site": "final_norm", "auroc": 0.95],
        ],
      ])
    #expect(probes.contains("tells hostile from other texts. Bands are"))
    let rows = try page(
      "locate", ["space": "faithful", "rows": 42, "rows_per_block": operation["rows_per_block"] ?? []])
    #expect(rows.contains("Rows changed in each block"))
    #expect(
      !(try page("sweep", ["base": ["n": 1, "behaviour_rate": 0.5], "points": []])).contains("<figure"))
  }

  @Test func samplesThatDidWhatWasMeantComeFirst() throws {
    var report = try Self.operation
    func sample(_ before: String, _ after: String, _ number: Int) -> JSONValue {
      [
        "prompt": .string("prompt \(before) \(after) \(number)"), "before": "a", "after": "b",
        "verdict_before": .string(before), "verdict_after": .string(after),
      ]
    }
    report["results"]?["samples"] = .array(
      (0..<4).flatMap { number in
        [
          sample("broken", "broken", number), sample("hostile", "mixed", number),
          sample("wanted", "broken", number),
          sample("behaviour", "civil", number),
        ]
      })
    let page = try HTMLReport.render(report: report)
    let parts = page.split(separator: "<p class=\"prompt\">").dropFirst().map { $0.prefix { $0 != "<" } }
    #expect(
      parts.prefix(8) == [
        "prompt behaviour civil 0", "prompt behaviour civil 1", "prompt hostile mixed 0",
        "prompt hostile mixed 1",
        "prompt wanted broken 0", "prompt wanted broken 1", "prompt broken broken 0",
        "prompt broken broken 1",
      ])
    #expect(parts.count == 16)
    #expect(page.contains("<summary>8 more</summary>"))
  }
}

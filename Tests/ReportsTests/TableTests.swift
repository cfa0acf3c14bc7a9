import JSON
import Reports
import Statistics
import Testing

@Suite struct TableTests {
  private var table: Table {
    var table = Table([
      .init("Block", numeric: true), .init("Role"), .init("Norm (L2)", numeric: true),
      .init("Share", numeric: true),
    ])
    table.add([.count(0), .text("mlp.gate"), .number(1.0 / 3), .percent(0.0465)])
    table.add([.count(12_345), .text("a|b, \"c\""), .number(.infinity), .percent(nil)])
    table.add([.count(nil), .text("日本語 é")])
    return table
  }

  @Test func boxesMarkdownCSVAndJSON() throws {
    var all = ""
    for (format, terminal) in [
      (TableFormat.table, true), (.table, false), (.md, true), (.csv, true), (.json, false),
    ] {
      all += "== \(format) \(terminal ? "terminal" : "pipe")\n" + (try table.text(format, terminal: terminal))
    }
    try Golden.check(all, "tables.txt")
  }

  @Test func widthsCountColumnsOfATerminal() {
    #expect(TerminalText.width("abc") == 3)
    #expect(TerminalText.width("日本") == 4)
    #expect(TerminalText.width("e\u{301}") == 1)
    #expect(TerminalText.width("🙂") == 2)
    #expect(TerminalText.cut("日本語", to: 5) == "日本…")
    #expect(TerminalText.cut("abc", to: 3) == "abc")
  }

  @Test func longTextsGoOnInTheNextLine() {
    #expect(TerminalText.lines("one two three", width: 7) == ["one two", "three"])
    #expect(TerminalText.lines("one", width: 7) == ["one"])
    #expect(TerminalText.lines("extraordinarily so", width: 7) == ["extraordinarily", "so"])
    var table = Table([.init("Name"), .init("Summary")])
    table.add([.text("a"), .text(Array(repeating: "words", count: 40).joined(separator: " "))])
    let lines = table.box().split(separator: "\n")
    #expect(lines.count == 4 + 4)  // frame and heading, and the words in four lines
    #expect(Set(lines.map { TerminalText.width(String($0)) }).count == 1)
    #expect(lines.allSatisfy { TerminalText.width(String($0)) < 100 })
  }

  @Test func metricsWithABase() throws {
    let metrics = [
      Metric(
        name: "behaviour_rate", value: 0.189, unit: "fraction", n: 960, higherIsBetter: false,
        interval: Interval(lower: 0.165, upper: 0.215, level: 0.95, method: "wilson")),
      Metric(name: "perplexity", value: 2.784, unit: "perplexity", n: 200, higherIsBetter: false),
      Metric(name: "auroc", value: nil, unit: "AUROC", n: 0, reason: "one class only"),
    ]
    let base = [Metric(name: "behaviour_rate", value: 0.716, unit: "fraction", n: 960, higherIsBetter: false)]
    try Golden.check(Table(metrics: metrics, base: base).markdown(), "metric-table.md")
  }

  @Test func formatsAreKnownByName() throws {
    #expect(try TableFormat(named: "csv") == .csv)
    let error = #expect(throws: ReportError.self) { try TableFormat(named: "jsn") }
    #expect(error?.suggestion == "did you mean json?")
  }
}

import JSON
import Runtime

extension HTMLReport {
  /// Most rows of a table that a page shows; the data hold them all.
  static let shownRows = 200
  /// Largest embedded data in bytes; larger ones are left to the report's own file.
  static let embeddedBytes = 500_000

  /// The page's text.
  /// - Throws: ``JSONError`` where the data hold a number that JSON cannot say.
  public func html() throws -> String {
    var page = Page()
    page += """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <title>\(escaped(title))</title>
      <style>
      \(HTMLStyle.css)</style>
      </head>
      <body>
      <header>
      <p class="kicker">\(escaped(kicker))</p>
      <h1>\(escaped(title))</h1>

      """
    if !subtitle.isEmpty { page += "<p class=\"subtitle\">\(escaped(subtitle))</p>\n" }
    if let verdict {
      page +=
        "<p class=\"verdict \(verdict.tone.rawValue)\"><span aria-hidden=\"true\">\(mark(verdict.tone))</span> "
      page += "\(escaped(verdict.text))</p>\n"
    }
    for block in top { page.write(block) }
    page += "</header>\n"
    let anchors = sections.indices.map { "s\($0 + 1)" }
    if sections.count > 2 {
      page += "<nav aria-label=\"Sections\">"
      for (anchor, section) in zip(anchors, sections) {
        page += "<a href=\"#\(anchor)\">\(escaped(section.short))</a> "
      }
      page += "</nav>\n"
    }
    page += "<main>\n"
    for (anchor, section) in zip(anchors, sections) {
      page += "<section id=\"\(anchor)\" aria-labelledby=\"\(anchor)-h\">\n"
      page += "<h2 id=\"\(anchor)-h\">\(escaped(section.title))</h2>\n"
      if !section.lead.isEmpty { page += "<p class=\"lead\">\(escaped(section.lead))</p>\n" }
      for block in section.blocks { page.write(block) }
      page += "</section>\n"
    }
    page += "</main>\n"
    if let data {
      var text = try embedded(data)
      var note =
        "The whole report is inside this page, as JSON in the element with the id <code>report</code>."
      if text.utf8.count > Self.embeddedBytes {
        var short = data
        short["results"] = ["left_out": "too large for this page; see the report's own file"]
        text = try embedded(short)
        note = "The results are too large to be inside this page: they are in the report's own file."
      }
      page += "<footer><p>\(note) Nothing is loaded from anywhere, and no script runs.</p></footer>\n"
      page += "<script type=\"application/json\" id=\"report\">\(text)</script>\n"
    }
    page += "</body>\n</html>\n"
    return page.text
  }

  private func mark(_ tone: Tone) -> String { tone == .good ? "✓" : tone == .bad ? "✗" : "…" }

  /// JSON that nothing inside can end: no `<`, `>` or `&` is left bare.
  private func embedded(_ data: JSONValue) throws -> String {
    var text = ""
    for scalar in try data.withFiniteNumbers().text().unicodeScalars {
      switch scalar {
      case "<": text += "\\u003c"
      case ">": text += "\\u003e"
      case "&": text += "\\u0026"
      case "\u{2028}": text += "\\u2028"
      case "\u{2029}": text += "\\u2029"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// A text made safe for a page.
private func escaped(_ text: String) -> String { Markup.escaped(text) }

/// A page while it is written; knows how many figures it has.
private struct Page {
  var text = ""
  var figures = 0

  static func += (page: inout Page, text: String) { page.text += text }

  mutating func write(_ block: HTMLReport.Block) {
    switch block {
    case .paragraph(let words): text += "<p>\(escaped(words))</p>\n"
    case .heading(let words): text += "<h3>\(escaped(words))</h3>\n"
    case .cards(let cards): write(cards)
    case .answers(let answers): write(answers)
    case .figure(let figure): write(figure)
    case .table(let table, let strong): write(table, strong: strong)
    case .pairs(let pairs): for pair in pairs { write(pair) }
    case .definitions(let list):
      text += "<dl>\n"
      for item in list { text += "<div><dt>\(escaped(item.name))</dt><dd>\(escaped(item.text))</dd></div>\n" }
      text += "</dl>\n"
    case .notice(let tone, let title, let words):
      text += "<div class=\"notice \(tone.rawValue)\"><p class=\"t\">\(escaped(title))</p>"
      for line in words.split(separator: "\n") { text += "<p>\(escaped(String(line)))</p>" }
      text += "</div>\n"
    case .code(let words): text += "<pre><code>\(escaped(words))</code></pre>\n"
    case .folded(let title, let blocks):
      text += "<details><summary>\(escaped(title))</summary>\n"
      for block in blocks { write(block) }
      text += "</details>\n"
    }
  }

  private mutating func write(_ cards: [HTMLReport.Card]) {
    text += "<div class=\"cards\">\n"
    for card in cards {
      text += "<div class=\"card\"><p class=\"l\">\(escaped(card.label))</p><p class=\"v\">"
      if let before = card.before {
        text += "<span class=\"was\">\(escaped(before))</span> <span class=\"to\" aria-label=\"to\">→</span> "
      }
      text += "<span>\(escaped(card.value))</span></p>"
      if !card.detail.isEmpty { text += "<p class=\"d\">\(escaped(card.detail))</p>" }
      text += "</div>\n"
    }
    text += "</div>\n"
  }

  private mutating func write(_ answers: [HTMLReport.Answer]) {
    let hasNumbers = answers.contains { !$0.measured.isEmpty || !$0.asked.isEmpty }
    text += "<div class=\"scroll\"><table class=\"answers\">\n"
    if hasNumbers {
      text +=
        "<thead><tr><th scope=\"col\"><span class=\"quiet\">Answer</span></th><th scope=\"col\">Question</th>"
      text +=
        "<th scope=\"col\" class=\"n\">Measured</th><th scope=\"col\" class=\"n\">Asked</th></tr></thead>\n"
    }
    text += "<tbody>\n"
    for answer in answers {
      let (tone, mark, word) =
        switch answer.passed {
        case true?: ("good", "✓", "yes")
        case false?: ("bad", "✗", "no")
        case nil: ("open", "–", "measured")
        }
      text += "<tr><td><span class=\"mark \(tone)\" aria-hidden=\"true\">\(mark)</span>"
      text += "<span class=\"quiet\">\(word)</span></td><td>\(escaped(answer.question))"
      if !answer.detail.isEmpty { text += "<span class=\"d\">\(escaped(answer.detail))</span>" }
      text += "</td>"
      if hasNumbers {
        text +=
          "<td class=\"n\">\(quieter(answer.measured))</td><td class=\"n\">\(escaped(answer.asked))</td>"
      }
      text += "</tr>\n"
    }
    text += "</tbody></table></div>\n"
  }

  private mutating func write(_ figure: HTMLReport.Figure) {
    figures += 1
    text += "<figure id=\"figure-\(figures)\">\n"
    if figure.sharesLegend, let first = figure.charts.first as? ScatterChart {
      text += "<ul class=\"legend\">\n"
      for entry in first.legendEntries { text += "<li>\(entry.svg) \(escaped(entry.name))</li>\n" }
      text += "</ul>\n"
    }
    text += "<div class=\"charts\(figure.charts.count > 1 ? " many" : "")\">\n"
    for (index, chart) in figure.charts.enumerated() {
      text += chart.svg(standalone: false, id: "c\(figures)-\(index + 1)")
    }
    text += "</div>\n<figcaption><b>Figure \(figures).</b> \(escaped(figure.caption))</figcaption>\n"
    text += "<details><summary>The numbers</summary>\n"
    for table in figure.tables ?? figure.charts.map(\.table) { write(table, strong: []) }
    text += "</details>\n</figure>\n"
  }

  private mutating func write(_ table: Table, strong: Set<Int>) {
    text += "<div class=\"scroll\"><table>\n"
    if let title = table.title { text += "<caption>\(escaped(title))</caption>\n" }
    text += "<thead><tr>"
    for column in table.columns {
      text += "<th scope=\"col\"\(column.isNumeric ? " class=\"n\"" : "")>\(escaped(column.title))</th>"
    }
    text += "</tr></thead>\n<tbody>\n"
    for (index, row) in table.rows.prefix(HTMLReport.shownRows).enumerated() {
      text += strong.contains(index) ? "<tr class=\"strong\">" : "<tr>"
      for (column, cell) in zip(table.columns, row) {
        let whole = cell.text.hasSuffix("…") ? cell.value.string : nil
        let tip = whole.map { " title=\"\(escaped($0))\"" } ?? ""
        text += "<td\(column.isNumeric ? " class=\"n\"" : "")\(tip)>\(quieter(cell.text))</td>"
      }
      text += "</tr>\n"
    }
    text += "</tbody></table></div>\n"
    let rest = table.rows.count - HTMLReport.shownRows
    if rest > 0 { text += "<p class=\"d\">and \(rest) more rows in the data of this page</p>\n" }
  }

  private mutating func write(_ pair: HTMLReport.Pair) {
    text += "<article class=\"pair\"><p class=\"prompt\">"
    if !pair.note.isEmpty { text += "<span class=\"chip\">\(escaped(pair.note))</span> " }
    text += "\(escaped(pair.prompt))</p>\n<div class=\"sides\">"
    for (label, side) in [("before", pair.before), ("after", pair.after)] {
      text += "<div class=\"side\"><p class=\"l\">\(label)"
      if !side.verdict.isEmpty {
        text += " <span class=\"chip \(verdictClass(side.verdictKind))\">\(escaped(side.verdict))</span>"
      }
      text += "</p><p class=\"reply\">\(marked(side))</p></div>"
    }
    text += "</div></article>\n"
  }

  /// A text whose second line is said more quietly.
  private func quieter(_ text: String) -> String {
    let lines = text.split(separator: "\n", maxSplits: 1).map { escaped(String($0)) }
    return (lines.first ?? "") + (lines.count > 1 ? "<span class=\"d\">\(lines[1])</span>" : "")
  }

  private func verdictClass(_ kind: String) -> String {
    ["behaviour", "wanted", "mixed"].contains(kind) ? kind : ""
  }

  /// The text with its highlights; those that overlap or do not fall between characters are passed over.
  private func marked(_ side: HTMLReport.JudgedText) -> String {
    let bytes = Array(side.text.utf8)
    func piece(_ range: Range<Int>) -> String { escaped(String(decoding: bytes[range], as: UTF8.self)) }
    func isBoundary(_ offset: Int) -> Bool { offset == bytes.count || bytes[offset] & 0xC0 != 0x80 }
    var result = ""
    // A reply that follows a name begins with a space that nobody wants to see.
    var position = bytes.firstIndex { $0 != 32 && $0 != 10 } ?? 0
    for highlight in side.highlights.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      let range = highlight.range
      guard range.lowerBound >= position, range.upperBound <= bytes.count, !range.isEmpty,
        isBoundary(range.lowerBound), isBoundary(range.upperBound)
      else { continue }
      let kind = ["behaviour", "wanted", "changed"].contains(highlight.kind) ? highlight.kind : "changed"
      result += piece(position..<range.lowerBound) + "<mark class=\"\(kind)\">\(piece(range))</mark>"
      position = range.upperBound
    }
    return result + piece(position..<bytes.count)
  }
}

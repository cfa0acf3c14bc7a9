import JSON
import OrderedCollections
import Runtime

extension HTMLReport {
  /// The page of a report of any kind: everything it holds, in the order in which a reader asks.
  static func generic(_ report: JSONValue) -> HTMLReport {
    let parts = ReportSections(report: report)
    let kind = report["kind"]?.string ?? "report"
    var results = GenericResults()
    results.write(report["results"] ?? .null, depth: 0)
    let measured = [parts.metricsSection, parts.gatesSection].compactMap { $0 }
    // A study has more numbers than a reader can begin with.
    let opening = StudySections(report: report).sections
    var sections = opening.isEmpty ? measured : opening
    let answers = KindFigures(report: report).answers
    if !answers.isEmpty { sections.append(Section("Questions", [.answers(answers)])) }
    let figures = KindFigures(report: report).figures
    if !figures.isEmpty { sections.append(Section("Figures", figures.map { .figure($0) })) }
    if !opening.isEmpty { sections += measured }
    if !results.blocks.isEmpty { sections.append(Section("Results", results.blocks)) }
    sections.append(parts.provenanceSection)
    let title = SchemaRegistry.summary(kind) ?? ReportSections.sentence(ReportSections.words(kind))
    return HTMLReport(
      kicker: parts.kicker, title: title, subtitle: parts.subtitle, verdict: parts.verdict,
      top: parts.errors + parts.warnings, sections: sections, data: report)
  }
}

/// Any JSON as blocks: single values as a list of names, lists of objects as tables, objects as parts of their own.
private struct GenericResults {
  var blocks: [HTMLReport.Block] = []

  mutating func write(_ value: JSONValue, depth: Int) {
    guard let members = value.object else { return }
    var single: [(name: String, text: String)] = []
    for (key, value) in members {
      if let text = Self.brief(value, key: key) {
        single.append((ReportSections.sentence(ReportSections.words(key)), text))
      }
    }
    if !single.isEmpty { blocks.append(.definitions(single)) }
    for (key, value) in members where Self.brief(value, key: key) == nil {
      let heading = ReportSections.sentence(ReportSections.words(key))
      if let list = value.array, list.allSatisfy({ $0.object == nil && $0.array == nil }) {
        let words = list.prefix(2000).compactMap { Self.brief($0, key: key) }.joined(separator: ", ")
        let rest = list.count > 2000 ? " … and \(list.count - 2000) more in the data of this page" : ""
        blocks.append(.folded("\(heading) (\(list.count))", [.paragraph(words + rest)]))
      } else if let list = value.array, let table = Self.table(list) {
        blocks += [.heading("\(heading) (\(list.count))"), .table(table)]
      } else if value.object != nil, depth < 2 {
        blocks.append(.heading(heading))
        write(value, depth: depth + 1)
      } else {
        blocks.append(.folded(heading, [.code((try? value.withFiniteNumbers().text(.pretty)) ?? "")]))
      }
    }
  }

  /// A value in a line, nil for one that needs more.
  static func brief(_ value: JSONValue, key: String) -> String? {
    switch value {
    case .null: return "–"
    case .bool(let value): return value ? "yes" : "no"
    case .int(let value):
      return key.hasSuffix("bytes") && value >= 0 ? Format.bytes(UInt64(value)) : Format.count(Int(value))
    case .number(let value):
      if key.hasSuffix("seconds") { return Format.seconds(value) }
      let isShare =
        (key.hasSuffix("rate") && key != "learning_rate") || key.hasSuffix("fraction")
        || key.hasSuffix("accuracy")
        || key.hasSuffix("agreement")
      return isShare && (0...1).contains(value) ? Format.percent(value) : Format.significant(value, 5)
    case .string(let value):
      return value.utf8.count == 64 && value.allSatisfy(\.isHexDigit) ? value.prefix(12) + "…" : value
    case .array(let values):
      if values.isEmpty { return "none" }
      let parts = values.prefix(13).map { $0.object == nil && $0.array == nil ? brief($0, key: key) : nil }
      guard values.count <= 12, parts.allSatisfy({ $0 != nil }) else { return nil }
      return parts.compactMap { $0 }.joined(separator: ", ")
    case .object(let members):
      if members.isEmpty { return "none" }
      // A share of two ends is an interval.
      guard members.count <= 4, let lower = members["lower"]?.double, let upper = members["upper"]?.double
      else {
        return nil
      }
      return "\(Format.significant(lower, 4)) … \(Format.significant(upper, 4))"
    }
  }

  /// A list of objects as a table over all their keys; other lists as one of a single column.
  static func table(_ list: [JSONValue]) -> Table? {
    var keys: OrderedSet<String> = []
    for element in list { keys.formUnion(element.object?.keys ?? []) }
    let isObjects = list.allSatisfy { $0.object != nil }
    if !isObjects { keys = ["value"] }
    guard !keys.isEmpty, keys.count <= 24 else { return nil }
    func value(_ element: JSONValue, _ key: String) -> JSONValue? { isObjects ? element[key] : element }
    var table = Table(
      keys.map { key in
        let isNumeric = list.allSatisfy { element in
          value(element, key).map { $0.double != nil || $0.isNull } ?? true
        }
        return Table.Column(ReportSections.sentence(ReportSections.words(key)), key: key, numeric: isNumeric)
      })
    for element in list {
      table.add(
        keys.map { key in
          guard let member = value(element, key) else { return Table.Cell("", value: .null) }
          let text =
            brief(member, key: key)
            ?? TerminalText.cut((try? member.withFiniteNumbers().text()) ?? "", to: 80)
          return Table.Cell(text, value: member)
        })
    }
    return table
  }
}

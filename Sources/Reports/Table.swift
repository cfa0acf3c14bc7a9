import JSON
import OrderedCollections
import Runtime

/// How a table is printed.
public enum TableFormat: String, Sendable, CaseIterable {
  /// Box drawing on a terminal, Markdown anywhere else.
  case table
  /// Markdown.
  case md
  /// Comma-separated values with all digits.
  case csv
  /// A list of objects with all digits.
  case json

  /// Reads a `--format`.
  /// - Throws: ``ReportError/unknownName(what:name:known:)``.
  public init(named name: String) throws {
    guard let format = TableFormat(rawValue: name) else {
      throw ReportError.unknownName(what: "format", name: name, known: Self.allCases.map(\.rawValue))
    }
    self = format
  }
}

/// Rows and columns: shown rounded to people, given whole to programs.
public struct Table: Sendable, Equatable {
  /// One column.
  public struct Column: Sendable, Equatable {
    /// The heading people read.
    public var title: String
    /// The key in CSV and JSON.
    public var key: String
    /// Whether the cells stand at the right, as numbers do.
    public var isNumeric: Bool

    /// One column; the key is the title in snake case where none is given.
    public init(_ title: String, key: String? = nil, numeric: Bool = false) {
      self.title = title
      self.key = key ?? Column.snake(title)
      isNumeric = numeric
    }

    private static func snake(_ title: String) -> String {
      var key = ""
      for character in title.lowercased() {
        if character.isLetter || character.isNumber {
          key.append(character)
        } else if !key.isEmpty, key.last != "_" {
          key.append("_")
        }
      }
      while key.last == "_" { key.removeLast() }
      return key
    }
  }

  /// One cell: what people see, and the value behind it.
  public struct Cell: Sendable, Equatable {
    /// What is shown.
    public var text: String
    /// What CSV and JSON get.
    public var value: JSONValue

    /// A cell whose text is not simply its value.
    public init(_ text: String, value: JSONValue) {
      self.text = text
      self.value = value
    }

    /// A text.
    public static func text(_ text: String?) -> Cell { Cell(text ?? "–", value: .optional(text)) }
    /// A whole number.
    public static func count(_ value: Int?) -> Cell {
      Cell(value.map(Format.count) ?? "–", value: .optional(value))
    }
    /// A number with digits behind the point.
    public static func fixed(_ value: Double?, _ digits: Int) -> Cell {
      Cell(value.map { Format.fixed($0, digits) } ?? "–", value: .optional(value))
    }
    /// A number with significant digits.
    public static func number(_ value: Double?, _ digits: Int = 4) -> Cell {
      Cell(value.map { Format.significant($0, digits) } ?? "–", value: .optional(value))
    }
    /// A fraction shown as percent.
    public static func percent(_ value: Double?, _ digits: Int = 1) -> Cell {
      Cell(value.map { Format.percent($0, digits) } ?? "–", value: .optional(value))
    }
    /// A number of bytes.
    public static func bytes(_ value: UInt64?) -> Cell {
      Cell(value.map(Format.bytes) ?? "–", value: .optional(value))
    }
    /// A length of time in seconds.
    public static func seconds(_ value: Double?) -> Cell {
      Cell(value.map(Format.seconds) ?? "–", value: .optional(value))
    }
    /// Yes or no.
    public static func flag(_ value: Bool?) -> Cell {
      Cell(value.map { $0 ? "yes" : "no" } ?? "–", value: value.map(JSONValue.bool) ?? .null)
    }
  }

  /// The columns.
  public var columns: [Column]
  /// The rows; one with too few cells is filled with empty ones.
  public private(set) var rows: [[Cell]] = []
  /// One line above the table on terminals and in Markdown.
  public var title: String?

  /// A table without rows.
  public init(_ columns: [Column], title: String? = nil) {
    self.columns = columns
    self.title = title
  }

  /// Adds a row.
  public mutating func add(_ cells: [Cell]) {
    precondition(cells.count <= columns.count, "a row has more cells than the table has columns")
    rows.append(cells + Array(repeating: Cell("", value: .null), count: columns.count - cells.count))
  }

  /// The table as text, ending with a line end; `terminal` says whether a person looks at it (`isatty` of the
  /// descriptor it goes to).
  /// - Throws: ``JSONError`` for a cell that JSON cannot say, which there is none.
  public func text(_ format: TableFormat, terminal: Bool) throws -> String {
    switch format {
    case .table: terminal ? box() : markdown()
    case .md: markdown()
    case .csv: csv()
    case .json: try json.text(.pretty) + "\n"
    }
  }

  /// The rows as a list of objects.
  public var json: JSONValue {
    .array(
      rows.map { row in
        var object = JSONValue.object([:])
        for (column, cell) in zip(columns, row) { object[column.key] = cell.value.withFiniteNumbers() }
        return object
      })
  }

  /// Comma-separated values (RFC 4180 quoting, lines ended by `\n`).
  public func csv() -> String {
    func field(_ text: String) -> String {
      guard
        text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) || text.hasPrefix(" ")
      else { return text }
      return "\"" + text.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
    }
    func value(_ value: JSONValue) -> String {
      switch value {
      case .null: ""
      case .bool(let value): value ? "true" : "false"
      case .int(let value): String(value)
      case .number(let value): value.isFinite ? value.description : ""
      case .string(let value): value
      default: (try? value.withFiniteNumbers().text()) ?? ""
      }
    }
    var text = columns.map { field($0.key) }.joined(separator: ",") + "\n"
    for row in rows { text += row.map { field(value($0.value)) }.joined(separator: ",") + "\n" }
    return text
  }

  /// Markdown, with the columns aligned for those who read it as text.
  public func markdown() -> String {
    func escaped(_ text: String) -> String {
      var result = ""
      for character in text {
        switch character {
        case "|": result += "\\|"
        case "\n", "\r\n": result += "<br>"
        default: result.append(character)
        }
      }
      return result
    }
    let (head, body, widths) = layout(escaped, least: 3)
    func line(_ cells: [String]) -> String {
      "|" + cells.indices.map { " " + padded(cells[$0], widths[$0], $0) + " |" }.joined() + "\n"
    }
    var text = title.map { "\($0)\n\n" } ?? ""
    text += line(head)
    text +=
      "|"
      + columns.indices.map { column in
        let dashes = String(repeating: "-", count: widths[column] + 1)
        return (columns[column].isNumeric ? dashes + ":" : ":" + dashes) + "|"
      }.joined() + "\n"
    for row in body { text += line(row) }
    return text
  }

  /// Box drawing.
  public func box() -> String {
    let (head, body, widths) = layout({ $0.split(separator: "\n").joined(separator: " ") }, least: 1)
    func rule(_ left: String, _ middle: String, _ right: String) -> String {
      left + widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: middle) + right + "\n"
    }
    func line(_ cells: [String]) -> String {
      "│" + cells.indices.map { " " + padded(cells[$0], widths[$0], $0) + " │" }.joined() + "\n"
    }
    var text = title.map { "\($0)\n" } ?? ""
    text += rule("┌", "┬", "┐") + line(head) + rule("├", "┼", "┤")
    for row in body {
      let wrapped = row.indices.map { TerminalText.lines(row[$0], width: widths[$0]) }
      for index in 0..<(wrapped.map(\.count).max() ?? 0) {
        text += line(wrapped.map { index < $0.count ? $0[index] : "" })
      }
    }
    return text + rule("└", "┴", "┘")
  }

  /// Texts wider than this are padded no further in Markdown and go on in the next line on a terminal.
  private static let mostWidth = 80

  private func layout(_ clean: (String) -> String, least: Int) -> ([String], [[String]], [Int]) {
    let head = columns.map { clean($0.title) }
    let body = rows.map { $0.map { clean($0.text) } }
    var widths = head.map { max(least, TerminalText.width($0)) }
    for row in body {
      for column in row.indices {
        widths[column] = max(widths[column], min(Self.mostWidth, TerminalText.width(row[column])))
      }
    }
    return (head, body, widths)
  }

  private func padded(_ text: String, _ width: Int, _ column: Int) -> String {
    let gap = String(repeating: " ", count: max(0, width - TerminalText.width(text)))
    return columns[column].isNumeric ? gap + text : text + gap
  }
}

/// How wide texts are on a terminal.
public enum TerminalText {
  /// Columns a text takes: wide East Asian letters and emoji two, marks that join none.
  public static func width(_ text: String) -> Int {
    text.reduce(0) { $0 + width($1) }
  }

  private static func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.isASCII { return first.value < 32 || first.value == 127 ? 0 : 1 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// The text in lines of at most a width, broken at spaces; a longer word has a line of its own.
  public static func lines(_ text: String, width: Int) -> [String] {
    guard self.width(text) > width else { return [text] }
    var lines: [String] = []
    var current = ""
    for word in text.split(separator: " ") {
      if !current.isEmpty, self.width(current) + 1 + self.width(String(word)) > width {
        lines.append(current)
        current = ""
      }
      current += current.isEmpty ? String(word) : " " + word
    }
    return lines + [current]
  }

  /// The text cut to a width, with `…` in place of what is left out.
  public static func cut(_ text: String, to width: Int) -> String {
    guard self.width(text) > width else { return text }
    var result = ""
    var used = 0
    for character in text {
      let next = self.width(character)
      if used + next > width - 1 { break }
      result.append(character)
      used += next
    }
    return width > 0 ? result + "…" : ""
  }
}

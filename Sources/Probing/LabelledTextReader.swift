import JSON
import Runtime
import Tokenizers

/// Reads labelled texts: JSON Lines, a JSON list, CSV, tab-separated lines, or one file a class.
public struct LabelledTextReader: Sendable {
  /// The field (or column) of the text.
  public var textKey = "text"
  /// The field of a chat's messages.
  public var messagesKey = "messages"
  /// The field of the label.
  public var labelKey = "label"
  /// The field of the group; used where present.
  public var groupKey = "group"
  /// The field of the prompt; used where present.
  public var promptKey = "prompt"
  /// The field of the split; used where present.
  public var splitKey = "split"
  /// The field of the example's name; used where present.
  public var idKey = "id"
  /// The label that means 1, where labels are words.
  public var positiveClass: String?
  /// The label that means 0; nil: any other word.
  public var negativeClass: String?
  /// Whether the first line of a table names its columns; otherwise they are called 1, 2, …
  public var hasHeader = true
  /// What is done with a text that occurs twice.
  public var duplicates: DuplicateRule = .group

  /// A reader with the standard field names.
  public init() {}

  /// Reads one file whose examples carry labels, by its ending: `.csv`, `.tsv`, else JSON Lines or a JSON list.
  /// - Throws: ``ProbingError``, ``FileError``.
  public func read(_ path: String) throws -> LabelledTexts {
    let bytes = try Files.read(path)
    let lower = path.lowercased()
    let texts: [LabelledText]
    if lower.hasSuffix(".csv") {
      texts = try table(bytes, CSVReader.records(bytes, file: path), path)
    } else if lower.hasSuffix(".tsv") || lower.hasSuffix(".tab") {
      texts = try table(
        bytes, CSVReader.records(bytes, delimiter: UInt8(ascii: "\t"), quoting: false, file: path), path)
    } else {
      texts = try values(bytes, path).map { try example($0.value, file: path, line: $0.line, label: nil) }
    }
    return try LabelledTexts(
      texts, classNames: classNames, sources: [source(path, bytes, texts.count)], duplicates: duplicates)
  }

  /// Reads one file of each class: JSON Lines (labels in them are not looked at) or plain lines.
  /// - Throws: ``ProbingError``, ``FileError``.
  public func read(positive: String, negative: String) throws -> LabelledTexts {
    var texts: [LabelledText] = []
    var sources: [TextSource] = []
    for (path, label) in [(positive, 1), (negative, 0)] {
      let bytes = try Files.read(path)
      let lower = path.lowercased()
      let isJSON = [".jsonl", ".ndjson", ".json"].contains { lower.hasSuffix($0) }
      let part: [LabelledText] =
        if isJSON {
          try values(bytes, path).map { try example($0.value, file: path, line: $0.line, label: label) }
        } else {
          try lines(bytes, path).map { line in
            LabelledText(id: "\(Files.name(of: path)):\(line.number)", text: line.text, label: label)
          }
        }
      texts += part
      sources.append(source(path, bytes, part.count))
    }
    return try LabelledTexts(texts, classNames: classNames, sources: sources, duplicates: duplicates)
  }

  private var classNames: [String] {
    [negativeClass ?? positiveClass.map { "not \($0)" } ?? "0", positiveClass ?? "1"]
  }

  private func source(_ path: String, _ bytes: [UInt8], _ count: Int) -> TextSource {
    TextSource(path: path, sha256: SHA256.hex(bytes), count: count)
  }

  /// The lines that hold anything, numbered from 1, without a byte order mark and carriage returns.
  private func lines(_ bytes: [UInt8], _ path: String) throws -> [(number: Int, text: String)] {
    let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    var result: [(number: Int, text: String)] = []
    for (index, line) in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      let trimmed = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      guard let text = String(validating: trimmed, as: UTF8.self) else {
        throw ProbingError.badLine(
          file: path, line: index + 1, problem: "bytes that are no UTF-8", expected: "text in UTF-8")
      }
      if !text.unicodeScalars.allSatisfy(\.properties.isWhitespace) { result.append((index + 1, text)) }
    }
    return result
  }

  /// One JSON value a line, or the elements of a list (numbered by their place).
  private func values(_ bytes: [UInt8], _ path: String) throws -> [(line: Int, value: JSONValue)] {
    let isSpace: (UInt8) -> Bool = { $0 == 32 || (9...13).contains($0) }
    if bytes.first(where: { !isSpace($0) && ![0xEF, 0xBB, 0xBF].contains($0) }) == UInt8(ascii: "["),
      let list = try? JSONValue(parsing: bytes, source: path).array
    {
      return list.enumerated().map { ($0 + 1, $1) }
    }
    return try lines(bytes, path).map { line in
      do {
        return (line.number, try JSONValue(parsing: line.text, source: path))
      } catch JSONError.syntax(_, let offset, let reason) {
        throw ProbingError.badLine(
          file: path, line: line.number, problem: "no JSON at byte \(offset) of the line: \(reason)",
          expected: "one JSON object a line")
      }
    }
  }

  private func example(_ value: JSONValue, file: String, line: Int, label: Int?) throws -> LabelledText {
    guard value.object != nil else {
      throw ProbingError.badLine(
        file: file, line: line, problem: "JSON that is no object",
        expected: "an object with \(textKey) (or \(messagesKey)) and \(labelKey)")
    }
    var result = LabelledText(id: name(value[idKey], file, line), label: 0)
    if let messages = value[messagesKey], !messages.isNull {
      result.chat = try chat(value, file: file, line: line)
    } else {
      guard let text = value[textKey]?.string else {
        throw ProbingError.badLine(
          file: file, line: line,
          problem: value[textKey] == nil ? "no \(textKey)" : "a \(textKey) that is no text",
          expected: "\(textKey) as a text, or \(messagesKey) as a list")
      }
      result.text = text
    }
    if let prompt = value[promptKey], !prompt.isNull {
      guard let prompt = prompt.string else {
        throw ProbingError.badLine(
          file: file, line: line, problem: "a \(promptKey) that is no text",
          expected: "\(promptKey) as a text")
      }
      result.prompt = prompt
    }
    if result.identity.isEmpty || result.text.map({ $0.allSatisfy(\.isWhitespace) }) == true {
      throw ProbingError.emptyText(file: file, line: line)
    }
    if let group = value[groupKey], !group.isNull { result.group = word(group) }
    if let split = value[splitKey], !split.isNull { result.split = try part(word(split), file, line) }
    if let label {
      result.label = label
    } else {
      guard let given = value[labelKey], !given.isNull else {
        throw ProbingError.missingLabel(file: file, line: line, key: labelKey)
      }
      result.label = try self.label(word(given), file, line)
    }
    return result
  }

  private func chat(_ value: JSONValue, file: String, line: Int) throws -> Chat {
    let chat: Chat
    do {
      chat = try Chat(json: value, key: messagesKey)
    } catch let error as ChatTemplateError {
      throw ProbingError.badLine(
        file: file, line: line, problem: "\(messagesKey) that is no chat: \(error.found)",
        expected: "a list of objects with role and content, and a list of tools where there are any")
    }
    if chat.messages.allSatisfy({ $0.content.allSatisfy(\.isWhitespace) }) {
      throw ProbingError.emptyText(file: file, line: line)
    }
    return chat
  }

  private func table(_ bytes: [UInt8], _ records: [CSVReader.Record], _ path: String) throws -> [LabelledText]
  {
    guard let first = records.first else { return [] }
    let columns = hasHeader ? first.fields : first.fields.indices.map { String($0 + 1) }
    func column(_ name: String) -> Int? { columns.firstIndex(of: name) }
    guard let text = column(textKey) else {
      throw ProbingError.missingColumn(file: path, name: textKey, columns: columns)
    }
    guard let label = column(labelKey) else {
      throw ProbingError.missingColumn(file: path, name: labelKey, columns: columns)
    }
    let prompt = column(promptKey), group = column(groupKey), split = column(splitKey), id = column(idKey)
    return try records.dropFirst(hasHeader ? 1 : 0).map { record in
      guard record.fields.count == columns.count else {
        throw ProbingError.badLine(
          file: path, line: record.line, problem: "\(record.fields.count) fields",
          expected: "\(columns.count) fields as in the first line")
      }
      func field(_ index: Int?) -> String? {
        index.map { record.fields[$0] }.flatMap { $0.isEmpty ? nil : $0 }
      }
      let body = record.fields[text]
      if body.allSatisfy(\.isWhitespace) { throw ProbingError.emptyText(file: path, line: record.line) }
      guard let word = field(label) else {
        throw ProbingError.missingLabel(file: path, line: record.line, key: labelKey)
      }
      return LabelledText(
        id: field(id) ?? name(nil, path, record.line), text: body, prompt: field(prompt),
        label: try self.label(word, path, record.line), group: field(group),
        split: try field(split).map { try part($0, path, record.line) })
    }
  }

  private func name(_ value: JSONValue?, _ file: String, _ line: Int) -> String {
    if let value, !value.isNull { return word(value) }
    return "\(Files.name(of: file)):\(line)"
  }

  /// A text, number or truth value as the word it is written with.
  private func word(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    case .number(let number): number.rounded() == number ? String(Int(number)) : String(number)
    case .bool(let flag): String(flag)
    default: (try? value.text()) ?? "?"
    }
  }

  private func part(_ word: String, _ file: String, _ line: Int) throws -> SplitPart {
    if let part = SplitPart(word: word) { return part }
    throw ProbingError.badLine(
      file: file, line: line, problem: "the split \(word)",
      expected: "train, validation (or val, dev) or test")
  }

  private func label(_ word: String, _ file: String, _ line: Int) throws -> Int {
    if let positiveClass {
      if word == positiveClass { return 1 }
      guard let negativeClass else { return 0 }
      if word == negativeClass { return 0 }
      throw ProbingError.unknownLabel(
        file: file, line: line, value: word, expected: "\(positiveClass) or \(negativeClass)")
    }
    switch word.lowercased() {
    case "1", "true": return 1
    case "0", "false": return 0
    default:
      throw ProbingError.unknownLabel(
        file: file, line: line, value: word, expected: "0 or 1, true or false, or a named positive class")
    }
  }
}

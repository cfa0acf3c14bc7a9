/// Tables as text: RFC 4180 (quoted fields may hold delimiters, line ends and doubled quotes), or plain
/// tab-separated lines, where a quote is a letter like any other.
public struct CSVReader {
  /// One record with the line (from 1) on which it begins.
  public struct Record: Equatable, Sendable {
    /// The line.
    public var line: Int
    /// The fields, unquoted.
    public var fields: [String]
  }

  /// Reads all records; blank lines count nothing.
  /// - Throws: ``ProbingError/badLine(file:line:problem:expected:)``.
  public static func records(
    _ bytes: [UInt8], delimiter: UInt8 = UInt8(ascii: ","), quoting: Bool = true, file: String
  ) throws(ProbingError) -> [Record] {
    var reader = CSVReader(bytes: bytes, delimiter: delimiter, quoting: quoting, file: file)
    return try reader.read()
  }

  private let bytes: [UInt8]
  private let delimiter: UInt8
  private let quoting: Bool
  private let file: String
  private var place: Int
  private var line = 1
  private let quote = UInt8(ascii: "\""), newline = UInt8(ascii: "\n"), carriage = UInt8(ascii: "\r")

  private init(bytes: [UInt8], delimiter: UInt8, quoting: Bool, file: String) {
    self.bytes = bytes
    self.delimiter = delimiter
    self.quoting = quoting
    self.file = file
    place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  private mutating func read() throws(ProbingError) -> [Record] {
    var records: [Record] = []
    while place < bytes.count {
      var record = Record(line: line, fields: [])
      while true {
        record.fields.append(try field())
        guard place < bytes.count, bytes[place] == delimiter else { break }
        place += 1
      }
      if place < bytes.count, bytes[place] == carriage { place += 1 }
      if place < bytes.count {
        guard bytes[place] == newline else {
          throw .badLine(
            file: file, line: line, problem: "text after the closing quote of a field",
            expected: "a delimiter or the line's end; a quote inside a quoted field is written twice")
        }
        place += 1
        line += 1
      }
      if record.fields != [""] { records.append(record) }
    }
    return records
  }

  private mutating func field() throws(ProbingError) -> String {
    if quoting, place < bytes.count, bytes[place] == quote { return try quoted() }
    let start = place
    while place < bytes.count, bytes[place] != delimiter, bytes[place] != newline { place += 1 }
    var end = place
    if place < bytes.count, bytes[place] == newline, end > start, bytes[end - 1] == carriage { end -= 1 }
    if place == bytes.count, end > start, bytes[end - 1] == carriage { end -= 1 }
    return try text(bytes[start..<end], line: line)
  }

  private mutating func quoted() throws(ProbingError) -> String {
    let first = line
    var content: [UInt8] = []
    place += 1
    while true {
      guard place < bytes.count else {
        throw .badLine(
          file: file, line: first, problem: "a quote that is never closed",
          expected: "a closing quote; a quote inside a quoted field is written twice")
      }
      let byte = bytes[place]
      place += 1
      if byte == quote {
        guard place < bytes.count, bytes[place] == quote else { break }
        place += 1
      } else if byte == newline {
        line += 1
      }
      content.append(byte)
    }
    return try text(content[...], line: first)
  }

  private func text(_ bytes: ArraySlice<UInt8>, line: Int) throws(ProbingError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .badLine(file: file, line: line, problem: "bytes that are no UTF-8", expected: "text in UTF-8")
    }
    return text
  }
}

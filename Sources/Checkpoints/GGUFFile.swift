import OrderedCollections
import Runtime
import Tensors

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
  /// A whole number of any width.
  case integer(Int64)
  /// A whole number past 63 bits.
  case large(UInt64)
  /// f32 or f64.
  case number(Double)
  /// Yes or no.
  case bool(Bool)
  /// A text.
  case string(String)
  /// Values of one type; never arrays again.
  case array([GGUFValue])

  /// The text, where it is one.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The whole number, where it is one.
  public var int: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
  /// The elements, where it is an array.
  public var array: [GGUFValue]? { if case .array(let value) = self { value } else { nil } }
}

/// A GGUF file (versions 2 and 3, little-endian), mapped read-only and fully checked when opened: every length and count
/// against what is left of the file before anything is made of it, every product for overflow, alignment, and that no two tensors
/// share a byte. Tensors of quantised types are listed and not read.
public final class GGUFFile: Sendable {
  /// One tensor's record.
  public struct Entry: Sendable, Equatable {
    /// The name.
    public let name: String
    /// Sizes, innermost first, as the file has them.
    public let dimensions: [Int]
    /// Type of the numbers as ggml counts types.
    public let type: UInt32
    /// The first byte, counted from the start of the file.
    public let offset: Int
    /// Bytes; nil for types that are not read.
    public let byteCount: Int?

    /// Elements in all.
    public var count: Int { dimensions.reduce(1, *) }
  }

  /// The path as it was opened.
  public let path: String
  /// 2 or 3.
  public let version: Int
  /// The metadata in the file's order.
  public let metadata: OrderedDictionary<String, GGUFValue>
  /// The tensors in the file's order.
  public let entries: [Entry]
  private let mapping: MappedFile
  private let places: [String: Int]

  /// Opens a file.
  /// - Throws: ``FileError``, ``GGUFError``.
  public init(path: String) throws {
    let mapping = try MappedFile(path: path)
    var parser = GGUFParser(bytes: mapping.bytes, file: path)
    let parsed = try withExtendedLifetime(mapping) { try parser.parse() }
    self.path = path
    self.mapping = mapping
    version = parsed.version
    metadata = parsed.metadata
    entries = parsed.entries
    places = Dictionary(uniqueKeysWithValues: parsed.entries.enumerated().map { ($1.name, $0) })
  }

  /// A tensor's record; nil for an unknown name.
  public func entry(_ name: String) -> Entry? { places[name].map { entries[$0] } }

  /// A tensor's numbers as f32, row-major: the file's order.
  /// - Throws: ``GGUFError/missingTensor(file:tensor:)``, ``GGUFError/unsupportedType(file:tensor:type:)``.
  public func floats(_ name: String) throws -> [Float] {
    guard let entry = entry(name) else { throw GGUFError.missingTensor(file: path, tensor: name) }
    return try withExtendedLifetime(mapping) {
      let bytes = mapping.bytes
      func read<Word>(_ size: Int, _: Word.Type, _ float: (Word) -> Float) -> [Float] {
        (0..<entry.count).map {
          float(bytes.loadUnaligned(fromByteOffset: entry.offset + $0 * size, as: Word.self))
        }
      }
      switch entry.type {
      case 0: return read(4, UInt32.self, StoredF32.float)
      case 1: return read(2, UInt16.self, StoredF16.float)
      case 28: return read(8, UInt64.self) { Float(Double(bitPattern: $0)) }
      case 30: return read(2, UInt16.self, StoredBF16.float)
      default: throw GGUFError.unsupportedType(file: path, tensor: name, type: entry.type)
      }
    }
  }
}

/// Reads the head of a GGUF file.
struct GGUFParser {
  let bytes: UnsafeRawBufferPointer
  let file: String
  private var offset = 0

  init(bytes: UnsafeRawBufferPointer, file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// Bytes of one number of the types that have no blocks.
  static let sizes: [UInt32: Int] = [0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2]

  struct Parsed {
    var version = 0
    var metadata: OrderedDictionary<String, GGUFValue> = [:]
    var entries: [GGUFFile.Entry] = []
  }

  private var left: Int { bytes.count - offset }

  private func cut(_ what: String) -> GGUFError { .truncated(file: file, what: what, offset: offset) }

  private mutating func word<Word: FixedWidthInteger>(_: Word.Type, _ what: String) throws -> Word {
    let size = MemoryLayout<Word>.size
    guard left >= size else { throw cut(what) }
    defer { offset += size }
    return Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self))
  }

  /// A count of things that take at least `least` bytes each.
  private mutating func count(_ what: String, least: Int) throws -> Int {
    let value = try word(UInt64.self, what)
    guard let count = Int(exactly: value), count <= left / least else { throw cut("\(what), \(value),") }
    return count
  }

  private mutating func text(_ what: String) throws -> String {
    let length = try count("the length of \(what)", least: 1)
    let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
    offset += length
    guard let text = String(validating: part, as: UTF8.self) else {
      throw GGUFError.badRecord(file: file, name: what, reason: "a text that is no UTF-8")
    }
    return text
  }

  mutating func parse() throws -> Parsed {
    guard bytes.count >= 4, bytes[0..<4].elementsEqual("GGUF".utf8) else {
      throw GGUFError.notGGUF(file: file)
    }
    offset = 4
    var parsed = Parsed()
    let version = try word(UInt32.self, "the version")
    guard (2...3).contains(version) else { throw GGUFError.version(file: file, version: version) }
    parsed.version = Int(version)
    // A tensor's record is a length, a count of sizes, a type and an offset at least; a key a length, a type and a byte.
    let tensors = try count("the number of tensors", least: 1)
    let keys = try count("the number of keys", least: 13)
    for _ in 0..<keys {
      let key = try text("a key")
      let type = try word(UInt32.self, "the type of \(key)")
      guard parsed.metadata[key] == nil else {
        throw GGUFError.badRecord(file: file, name: key, reason: "the key stands twice")
      }
      parsed.metadata[key] = try value(type, of: key)
    }
    guard tensors <= left / 24 else { throw cut("the list of \(tensors) tensors") }
    let alignment = parsed.metadata["general.alignment"].map { $0.int ?? 0 } ?? 32
    guard alignment >= 8, alignment <= 1 << 20, alignment.nonzeroBitCount == 1 else {
      throw GGUFError.badRecord(
        file: file, name: "general.alignment", reason: "\(alignment) is no power of two from 8")
    }
    var records: [(name: String, dimensions: [Int], type: UInt32, start: UInt64)] = []
    var names: Set<String> = []
    for _ in 0..<tensors {
      let record = try tensor()
      guard names.insert(record.name).inserted else {
        throw GGUFError.badRecord(file: file, name: record.name, reason: "two tensors have this name")
      }
      records.append(record)
    }
    let dataStart = (offset + alignment - 1) / alignment * alignment
    for record in records {
      parsed.entries.append(try place(record, dataStart: dataStart, alignment: alignment))
    }
    try checkOverlaps(parsed.entries)
    return parsed
  }

  private mutating func value(_ type: UInt32, of key: String) throws -> GGUFValue {
    let what = "the value of \(key)"
    switch type {
    case 0: return .integer(Int64(try word(UInt8.self, what)))
    case 1: return .integer(Int64(try word(Int8.self, what)))
    case 2: return .integer(Int64(try word(UInt16.self, what)))
    case 3: return .integer(Int64(try word(Int16.self, what)))
    case 4: return .integer(Int64(try word(UInt32.self, what)))
    case 5: return .integer(Int64(try word(Int32.self, what)))
    case 6: return .number(Double(Float(bitPattern: try word(UInt32.self, what))))
    case 7:
      let byte = try word(UInt8.self, what)
      guard byte < 2 else {
        throw GGUFError.badRecord(file: file, name: key, reason: "a yes or no of \(byte)")
      }
      return .bool(byte == 1)
    case 8: return .string(try text(what))
    case 9:
      let element = try word(UInt32.self, what)
      guard element != 9, element <= 12 else {
        throw GGUFError.badRecord(file: file, name: key, reason: "an array of type \(element)")
      }
      let least = [1, 1, 2, 2, 4, 4, 4, 1, 8, 1, 8, 8, 8][Int(element)]
      let count = try count("the length of \(key)", least: least)
      var values: [GGUFValue] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try value(element, of: key)) }
      return .array(values)
    case 10:
      let value = try word(UInt64.self, what)
      return Int64(exactly: value).map(GGUFValue.integer) ?? .large(value)
    case 11: return .integer(try word(Int64.self, what))
    case 12: return .number(Double(bitPattern: try word(UInt64.self, what)))
    default: throw GGUFError.badRecord(file: file, name: key, reason: "a value of type \(type)")
    }
  }

  private mutating func tensor() throws -> (name: String, dimensions: [Int], type: UInt32, start: UInt64) {
    let name = try text("a tensor's name")
    let rank = try word(UInt32.self, "the sizes of \(name)")
    guard rank <= 4 else {
      throw GGUFError.badRecord(file: file, name: name, reason: "\(rank) dimensions; four at most")
    }
    var dimensions: [Int] = []
    var product = 1
    for _ in 0..<rank {
      let size = try word(UInt64.self, "the sizes of \(name)")
      guard let length = Int(exactly: size) else {
        throw GGUFError.badRecord(file: file, name: name, reason: "a size of \(size)")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(1, length))
      guard !overflow, next < Int.max / 16 else {
        throw GGUFError.badRecord(file: file, name: name, reason: "sizes whose product overflows")
      }
      product = next
      dimensions.append(length)
    }
    let type = try word(UInt32.self, "the type of \(name)")
    return (name, dimensions, type, try word(UInt64.self, "the place of \(name)"))
  }

  private func place(
    _ record: (name: String, dimensions: [Int], type: UInt32, start: UInt64), dataStart: Int, alignment: Int
  ) throws -> GGUFFile.Entry {
    func bad(_ reason: String) -> GGUFError { .badPlace(file: file, tensor: record.name, reason: reason) }
    guard record.start % UInt64(alignment) == 0 else {
      throw bad("offset \(record.start) is no multiple of \(alignment)")
    }
    let size = Self.sizes[record.type].map { $0 * record.dimensions.reduce(1, *) }
    guard let start = Int(exactly: record.start), start <= bytes.count - dataStart,
      size ?? 0 <= bytes.count - dataStart - start
    else { throw bad("offset \(record.start) and \(size ?? 0) bytes lie outside of the file") }
    return GGUFFile.Entry(
      name: record.name, dimensions: record.dimensions, type: record.type, offset: dataStart + start,
      byteCount: size)
  }

  private func checkOverlaps(_ entries: [GGUFFile.Entry]) throws {
    var end = 0
    for entry in entries.sorted(by: { ($0.offset, $0.byteCount ?? 0) < ($1.offset, $1.byteCount ?? 0) }) {
      guard entry.byteCount != 0 else { continue }
      guard entry.offset >= end else {
        throw GGUFError.badPlace(
          file: file, tensor: entry.name, reason: "it begins inside of another tensor")
      }
      end = entry.offset + (entry.byteCount ?? 1)
    }
  }
}

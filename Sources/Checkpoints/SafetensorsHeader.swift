import JSON
import OrderedCollections
import Tensors

/// The header of a safetensors file: eight bytes of length, then JSON that names type, shape and place of each tensor.
///
/// Everything is checked before a byte of data is served: lengths against the file, every product for overflow, and
/// that the tensors tile the data exactly. So a reader that trusts the header cannot be led outside the file.
public struct SafetensorsHeader: Sendable {
  /// Longest JSON accepted, in bytes.
  public static let limit = 100_000_000

  /// The tensors in the order in which the header lists them.
  public let entries: [TensorEntry]
  /// `__metadata__` in order; nil where the header has none.
  public let metadata: OrderedDictionary<String, String>?
  /// Where the data start, counted from the start of the file.
  public let dataStart: Int

  /// Reads and checks the header of a whole file's bytes; `file` names it in errors, `shard` in entries.
  /// - Throws: ``CheckpointError``, one case for each defect.
  public init(bytes: UnsafeRawBufferPointer, file: String, shard: String) throws {
    try self.init(bytes: bytes, of: bytes.count, file: file, shard: shard)
  }

  /// The same for the first bytes of a file of `size` bytes; only the header has to be among them.
  init(bytes: UnsafeRawBufferPointer, of size: Int, file: String, shard: String) throws {
    guard bytes.count >= 8 else {
      throw CheckpointError.truncated(file: file, size: bytes.count, needed: 8)
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    guard length <= UInt64(Self.limit) else {
      throw CheckpointError.headerTooLarge(file: file, size: length, limit: Self.limit)
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= bytes.count else {
      throw CheckpointError.truncated(file: file, size: bytes.count, needed: dataStart)
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    let members = try Self.parse(text, file: file)
    var metadata: OrderedDictionary<String, String>?
    var entries: [TensorEntry] = []
    entries.reserveCapacity(members.count)
    for (name, value) in members {
      if name == "__metadata__" {
        metadata = try Self.metadata(value, file: file)
      } else {
        entries.append(try Self.entry(name, value, dataStart: dataStart, file: file, shard: shard))
      }
    }
    try Self.checkTiling(entries, dataStart: dataStart, size: size, file: file)
    self.entries = entries
    self.metadata = metadata
    self.dataStart = dataStart
  }

  private static func parse(
    _ text: UnsafeRawBufferPointer, file: String
  ) throws -> OrderedDictionary<String, JSONValue> {
    guard text.first == UInt8(ascii: "{") else {
      throw CheckpointError.headerNotJSON(file: file, reason: "it does not start with {")
    }
    let value: JSONValue
    do {
      value = try JSONValue.parse(text, source: file)
    } catch {
      guard case JSONError.syntax(_, let offset, let reason) = error else { throw error }
      throw CheckpointError.headerNotJSON(file: file, reason: "byte \(offset): \(reason)")
    }
    if let key = JSONKeys.firstDuplicate(text) {
      throw CheckpointError.duplicateKey(file: file, key: key)
    }
    guard let members = value.object else {
      throw CheckpointError.headerNotJSON(file: file, reason: "it is no object")
    }
    return members
  }

  private static func metadata(_ value: JSONValue, file: String) throws -> OrderedDictionary<String, String> {
    guard let members = value.object else {
      throw CheckpointError.metadataNotText(file: file, key: "__metadata__")
    }
    var texts: OrderedDictionary<String, String> = [:]
    for (key, value) in members {
      guard let text = value.string else { throw CheckpointError.metadataNotText(file: file, key: key) }
      texts[key] = text
    }
    return texts
  }

  private static func entry(
    _ name: String, _ value: JSONValue, dataStart: Int, file: String, shard: String
  ) throws -> TensorEntry {
    func bad(_ field: String, _ reason: String) -> CheckpointError {
      .badRecord(file: file, tensor: name, field: field, reason: reason)
    }
    guard let record = value.object else { throw bad("the record", "no object") }
    guard let type = record["dtype"]?.string else { throw bad("dtype", "missing or no text") }
    guard let dtype = DType(rawValue: type) else {
      throw CheckpointError.unknownDType(file: file, tensor: name, dtype: type)
    }
    guard let shape = sizes(record["shape"]) else { throw bad("shape", "no list of whole numbers from 0") }
    guard let offsets = sizes(record["data_offsets"]), offsets.count == 2 else {
      throw bad("data_offsets", "no pair of whole numbers from 0")
    }
    guard offsets[0] <= offsets[1] else { throw bad("data_offsets", "\(offsets) runs backwards") }
    guard let needed = dtype.byteCount(shape) else {
      throw CheckpointError.shapeOverflow(file: file, tensor: name, shape: shape)
    }
    guard offsets[1] - offsets[0] == needed else {
      throw CheckpointError.sizeMismatch(
        file: file, tensor: name, expected: needed, found: offsets[1] - offsets[0])
    }
    let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
    if overflow { throw CheckpointError.shapeOverflow(file: file, tensor: name, shape: shape) }
    return TensorEntry(
      name: name, dtype: dtype, shape: shape, shard: shard, byteRange: (offsets[0] + dataStart)..<end)
  }

  private static func sizes(_ value: JSONValue?) -> [Int]? {
    guard let list = value?.array else { return nil }
    var sizes: [Int] = []
    for element in list {
      guard case .int(let size) = element, size >= 0 else { return nil }
      sizes.append(Int(size))
    }
    return sizes
  }

  private static func checkTiling(_ entries: [TensorEntry], dataStart: Int, size: Int, file: String) throws {
    let sorted = entries.sorted {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    var end = dataStart
    var last = ""
    for entry in sorted {
      if entry.byteRange.lowerBound < end {
        throw CheckpointError.overlap(
          file: file, first: last, second: entry.name, offset: entry.byteRange.lowerBound - dataStart)
      }
      if entry.byteRange.lowerBound > end {
        throw CheckpointError.hole(
          file: file, tensor: entry.name, range: (end - dataStart)..<(entry.byteRange.lowerBound - dataStart))
      }
      end = entry.byteRange.upperBound
      if !entry.byteRange.isEmpty { last = entry.name }
    }
    if end > size { throw CheckpointError.truncated(file: file, size: size, needed: end) }
    if end < size { throw CheckpointError.trailingBytes(file: file, count: size - end) }
  }
}

extension DType {
  /// Bytes of a tensor of this type; nil where the sizes do not fit 64 bits, be it behind a size of zero: products of
  /// some of the sizes are formed as well.
  func byteCount(_ shape: [Int]) -> Int? {
    var extent = size
    for length in shape {
      let (product, overflow) = extent.multipliedReportingOverflow(by: max(length, 1))
      if overflow { return nil }
      extent = product
    }
    return shape.contains(0) ? 0 : extent
  }
}

import Runtime
import Tensors

@testable import Checkpoints

/// A zip archive put together byte by byte, so that each of its parts can lie.
struct ArchiveBuilder {
  struct Part {
    var name: String
    var bytes: [UInt8]
    var method = 0
    var flags = 0
    /// Place of the header that the directory names instead of the true one.
    var header: Int?
    var size: Int?
    var checksum: UInt32?
    /// The name in the record's own header.
    var ownName: String?
  }
  var parts: [Part]
  /// Numbers of the end record instead of the true ones.
  var count: Int?
  var directorySize: Int?
  var directoryStart: Int?
  /// Whether sizes and places stand in zip64 fields.
  var wide = false

  private static func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for part in parts {
      let start = file.count
      let sum = part.checksum ?? part.bytes.withUnsafeBytes { CRC32.of($0) }
      let name = Array((part.ownName ?? part.name).utf8)
      let size = part.size ?? part.bytes.count
      file += [0x50, 0x4B, 3, 4] + Self.little(0, 4) + Self.little(part.method, 2) + Self.little(0, 16)
      file += Self.little(name.count, 2) + Self.little(0, 2) + name + part.bytes
      let shown = wide ? 0xFFFF_FFFF : size
      directory += [0x50, 0x4B, 1, 2] + Self.little(0, 4) + Self.little(part.flags, 2)
      directory += Self.little(part.method, 2) + Self.little(0, 4) + Self.little(Int(sum), 4)
      directory += Self.little(shown, 4) + Self.little(shown, 4)
      directory += Self.little(part.name.utf8.count, 2) + Self.little(wide ? 28 : 0, 2) + Self.little(0, 10)
      directory += Self.little(wide ? 0xFFFF_FFFF : part.header ?? start, 4) + Array(part.name.utf8)
      if wide {
        directory += Self.little(1, 2) + Self.little(24, 2) + Self.little(size, 8) + Self.little(size, 8)
        directory += Self.little(part.header ?? start, 8)
      }
    }
    let start = file.count
    file += directory
    let (count, size, place) = (
      count ?? parts.count, directorySize ?? directory.count, directoryStart ?? start
    )
    if wide {
      let record = file.count
      file += [0x50, 0x4B, 6, 6] + Self.little(44, 8) + Self.little(45, 4) + Self.little(0, 8)
      file += Self.little(count, 8) + Self.little(count, 8) + Self.little(size, 8) + Self.little(place, 8)
      file += [0x50, 0x4B, 6, 7] + Self.little(0, 4) + Self.little(record, 8) + Self.little(1, 4)
      file += [0x50, 0x4B, 5, 6] + Self.little(0, 4) + Self.little(0xFFFF, 4)
      file += Self.little(0xFFFF_FFFF, 4) + Self.little(0xFFFF_FFFF, 4) + Self.little(0, 2)
    } else {
      file += [0x50, 0x4B, 5, 6] + Self.little(0, 4) + Self.little(count, 2) + Self.little(count, 2)
      file += Self.little(size, 4) + Self.little(place, 4) + Self.little(0, 2)
    }
    return file
  }
}

/// A pickle put together opcode by opcode.
struct PickleBuilder {
  var bytes: [UInt8] = [0x80, 2]

  static func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  mutating func op(_ code: Character, _ rest: [UInt8] = []) { bytes += [code.asciiValue ?? 0] + rest }
  mutating func byte(_ code: UInt8, _ rest: [UInt8] = []) { bytes += [code] + rest }
  mutating func text(_ text: String) { op("X", Self.little(text.utf8.count, 4) + Array(text.utf8)) }
  mutating func int(_ value: Int) {
    if (0..<256).contains(value) {
      op("K", [UInt8(value)])
    } else if (Int(Int32.min)...Int(Int32.max)).contains(value) {
      op("J", Self.little(value, 4))
    } else {
      byte(0x8A, [8] + Self.little(value, 8))
    }
  }
  mutating func global(_ module: String, _ name: String) { op("c", Array("\(module)\n\(name)\n".utf8)) }
  mutating func tuple(_ values: [Int]) {
    op("(")
    for value in values { int(value) }
    op("t")
  }

  /// A tensor of a storage `key` with `count` f32 elements.
  mutating func tensor(
    key: String = "0", count: Int, offset: Int = 0, shape: [Int], strides: [Int],
    type: String = "FloatStorage"
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    op("(")
    op("(")
    text("storage")
    global("torch", type)
    text(key)
    text("cpu")
    int(count)
    op("t")
    op("Q")
    int(offset)
    tuple(shape)
    tuple(strides)
    byte(0x89)
    global("collections", "OrderedDict")
    op(")")
    op("R")
    op("t")
    op("R")
  }

  /// A dictionary with one tensor `w`.
  static func one(
    count: Int = 4, offset: Int = 0, shape: [Int] = [4], strides: [Int] = [1], key: String = "0",
    type: String = "FloatStorage"
  ) -> [UInt8] {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.text("w")
    pickle.tensor(key: key, count: count, offset: offset, shape: shape, strides: strides, type: type)
    pickle.op("s")
    pickle.op(".")
    return pickle.bytes
  }

  /// An archive of a pickle and one storage of four floats 0, 1, 2, 3.
  static func archive(_ pickle: [UInt8], data: [Float] = [0, 1, 2, 3]) -> ArchiveBuilder {
    ArchiveBuilder(parts: [
      .init(name: "m/data.pkl", bytes: pickle),
      .init(name: "m/byteorder", bytes: Array("little".utf8)),
      .init(name: "m/data/0", bytes: data.withUnsafeBytes { Array($0) }),
      .init(name: "m/version", bytes: Array("3\n".utf8)),
    ])
  }
}

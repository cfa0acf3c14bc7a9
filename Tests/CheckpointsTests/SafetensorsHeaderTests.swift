import Checkpoints
import Runtime
import Testing

/// Attacks on the header, each by its name. `data` is the number of bytes behind the header.
@Suite struct SafetensorsHeaderTests {
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var header: String
    var data = 0
    var length: UInt64?
    var code: String
    var testDescription: String { name }
  }

  static let attacks: [Attack] = [
    Attack(name: "empty header", header: "", code: "HEADER_NOT_JSON"),
    Attack(name: "header longer than the file", header: "{}", length: 64, code: "FILE_TRUNCATED"),
    Attack(name: "header length of 2^63", header: "{}", length: 1 << 63, code: "HEADER_TOO_LARGE"),
    Attack(name: "header above 100 MB", header: "{}", length: 100_000_001, code: "HEADER_TOO_LARGE"),
    Attack(name: "not JSON", header: "{\"a\": }", code: "HEADER_NOT_JSON"),
    Attack(name: "text after the object", header: "{} {}", code: "HEADER_NOT_JSON"),
    Attack(name: "no object", header: "[1]", code: "HEADER_NOT_JSON"),
    Attack(name: "leading space", header: " {}", code: "HEADER_NOT_JSON"),
    Attack(name: "deep nesting", header: String(repeating: "{\"a\":", count: 2000), code: "HEADER_NOT_JSON"),
    Attack(
      name: "duplicate tensor", header: tensor("a", 0, 4) + "," + tensor("a", 0, 4), data: 4,
      code: "HEADER_DUPLICATE_KEY"),
    Attack(
      name: "duplicate tensor behind an escape", header: tensor("a", 0, 4) + "," + tensor("\\u0061", 0, 4),
      data: 4, code: "HEADER_DUPLICATE_KEY"),
    Attack(
      name: "zero byte in a name", header: tensor("a\\u0000b", 0, 4), data: 4, code: "HEADER_DUPLICATE_KEY"),
    Attack(
      name: "duplicate field",
      header: "\"a\":{\"dtype\":\"F32\",\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]}", data: 4,
      code: "HEADER_DUPLICATE_KEY"),
    Attack(
      name: "number in the metadata", header: "\"__metadata__\":{\"a\":1}", code: "HEADER_METADATA"),
    Attack(name: "metadata no object", header: "\"__metadata__\":[]", code: "HEADER_METADATA"),
    Attack(name: "record no object", header: "\"a\":1", code: "HEADER_RECORD"),
    Attack(name: "no dtype", header: "\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}", code: "HEADER_RECORD"),
    Attack(name: "unknown dtype", header: tensor("a", 0, 4, dtype: "Q4_K"), data: 4, code: "DTYPE_UNKNOWN"),
    Attack(name: "negative size", header: tensor("a", 0, 4, shape: "-1,-1"), data: 4, code: "HEADER_RECORD"),
    Attack(name: "fractional size", header: tensor("a", 0, 4, shape: "1.0"), data: 4, code: "HEADER_RECORD"),
    Attack(name: "backward offsets", header: tensor("a", 4, 0), data: 4, code: "HEADER_RECORD"),
    Attack(
      name: "offsets above 64 bits",
      header: "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,18446744073709551620]}",
      data: 4, code: "HEADER_RECORD"),
    Attack(
      name: "three offsets", header: "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}",
      data: 4, code: "HEADER_RECORD"),
    Attack(
      name: "validation overflow by shape",
      header: tensor("a", 0, 4, shape: "4611686018427387904,4611686018427387904"), data: 4,
      code: "HEADER_OVERFLOW"),
    Attack(
      name: "overflow that wraps to the right size",
      header: tensor("a", 0, 0, shape: "4294967296,4294967296"),
      code: "HEADER_OVERFLOW"),
    Attack(
      name: "overflow hidden behind a zero", header: tensor("a", 0, 0, shape: "0,4294967296,4294967296"),
      code: "HEADER_OVERFLOW"),
    Attack(
      name: "offset at the end of 64 bits",
      header: tensor("a", 9_223_372_036_854_775_803, 9_223_372_036_854_775_807), code: "HEADER_OVERFLOW"),
    Attack(name: "fewer bytes than the shape", header: tensor("a", 0, 3), data: 3, code: "HEADER_SIZE"),
    Attack(name: "more bytes than the shape", header: tensor("a", 0, 8), data: 8, code: "HEADER_SIZE"),
    Attack(
      name: "overlap", header: tensor("a", 0, 8, shape: "2") + "," + tensor("b", 4, 8), data: 8,
      code: "HEADER_OVERLAP"),
    Attack(
      name: "two names for one range", header: tensor("a", 0, 4) + "," + tensor("b", 0, 4), data: 4,
      code: "HEADER_OVERLAP"),
    Attack(
      name: "hole", header: tensor("a", 0, 4) + "," + tensor("b", 8, 12), data: 12, code: "HEADER_HOLE"),
    Attack(name: "hole at the start", header: tensor("a", 4, 8), data: 8, code: "HEADER_HOLE"),
    Attack(name: "truncated data", header: tensor("a", 0, 4), data: 3, code: "FILE_TRUNCATED"),
    Attack(name: "trailing data", header: tensor("a", 0, 4), data: 5, code: "TRAILING_BYTES"),
    Attack(name: "data without tensors", header: "{}", data: 1, code: "TRAILING_BYTES"),
  ]

  /// One record of a header.
  static func tensor(
    _ name: String, _ begin: Int, _ end: Int, dtype: String = "F32", shape: String = "1"
  ) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}"
  }

  @Test(arguments: attacks) func refuses(_ attack: Attack) throws {
    let scratch = try Scratch()
    let header = attack.header.hasPrefix("\"") ? "{\(attack.header)}" : attack.header
    let path = try scratch.raw(header, data: attack.data, length: attack.length)
    var message = ""
    do {
      _ = try SafetensorsFile(path: path)
      Issue.record("\(attack.name) was accepted")
    } catch let error as CheckpointError {
      #expect(error.code == attack.code)
      message = error.description
    }
    #expect(message.contains("x.safetensors"))
  }

  @Test func refusesFilesTooShortForALength() throws {
    let scratch = try Scratch()
    #expect(code { _ = try SafetensorsFile(path: try scratch.write([], "a")) } == "FILE_TRUNCATED")
    #expect(code { _ = try SafetensorsFile(path: try scratch.write([2, 0, 0], "b")) } == "FILE_TRUNCATED")
    #expect(code { _ = try SafetensorsFile(path: scratch.file("none")) } == "FILE_MISSING")
  }

  @Test func refusesHeadersThatAreNotUTF8() throws {
    let scratch = try Scratch()
    let header = Array("{\"".utf8) + [0xFF, 0xC0] + Array("\":{}}".utf8)
    let bytes = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header
    #expect(code { _ = try SafetensorsFile(path: try scratch.write(bytes, "a")) } == "HEADER_NOT_JSON")
  }

  /// Any cut of a good file and any changed byte of its header must end in an error or in a file that tiles.
  @Test func survivesCutsAndFlippedBytes() throws {
    let scratch = try Scratch()
    let good = try Files.read(
      try scratch.raw(
        "{\"__metadata__\":{\"format\":\"pt\"},\(Self.tensor("a", 0, 8, shape: "2")),\(Self.tensor("b", 8, 12))}",
        data: 12))
    for count in 0..<good.count {
      let path = try scratch.write(Array(good[..<count]), "cut")
      #expect(throws: (any Error).self) { try SafetensorsFile(path: path) }
    }
    var random = CounterRandom(seed: 1, stream: "flip")
    var accepted = 0
    for _ in 0..<600 {
      var bytes = good
      bytes[random.below(good.count - 12)] = UInt8(truncatingIfNeeded: random.next())
      let path = try scratch.write(bytes, "flip")
      guard let file = try? SafetensorsFile(path: path) else { continue }
      accepted += 1
      let covered = file.entries.reduce(0) { $0 + $1.byteRange.count }
      #expect(covered + file.header.dataStart == bytes.count)
      for name in file.names { _ = try file.tensor(name) }
    }
    #expect(accepted > 0)
  }
}

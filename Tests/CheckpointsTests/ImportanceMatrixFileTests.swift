import OrderedCollections
import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// GGUF files: llama.cpp's importance matrix, and damaged heads.
@Suite struct ImportanceMatrixFileTests {
  static let fixture = Files.folder(of: #filePath) + "/Fixtures/imatrix.gguf"

  /// What Oracle/imatrix.py wrote with the gguf package.
  @Test func readsWhatTheGGUFPackageWrote() throws {
    let file = try ImportanceMatrixFile(file: Self.fixture)
    #expect(file.datasets == ["a.txt", "b.txt"])
    #expect(file.chunkCount == 3 && file.chunkSize == 512)
    #expect(file.entries.count == 2)
    let query = try #require(file.entries["blk.0.attn_q.weight"])
    #expect(query.sums == (0..<8).map { Float($0) + 0.25 } && query.counts == [1536])
    let down = try #require(file.entries["blk.0.ffn_down_exps.weight"])
    #expect(down.sums == (0..<15).map { Float($0) + 0.25 } && down.counts == [1536, 1536, 1536])
    #expect(down.width == 5)
  }

  static let sample = ImportanceMatrixFile(
    entries: [
      "blk.1.ffn_down.weight": .init(sums: [1, 2.5, 0, 1e-20], counts: [40]),
      "blk.0.ffn_up_exps.weight": .init(sums: [1, 2, 3, 4, 5, 6], counts: [7, 0]),
    ], datasets: ["texte mit ä.txt"], chunkCount: 9, chunkSize: 128)

  @Test func writesWhatItReads() throws {
    let scratch = try Scratch()
    try Self.sample.write(to: scratch.file("i.gguf"))
    let read = try ImportanceMatrixFile(file: scratch.file("i.gguf"))
    #expect(read.entries.keys.sorted() == Self.sample.entries.keys.sorted())
    for (name, entry) in Self.sample.entries { #expect(read.entries[name] == entry) }
    #expect(read.datasets == Self.sample.datasets && read.chunkCount == 9 && read.chunkSize == 128)
    #expect(code { try Self.sample.write(to: scratch.file("i.gguf")) } == "OUTPUT_EXISTS")
    let file = try GGUFFile(path: scratch.file("i.gguf"))
    #expect(file.version == 3)
    #expect(file.entries.map(\.name).first == "blk.0.ffn_up_exps.weight.in_sum2")
    #expect(file.entry("blk.0.ffn_up_exps.weight.in_sum2")?.dimensions == [3, 2])
    #expect(file.entry("blk.0.ffn_up_exps.weight.counts")?.dimensions == [1, 2])
    #expect(file.entries.allSatisfy { $0.offset % 32 == 0 })
    #expect(code { _ = try file.floats("nothing") } == "GGUF_TENSOR_MISSING")
  }

  /// A head made by hand: every value type, other versions, an alignment, tensors of several types.
  struct Head {
    var version: UInt32 = 3
    var keys: [(String, UInt32, [UInt8])] = []
    var tensors: [(name: String, sizes: [UInt64], type: UInt32, offset: UInt64)] = []
    var data = 64
    var tensorCount: UInt64?
    var keyCount: UInt64?
    var alignment = 32

    static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    var bytes: [UInt8] {
      var bytes =
        Array("GGUF".utf8) + Self.little(version) + Self.little(tensorCount ?? UInt64(tensors.count))
      bytes += Self.little(keyCount ?? UInt64(keys.count))
      for (key, type, value) in keys { bytes += Self.text(key) + Self.little(type) + value }
      for tensor in tensors {
        bytes += Self.text(tensor.name) + Self.little(UInt32(tensor.sizes.count))
        for size in tensor.sizes { bytes += Self.little(size) }
        bytes += Self.little(tensor.type) + Self.little(tensor.offset)
      }
      while bytes.count % alignment != 0 { bytes.append(0) }
      return bytes + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
    }
  }

  static func open(_ bytes: [UInt8]) throws -> GGUFFile {
    let scratch = try Scratch()
    return try GGUFFile(path: try scratch.write(bytes, "x.gguf"))
  }
  static func fault(_ head: Head) -> String? { code { _ = try open(head.bytes) } }

  @Test func valuesOfEveryType() throws {
    var head = Head(version: 2)
    head.keys = [
      ("u8", 0, [200]), ("i8", 1, [0xFF]), ("u16", 2, Head.little(UInt16(65535))),
      ("i16", 3, Head.little(Int16(-2))), ("u32", 4, Head.little(UInt32(4_000_000_000))),
      ("i32", 5, Head.little(Int32(-3))), ("f32", 6, Head.little(Float(1.5).bitPattern)), ("yes", 7, [1]),
      ("text", 8, Head.text("größer")), ("u64", 10, Head.little(UInt64.max)),
      ("i64", 11, Head.little(Int64(-4))),
      ("f64", 12, Head.little(Double(0.1).bitPattern)),
      (
        "list", 9,
        Head.little(UInt32(5)) + Head.little(UInt64(2)) + Head.little(Int32(1)) + Head.little(Int32(2))
      ),
      ("general.alignment", 4, Head.little(UInt32(64))),
    ]
    head.alignment = 64
    head.data = 256
    head.tensors = [
      ("half", [2, 2], 1, 0), ("brain", [3], 30, 64), ("double", [1], 28, 128), ("packed", [32], 2, 192),
    ]
    let file = try Self.open(head.bytes)
    #expect(file.version == 2)
    #expect(
      file.metadata.values.elements == [
        .integer(200), .integer(-1), .integer(65535), .integer(-2), .integer(4_000_000_000), .integer(-3),
        .number(1.5), .bool(true), .string("größer"), .large(UInt64.max), .integer(-4), .number(0.1),
        .array([.integer(1), .integer(2)]), .integer(64),
      ])
    #expect(try file.floats("half").count == 4 && file.floats("brain").count == 3)
    #expect(file.entry("packed")?.byteCount == nil)
    #expect(code { _ = try file.floats("packed") } == "GGUF_TYPE")
  }

  @Test func attacks() throws {
    var head = Head()
    head.keys = [("general.type", 8, Head.text("imatrix"))]
    head.tensors = [("a.in_sum2", [4, 1], 0, 0), ("a.counts", [1, 1], 0, 32)]
    #expect(Self.fault(head) == nil)
    let whole = head.bytes
    for length in 0..<whole.count - 32 {
      #expect(code { _ = try Self.open(Array(whole.prefix(length))) } != nil, "\(length) bytes")
    }
    func change(_ edit: (inout Head) -> Void) -> String? {
      var other = head
      edit(&other)
      return Self.fault(other)
    }
    #expect(code { _ = try Self.open(Array("GGML".utf8) + whole.dropFirst(4)) } == "GGUF_MAGIC")
    #expect(change { $0.version = 1 } == "GGUF_VERSION")
    #expect(change { $0.version = 4 } == "GGUF_VERSION")
    #expect(change { $0.version = UInt32(3).byteSwapped } == "GGUF_VERSION")
    // Counts and lengths that the file cannot hold.
    for count in [3, 1 << 20, UInt64.max, 1 << 63] {
      #expect(change { $0.tensorCount = count } != nil)
      #expect(change { $0.keyCount = count } != nil)
    }
    #expect(change { $0.keys[0].2 = Head.little(UInt64(1) << 40) } == "GGUF_TRUNCATED")
    #expect(
      change { $0.keys[0] = ("l", 9, Head.little(UInt32(4)) + Head.little(UInt64(1) << 50)) }
        == "GGUF_TRUNCATED")
    // Arrays of arrays, unknown types, texts that are none, yes-or-no of 2, keys that stand twice.
    #expect(
      change { $0.keys[0] = ("l", 9, Head.little(UInt32(9)) + Head.little(UInt64(1))) } == "GGUF_RECORD")
    #expect(
      change { $0.keys[0] = ("l", 9, Head.little(UInt32(77)) + Head.little(UInt64(0))) } == "GGUF_RECORD")
    #expect(change { $0.keys[0].1 = 13 } == "GGUF_RECORD")
    #expect(change { $0.keys[0].2 = Head.little(UInt64(2)) + [0xC3, 0x28] } == "GGUF_RECORD")
    #expect(change { $0.keys[0] = ("b", 7, [2]) } == "GGUF_RECORD")
    #expect(change { $0.keys.append($0.keys[0]) } == "GGUF_RECORD")
    // Alignments that are none.
    for alignment in [UInt32(0), 4, 24, 1 << 30] {
      #expect(
        change { $0.keys.append(("general.alignment", 4, Head.little(alignment))) } == "GGUF_RECORD")
    }
    #expect(change { $0.keys.append(("general.alignment", 8, Head.text("32"))) } == "GGUF_RECORD")
    // Tensors: five sizes, a product that overflows, odd places, outside, overlapping, twice.
    #expect(change { $0.tensors[0].sizes = [1, 1, 1, 1, 4] } == "GGUF_RECORD")
    #expect(change { $0.tensors[0].sizes = [1 << 40, 1 << 40] } == "GGUF_RECORD")
    #expect(change { $0.tensors[0].sizes = [UInt64.max] } == "GGUF_RECORD")
    #expect(change { $0.tensors[0].sizes = [0, 1 << 62, 8] } == "GGUF_RECORD")
    #expect(change { $0.tensors[1].offset = 4 } == "GGUF_PLACE")
    #expect(change { $0.tensors[1].offset = 64 } == "GGUF_PLACE")
    #expect(change { $0.tensors[1].offset = UInt64.max - 31 } == "GGUF_PLACE")
    #expect(change { $0.tensors[0].sizes = [16, 1] } == "GGUF_PLACE")
    #expect(change { $0.tensors[1].offset = 0 } == "GGUF_PLACE")
    #expect(change { $0.tensors[1].name = "a.in_sum2" } == "GGUF_RECORD")
  }

  /// A sound GGUF file that is no importance matrix, or a contradictory one.
  @Test func whatIsNoImportanceMatrix() throws {
    func fault(_ edit: (inout Head) -> Void) throws -> String? {
      var head = Head()
      head.keys = [("general.type", 8, Head.text("imatrix"))]
      head.tensors = [("a.in_sum2", [4, 1], 0, 0), ("a.counts", [1, 1], 0, 32)]
      head.data = 0
      edit(&head)
      var bytes = head.bytes
      for value in [Float(1), 2, 3, 4, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] {
        bytes += Head.little(value.bitPattern)
      }
      let scratch = try Scratch()
      let path = try scratch.write(bytes, "x.gguf")
      return code { _ = try ImportanceMatrixFile(file: path) }
    }
    #expect(try fault { _ in } == nil)
    #expect(try fault { $0.keys = [("general.type", 8, Head.text("model"))] } == "GGUF_KIND")
    #expect(try fault { $0.keys = [] } == "GGUF_KIND")
    #expect(try fault { $0.tensors.removeLast() } == "GGUF_RECORD")
    #expect(try fault { $0.tensors.removeFirst() } == "GGUF_RECORD")
    #expect(try fault { $0.tensors = [] } == "GGUF_RECORD")
    #expect(try fault { $0.tensors[1].sizes = [1, 3] } == "GGUF_RECORD")
    #expect(try fault { $0.tensors[0].type = 2 } == "GGUF_TYPE")
    let scratch = try Scratch()
    for bad in [Float.nan, -1, .infinity] {
      var sample = Self.sample
      sample.entries["blk.1.ffn_down.weight"]?.sums[1] = bad
      try sample.write(to: scratch.file("\(bad).gguf"))
      #expect(code { _ = try ImportanceMatrixFile(file: scratch.file("\(bad).gguf")) } == "GGUF_RECORD")
    }
  }
}

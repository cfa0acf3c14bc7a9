import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// State dicts as torch wrote them, against torch's own reading, and one real file.
@Suite struct TorchFileTests {
  static let folder = Files.folder(of: #filePath) + "/Fixtures/torch"

  private static let types: [String: DType] = [
    "float64": .f64, "float32": .f32, "float16": .f16, "bfloat16": .bf16, "int64": .i64, "int32": .i32,
    "int16": .i16, "int8": .i8, "uint8": .u8, "bool": .bool, "uint16": .u16, "uint32": .u32,
    "float8_e4m3fn": .f8e4m3, "float8_e5m2": .f8e5m2,
  ]

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test(arguments: [
    "probe.pt", "views.pt", "module.pt", "training.pt", "pytorch_model-00001-of-00002.bin",
  ])
  func readsWhatTorchWrote(_ name: String) throws {
    let expected = try #require(try JSONValue(file: Self.folder + "/expected.json")[name]?.array)
    let file = try TorchFile(path: "\(Self.folder)/\(name)")
    #expect(file.names == expected.compactMap { $0["name"]?.string })
    for tensor in expected {
      let key = try #require(tensor["name"]?.string)
      let entry = try #require(file.entry(key))
      #expect(entry.dtype == Self.types[tensor["dtype"]?.string ?? ""], "\(key)")
      #expect(entry.shape == tensor["shape"]?.array?.compactMap(\.int), "\(key)")
      #expect(Self.hex(bytes(try file.tensor(key))) == tensor["bytes"]?.string, "\(key)")
    }
    #expect(file.section == (name == "training.pt" ? "model" : nil))
    #expect(file.others == (name == "training.pt" ? ["epoch", "loss", "note"] : []))
  }

  @Test(arguments: [
    ("legacy.pt", "TORCH_LEGACY"), ("namespace.pt", "PICKLE_GLOBAL"), ("system.pt", "PICKLE_GLOBAL"),
    ("deflated.pt", "ZIP_COMPRESSED"), ("expected.json", "TORCH_NOT_ARCHIVE"),
  ])
  func refusesByName(_ name: String, _ expected: String) throws {
    #expect(code { _ = try TorchFile(path: "\(Self.folder)/\(name)") } == expected)
  }

  @Test func saysWhatThePickleAskedFor() throws {
    func found(_ name: String) -> String {
      do {
        _ = try TorchFile(path: "\(Self.folder)/\(name)")
        return ""
      } catch { return (error as? any SurgeonError)?.found ?? "" }
    }
    #expect(found("system.pt").contains("posix.system"))
    #expect(found("namespace.pt").contains("argparse.Namespace"))
    #expect(found("deflated.pt").contains("deflate"))
  }

  @Test func folderOfShardsOpensAndConverts() throws {
    let scratch = try Scratch()
    let model = scratch.file("model")
    try Files.makeFolder(model + "/1_Pooling")
    for name in try Files.list(Self.folder) where name.hasPrefix("pytorch_model") {
      try Files.write(try Files.read("\(Self.folder)/\(name)"), to: "\(model)/\(name)")
    }
    try Files.write("{}", to: model + "/config.json")
    try Files.write("{}", to: model + "/1_Pooling/config.json")
    let before = try contents(model)
    let source = try Checkpoint(folder: model, cache: .none)
    #expect(!source.isSafetensors && source.shards.isEmpty && source.shardNames.count == 2)
    #expect(source.notes.contains { $0.contains("surgeon convert") })
    // Reading works, writing asks for a conversion.
    #expect(
      code { _ = try CheckpointWriter(source: source, output: scratch.file("x")) } == "CONVERSION_NEEDED")
    let report = try source.convert(to: scratch.file("new"))
    #expect(report.tensors == 4)
    #expect(
      report.files.map(\.to) == [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
      ])
    let written = try Checkpoint(folder: scratch.file("new"), cache: .none)
    #expect(written.isSafetensors && written.indexFile == "model.safetensors.index.json")
    #expect(written.tensorNames == source.tensorNames)
    #expect(try report.modelHash == source.modelHash)
    #expect(try source.difference(to: written).sameTensors)
    #expect(Set(written.sideFiles) == ["1_Pooling/config.json", "config.json"])
    #expect(values(try written.tensor("transposed"))[0...1] == [0, 0.5])
    #expect(try contents(model) == before)
    #expect(code { _ = try written.convert(to: scratch.file("again")) } == "NOTHING_TO_CONVERT")
    #expect(code { _ = try source.convert(to: scratch.file("new")) } == "OUTPUT_EXISTS")
    #expect(code { _ = try source.convert(to: model + "/inside") } == "OUTPUT_INSIDE_SOURCE")
  }

  @Test func conversionThatFailsLeavesNothing() throws {
    let scratch = try Scratch()
    var archive = PickleBuilder.archive(PickleBuilder.one())
    archive.parts[2].checksum = 1
    try scratch.write(archive.bytes, "model/pytorch_model.bin")
    try scratch.write("{}", "model/config.json")
    let source = try Checkpoint(folder: scratch.file("model"), cache: .none)
    #expect(code { _ = try source.convert(to: scratch.file("new")) } == "ZIP_CHECKSUM")
    #expect(try Files.list(scratch.path) == ["model"])
  }

  /// A real state dict (minGPT's layout) against the conversion of it that lies beside.
  static let real: String? = {
    let root = Files.folder(of: Files.folder(of: Files.folder(of: Files.folder(of: #filePath))))
    let path = root + "/shared/fixtures/models/makemore-names"
    return Files.exists(path + "/model.pt") ? path : nil
  }()

  @Test(.enabled(if: real != nil, "no real state dict beside the package"))
  func realFileReads() throws {
    let folder = try #require(Self.real)
    let file = try TorchFile(path: folder + "/model.pt")
    let converted = try SafetensorsFile(path: folder + "/hf/model.safetensors")
    #expect(file.entries.reduce(0) { $0 + $1.count } >= 203_776)
    var compared = 0
    for name in ["transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f.weight"] {
      guard file.entry(name) != nil, converted.entry(name) != nil else { continue }
      #expect(bytes(try file.tensor(name)) == bytes(try converted.tensor(name)), "\(name)")
      compared += 1
    }
    #expect(compared == 3)
    // Linear weights lie transposed in GPT-2's layout.
    let own = try file.tensor("transformer.h.0.mlp.c_fc.weight")
    let other = try converted.tensor("transformer.h.0.mlp.c_fc.weight")
    if own.shape == other.shape.reversed() {
      let (a, b) = (values(own), values(other))
      let (rows, columns) = (own.shape[0], own.shape[1])
      #expect(
        (0..<rows).allSatisfy { r in (0..<columns).allSatisfy { a[r * columns + $0] == b[$0 * rows + r] } })
    } else {
      #expect(bytes(own) == bytes(other))
    }
  }
}

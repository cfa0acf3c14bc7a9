import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// Sparse checkpoint files: smaller, and back to every byte.
@Suite struct SparseCheckpointTests {
  static func bytesOf(_ folder: String) throws -> [String: [UInt8]] { try contents(folder) }

  @Test(arguments: [false, true], [0.0, 0.5, 0.95]) func comesBackByteForByte(
    _ sharded: Bool, _ share: Double
  ) throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: sharded))
    let dense = try SparseEditTests.pruned(base, scratch.file("dense"), share: share)
    let report = try SparseCheckpoint.write(dense, to: scratch.file("sparse"))
    #expect(Files.exists(scratch.file("sparse/model.sparse.safetensors")))
    #expect(!Files.exists(scratch.file("sparse/model.safetensors")))
    #expect(report.bytesBefore == dense.weightBytes)
    let all = report.tensors.reduce((0, 0)) { ($0.0 + $1.before, $0.1 + $1.after) }
    #expect(share == 0 ? all.0 == all.1 : all.1 < all.0)
    let counted = try dense.tensorNames.reduce(0) { sum, name in
      let tensor = try dense.tensor(name)
      return sum + SparsePlacesTests.places(PlaceMask(nonZero: tensor.bytes, size: tensor.dtype.size)).count
    }
    #expect(report.nonZero == counted)
    #expect(report.count == dense.parameterCount)
    let sparse = try SparseCheckpoint(folder: scratch.file("sparse"))
    let expanded = try sparse.expand(to: scratch.file("again"))
    #expect(expanded.modelHash == (try dense.modelHash))
    #expect(try contents(scratch.file("again")) == contents(scratch.file("dense")))
    #expect(code { _ = try sparse.expand(to: scratch.file("again")) } == "OUTPUT_EXISTS")
    // Nothing else opens it, and the way out is named.
    do {
      _ = try open(scratch.file("sparse"))
      Issue.record("opened")
    } catch let error as CheckpointError {
      #expect(error.code == "WEIGHTS_UNSUPPORTED" && error.suggestion.contains("surgeon convert"))
    }
  }

  /// Each encoding is taken where it is the smallest.
  @Test func choosesTheSmallest() throws {
    let scratch = try Scratch()
    let folder = scratch.file("made")
    try Files.makeFolder(folder)
    func tensor(_ kept: (Int) -> Bool) -> Tensor {
      let tensor = Tensor(zeros: [64, 64], dtype: .bf16)
      let words = tensor.storage.base.assumingMemoryBound(to: UInt16.self)
      for place in 0..<4096 where kept(place) { words[place] = UInt16(0x3F80 + place % 100) }
      return tensor
    }
    var random = CounterRandom(seed: 1, stream: "kept")
    let flags = (0..<4096).map { _ in random.uniform() }
    let all: [(String, Tensor, String)] = [
      ("whole", tensor { _ in true }, "dense"), ("nearly", tensor { $0 % 50 != 0 }, "dense"),
      ("half", tensor { flags[$0] < 0.5 }, "bitmask"), ("few", tensor { flags[$0] < 0.02 }, "gaps"),
      ("pattern", tensor { ($0 + $0 / 4) % 4 < 2 }, "2-of-4"),
      ("eighths", tensor { ($0 * 3 + $0 / 8) % 8 < 3 }, "3-of-8"), ("zeros", tensor { _ in false }, "gaps"),
    ]
    try SafetensorsWriter.write(
      all.map { .init($0.0, $0.1) } + [
        .init("steps", Tensor(integers: [0, 0, 0, 7])), .init("scalar", Tensor(zeros: [], dtype: .f32)),
        .init("empty", Tensor(zeros: [0, 5], dtype: .f16)),
      ], to: "\(folder)/model.safetensors")
    try Files.write("{}", to: "\(folder)/config.json")
    let report = try SparseCheckpoint.write(try open(folder), to: scratch.file("sparse"))
    for (name, _, encoding) in all {
      #expect(report.tensors.first { $0.name == name }?.encoding == encoding, "\(name)")
    }
    let planned = try SparseCheckpoint.plan(try open(folder), to: scratch.file("p"))
    #expect(planned.nonZero == report.nonZero)
    #expect(abs(planned.bytes - report.bytesAfter) < 8192)
    _ = try SparseCheckpoint(folder: scratch.file("sparse")).expand(to: scratch.file("again"))
    #expect(try contents(scratch.file("again")) == contents(folder))
  }

  /// Damage of every kind, each refused before anything is written.
  @Test func attacks() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let dense = try SparseEditTests.pruned(base, scratch.file("dense"), share: 0.5)
    _ = try SparseCheckpoint.write(dense, to: scratch.file("sparse"))
    let path = scratch.file("sparse/\(SparseCheckpoint.fileName)")
    let whole = try Files.read(path)
    let file = try SafetensorsFile(path: path)
    let metadata = file.metadata ?? [:]
    let stored = try file.names.map { ($0, try file.tensor($0)) }
    // Copies: the mapped file is about to be replaced.
    let tensors = stored.map { name, tensor -> (String, Tensor) in
      let copy = Tensor(zeros: tensor.shape, dtype: tensor.dtype)
      copy.storage.base.copyMemory(from: tensor.pointer, byteCount: tensor.byteCount)
      return (name, copy)
    }
    func opened() -> String? {
      code {
        let sparse = try SparseCheckpoint(folder: scratch.file("sparse"))
        _ = try sparse.expand(to: scratch.file("out"))
      }
    }
    func put(_ bytes: [UInt8]) throws {
      try Files.remove(path)
      try Files.write(bytes, to: path)
    }
    func with(
      _ change: (inout JSONValue) -> Void = { _ in },
      keys: (inout OrderedDictionary<String, String>) -> Void = { _ in },
      tensors edit: (inout [(String, Tensor)]) -> Void = { _ in }
    ) throws -> String? {
      var record = try JSONValue(parsing: metadata["record"] ?? "", source: "x")
      change(&record)
      var own = metadata
      own["record"] = try record.text()
      keys(&own)
      var list = tensors
      edit(&list)
      try Files.remove(path)
      try SafetensorsWriter.write(list.map { .init($0.0, $0.1) }, metadata: own, to: path)
      return opened()
    }
    func first(_ record: inout JSONValue, _ key: String, _ value: JSONValue, of name: String = gate0) {
      var list = record["tensors"]?.array ?? []
      for index in list.indices where list[index]["name"]?.string == name { list[index][key] = value }
      record["tensors"] = .array(list)
    }
    func bytes(
      _ list: inout [(String, Tensor)], _ name: String, _ change: (UnsafeMutablePointer<UInt8>, Int) -> Void
    ) {
      guard let index = list.firstIndex(where: { $0.0 == name }) else {
        Issue.record("no \(name)")
        return
      }
      let old = list[index].1
      let copy = Tensor(zeros: old.shape, dtype: old.dtype)
      copy.storage.base.copyMemory(from: old.pointer, byteCount: old.byteCount)
      change(copy.storage.base.assumingMemoryBound(to: UInt8.self), copy.byteCount)
      list[index].1 = copy
    }
    // Cut off anywhere.
    for length in [0, 7, 100, whole.count / 2, whole.count - 1] {
      try put(Array(whole.prefix(length)))
      #expect(opened() != nil, "\(length) bytes")
    }
    #expect(try with(keys: { $0["format"] = "surgeon-patch" }) == "SPARSE_BAD")
    #expect(try with(keys: { $0["version"] = "2" }) == "SPARSE_BAD")
    #expect(try with(keys: { $0["record"] = "{" }) == "SPARSE_BAD")
    #expect(try with { $0["model_hash"] = .null } == "SPARSE_BAD")
    #expect(try with { $0["shards"] = [] } == "SPARSE_BAD")
    #expect(try with { $0["tensors"] = [] } == "SPARSE_BAD")
    #expect(try with { first(&$0, "count", 5) } == "SPARSE_BAD")
    #expect(try with { first(&$0, "count", -5) } == "SPARSE_BAD")
    #expect(try with { first(&$0, "nonzero", 1_000_000) } == "SPARSE_BAD")
    #expect(try with { first(&$0, "encoding", "gaps") } == "SPARSE_BAD")
    #expect(try with { first(&$0, "encoding", "2-of-4") } == "SPARSE_BAD")
    #expect(try with { first(&$0, "encoding", "dense") } == "SPARSE_BAD")
    #expect(try with { first(&$0, "encoding", "other") } == "SPARSE_BAD")
    #expect(try with { first(&$0, "name", "other") } == "SPARSE_BAD")
    #expect(try with { first(&$0, "sha256", .string(String(repeating: "0", count: 64))) } == "SPARSE_BAD")
    // A path that leaves the folder, a size that the header does not fill, two shards of one name.
    func shard(_ record: inout JSONValue, _ key: String, _ value: JSONValue) {
      var list = record["shards"]?.array ?? []
      list[0][key] = value
      record["shards"] = .array(list)
    }
    #expect(try with { shard(&$0, "name", "../x.safetensors") } == "SHARD_PATH")
    #expect(try with { shard(&$0, "name", "/x.safetensors") } == "SHARD_PATH")
    #expect(try with { shard(&$0, "name", "config.json") } == "SPARSE_BAD")
    #expect(try with { shard(&$0, "size", 12) } != nil)
    #expect(
      try with { $0["shards"] = .array(Array(repeating: $0["shards"]?.array?[0] ?? .null, count: 2)) } != nil)
    // Codes and values.
    #expect(
      try with(tensors: { bytes(&$0, gate0 + ".places") { bytes, _ in bytes[0] ^= 1 } }) == "SPARSE_BAD")
    #expect(
      try with(tensors: { bytes(&$0, gate0 + ".values") { bytes, _ in bytes[0] ^= 1 } }) == "SPARSE_BAD")
    #expect(try with(tensors: { $0.removeAll { $0.0 == gate0 + ".values" } }) == "SPARSE_BAD")
    #expect(try with(tensors: { $0.append(("stranger", Tensor([1]))) }) == "SPARSE_BAD")
    #expect(try with(tensors: { bytes(&$0, "surgeon.header.0") { bytes, _ in bytes[9] = 0 } }) != nil)
    #expect(try with(tensors: { bytes(&$0, "surgeon.header.0") { bytes, _ in bytes[7] = 1 } }) != nil)
    #expect(!Files.exists(scratch.file("out")))
    #expect(try with() == nil)
  }

  @Test func outputsThatCannotBeMade() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    #expect(code { _ = try SparseCheckpoint.write(base, to: scratch.file("base")) } == "OUTPUT_EXISTS")
    #expect(
      code { _ = try SparseCheckpoint.write(base, to: scratch.file("base/inside")) } == "OUTPUT_INSIDE_SOURCE"
    )
    #expect(code { _ = try SparseCheckpoint(folder: scratch.file("nothing")) } == "FILE_MISSING")
  }
}

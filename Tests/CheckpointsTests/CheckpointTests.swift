import Checkpoints
import Glibc
import JSON
import Runtime
import Tensors
import Testing

@Suite struct CheckpointTests {
  @Test(arguments: [false, true]) func opens(sharded: Bool) throws {
    let scratch = try Scratch()
    let model = try Checkpoint(folder: try writeSample(scratch, sharded: sharded) + "/", cache: .none)
    #expect(model.tensorNames.count == 6)
    #expect(model.tensorNames[1] == "model.layers.0.mlp.gate_proj.weight")
    #expect(model.config["model_type"]?.string == "llama")
    #expect(model.generationConfig?["eos_token_id"]?.array?.count == 2)
    #expect(
      model.sideFiles == [
        "1_Pooling/config.json", "config.json", "generation_config.json", "tokenizer.model",
      ])
    #expect(model.shards.count == (sharded ? 2 : 1))
    #expect(model.entry("model.norm.weight")?.shape == [16])
    #expect(try model.tensor("model.norm.weight").dtype == .bf16)
    #expect(model.parameterCount == 800 + 384 * 3 + 640 + 16)
    #expect(model.notes.isEmpty)
    #expect(code { _ = try model.tensor("nope") } == "TENSOR_UNKNOWN")
  }

  @Test func hashesDoNotDependOnSharding() throws {
    let scratch = try Scratch()
    let single = try Checkpoint(folder: try writeSample(scratch, "one"), cache: .none)
    let sharded = try Checkpoint(folder: try writeSample(scratch, "two", sharded: true), cache: .none)
    #expect(try single.modelHash == sharded.modelHash)
    let name = "model.norm.weight"
    #expect(try single.sha256(ofTensor: name) == single.withBytes(name) { SHA256.hex($0) })
    #expect(code { _ = try single.sha256(ofTensor: "nope") } == "TENSOR_UNKNOWN")
  }

  /// The formula in words, computed again beside the library.
  @Test func modelHashIsTheDocumentedFormula() throws {
    let scratch = try Scratch()
    let model = try Checkpoint(folder: try writeSample(scratch), cache: .none)
    var lines = ""
    for name in model.tensorNames.sorted() {
      let entry = try #require(model.entry(name))
      let sizes = entry.shape.map { "\($0)" }.joined(separator: ",")
      lines += "\(name.utf8.count) \(name) \(entry.dtype.rawValue) [\(sizes)] "
      lines += try model.withBytes(name) { SHA256.hex($0) } + "\n"
    }
    #expect(try model.modelHash == SHA256.hex(lines))
  }

  @Test func remembersHashesUntilTheFileMoves() async throws {
    let scratch = try Scratch()
    let cache = HashCache(folder: scratch.file("cache"))
    let folder = try writeSample(scratch)
    let hash = try Checkpoint(folder: folder, cache: cache).modelHash
    // Written moments ago: two writes could share one time, so nothing is kept yet.
    #expect(!Files.exists(scratch.file("cache")))
    try await Task.sleep(for: .milliseconds(2_100))
    #expect(try Checkpoint(folder: folder, cache: cache).modelHash == hash)
    let records = try Files.list(scratch.file("cache"))
    #expect(records.count == 1)
    // A record that lies is believed: this shows that it is read.
    let path = scratch.file("cache/\(records[0])")
    var value = try JSONValue(file: path)
    value["sha256"]?["model.norm.weight"] = .string(String(repeating: "0", count: 64))
    try Files.write(try value.text(), to: path)
    #expect(try Checkpoint(folder: folder, cache: cache).modelHash != hash)
    // A damaged record is passed over; so is a cache that cannot be written.
    try Files.write("{", to: path)
    #expect(try Checkpoint(folder: folder, cache: cache).modelHash == hash)
    #expect(try Checkpoint(folder: folder, cache: HashCache(folder: "/proc/none")).modelHash == hash)
  }

  @Test func refusesWhatItCannotRead() throws {
    let scratch = try Scratch()
    func made(_ name: String, _ files: [String]) throws -> String {
      try Files.makeFolder(scratch.file(name))
      for file in files { try scratch.write("{}", "\(name)/\(file)") }
      return scratch.file(name)
    }
    func error(_ folder: String) -> CheckpointError? {
      do {
        _ = try Checkpoint(folder: folder, cache: .none)
        return nil
      } catch { return error as? CheckpointError }
    }
    let pickles = try made("a", ["config.json", "optimizer.bin"])
    #expect(error(pickles)?.code == "WEIGHTS_UNSUPPORTED")
    #expect(error(pickles)?.suggestion.contains("save_pretrained") == true)
    let fake = try made("a2", ["config.json", "pytorch_model.bin"])
    #expect(code { _ = try Checkpoint(folder: fake, cache: .none) } == "TORCH_NOT_ARCHIVE")
    #expect(error(try made("b", ["m.Q4_K.gguf"]))?.suggestion.contains("GGUF") == true)
    #expect(
      error(try made("c", ["adapter_config.json", "adapter_model.safetensors"]))?.suggestion
        .contains("merge") == true)
    #expect(error(try made("d", ["config.json"]))?.code == "NO_WEIGHTS")
    #expect(error(try made("e", ["consolidated.safetensors"]))?.found.contains("consolidated") == true)
    #expect(error(try scratch.write("", "f"))?.code == "NOT_A_FOLDER")
    #expect(code { _ = try Checkpoint(folder: scratch.file("none")) } == "FILE_MISSING")
    let bare = try writeSample(scratch, "g")
    try Files.remove("\(bare)/config.json")
    #expect(error(bare)?.code == "CONFIG_MISSING")
  }

  @Test func refusesBadIndexes() throws {
    let scratch = try Scratch()
    let folder = try writeSample(scratch, sharded: true)
    let path = "\(folder)/model.safetensors.index.json"
    let good = try JSONValue(file: path)
    func codeAfter(_ change: (inout JSONValue) -> Void) throws -> String? {
      var value = good
      change(&value)
      try Files.write(try value.text(), to: path)
      return code { _ = try Checkpoint(folder: folder, cache: .none) }
    }
    for shard in ["../base/model-00001-of-00002.safetensors", "/etc/passwd", "a/../../b", "", ".", "a//b"] {
      #expect(
        try codeAfter { $0["weight_map"]?["model.norm.weight"] = .string(shard) } == "SHARD_PATH", "\(shard)")
    }
    #expect(
      try codeAfter { $0["weight_map"]?["model.norm.weight"] = "model-00009.safetensors" } == "SHARD_MISSING")
    #expect(
      try codeAfter { $0["weight_map"]?["model.norm.weight"] = "model-00001-of-00002.safetensors" }
        == "TENSOR_NOT_IN_SHARD")
    #expect(
      try codeAfter { $0["weight_map"]?["ghost"] = "model-00001-of-00002.safetensors" }
        == "TENSOR_NOT_IN_SHARD")
    #expect(try codeAfter { $0["weight_map"] = [] } == "INDEX_BAD")
    #expect(try codeAfter { $0["weight_map"]?["model.norm.weight"] = 1 } == "INDEX_BAD")
    try Files.write("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", to: path)
    #expect(code { _ = try Checkpoint(folder: folder, cache: .none) } == "HEADER_DUPLICATE_KEY")
    #expect(try codeAfter { _ in } == nil)
    // A tensor that the index does not list is read and noted.
    #expect(try codeAfter { $0["weight_map"]?["model.norm.weight"] = nil } == nil)
    #expect(try Checkpoint(folder: folder, cache: .none).notes.first?.contains("model.norm.weight") == true)
    // The same tensor in both shards.
    let second = try Files.read("\(folder)/model-00002-of-00002.safetensors")
    try Files.write(second, to: "\(folder)/model-00001-of-00002.safetensors")
    #expect(try codeAfter { _ in } == "TENSOR_TWICE")
  }

  @Test func oddFilesDoNotKeepAnyoneFromReading() throws {
    let scratch = try Scratch()
    let folder = try writeSample(scratch)
    #expect(symlink("/nowhere/at/all", "\(folder)/dangling") == 0)
    #expect(symlink(folder, "\(folder)/loop") == 0)
    #expect(symlink(scratch.file("elsewhere.txt"), "\(folder)/linked.txt") == 0)
    try scratch.write("text", "elsewhere.txt")
    try scratch.write("x", "base/pytorch_model.bin")
    let model = try Checkpoint(folder: folder, cache: .none)
    #expect(model.sideFiles.contains("linked.txt"))
    #expect(!model.sideFiles.contains("dangling"))
    #expect(model.notes.first?.contains("pytorch_model.bin") == true)
  }
}

import JSON
import OrderedCollections
import Runtime

/// Which files of a folder are the model's weights, before any of them is opened.
struct CheckpointFolder {
  /// The index's own path inside the folder; nil for a single file.
  var indexFile: String?
  /// The shards in order of their names, as paths inside the folder.
  var shards: [String]
  /// Where the index places each tensor, in index order; empty for a single file.
  var placement: [(tensor: String, shard: String)] = []

  /// How the weight files are written.
  enum Format { case safetensors, torch }
  /// The format of the shards.
  var format = Format.safetensors

  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"
  /// State dicts by `torch.save`, in the order in which they are looked for.
  static let torchSingles = ["pytorch_model.bin", "model.pt", "model.pth"]
  static let torchIndex = "pytorch_model.bin.index.json"

  /// Looks at a folder: a single file wins over an index, and safetensors over pickles, as Hugging Face's loader has it.
  /// - Throws: ``FileError/missing(path:)``, ``CheckpointError``.
  init(_ folder: String) throws {
    guard Files.exists(folder) else { throw FileError.missing(path: folder) }
    guard Files.isFolder(folder) else { throw CheckpointError.notAFolder(path: folder) }
    if Files.exists("\(folder)/\(Self.single)") {
      shards = [Self.single]
    } else if let torch = Self.torchSingles.first(where: { Files.exists("\(folder)/\($0)") }),
      !Files.exists("\(folder)/\(Self.index)")
    {
      shards = [torch]
      format = .torch
    } else if let index = [Self.index, Self.torchIndex].first(where: { Files.exists("\(folder)/\($0)") }) {
      indexFile = index
      format = index == Self.index ? .safetensors : .torch
      placement = try Self.placement("\(folder)/\(index)")
      shards = Set(placement.map(\.shard)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for shard in shards where !Files.exists("\(folder)/\(shard)") {
        if SparseCheckpoint.isOne(folder) { throw Self.refusal(folder, names: try Files.list(folder)) }
        let tensor = placement.first { $0.shard == shard }?.tensor ?? ""
        throw CheckpointError.shardMissing(folder: folder, shard: shard, tensor: tensor)
      }
    } else {
      throw Self.refusal(folder, names: try Files.list(folder))
    }
  }

  /// Opens one of the shards.
  /// - Throws: ``FileError``, ``CheckpointError``, ``TorchFileError``.
  func open(_ path: String, shard: String) throws -> any WeightFile {
    switch format {
    case .safetensors: try SafetensorsFile(path: path, shard: shard)
    case .torch: try TorchFile(path: path, shard: shard)
    }
  }

  private static func placement(_ path: String) throws -> [(tensor: String, shard: String)] {
    let bytes = try Files.read(path)
    let value = try JSONValue(parsing: bytes, source: path)
    if let key = bytes.withUnsafeBytes({ JSONKeys.firstDuplicate($0) }) {
      throw CheckpointError.duplicateKey(file: path, key: key)
    }
    guard let map = value["weight_map"]?.object, !map.isEmpty else {
      throw CheckpointError.badIndex(file: path, reason: "no weight_map, or an empty one")
    }
    return try map.map { tensor, value in
      guard let shard = value.string else {
        throw CheckpointError.badIndex(file: path, reason: "the shard of \(tensor) is no text")
      }
      let parts = shard.split(separator: "/", omittingEmptySubsequences: false)
      if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) || shard.utf8.contains(0) {
        throw CheckpointError.unsafeShardPath(file: path, shard: shard)
      }
      return (tensor, shard)
    }
  }

  private static func refusal(_ folder: String, names: [String]) -> CheckpointError {
    func having(_ endings: String...) -> [String] {
      names.filter { name in endings.contains { name.hasSuffix($0) } }
    }
    if names.contains(SparseCheckpoint.fileName) {
      return .unsupportedWeights(
        folder: folder, files: [SparseCheckpoint.fileName], format: "a sparse checkpoint")
    }
    let formats: [(files: [String], format: String)] = [
      (names.filter { $0 == "adapter_config.json" || $0 == "adapter_model.safetensors" }, "a PEFT adapter"),
      (
        having(".bin", ".pt", ".pth", ".ckpt").filter { !$0.hasPrefix("tokenizer") }, "PyTorch pickles (.bin)"
      ),
      (having(".gguf"), "GGUF"),
      (having(".h5", ".msgpack"), "TensorFlow or Flax weights"),
      (having(".onnx"), "ONNX"),
    ]
    let loose = having(".safetensors")
    if loose.isEmpty || names.contains("adapter_config.json") {
      for (files, format) in formats where !files.isEmpty {
        return .unsupportedWeights(folder: folder, files: files, format: format)
      }
    }
    return .noWeights(folder: folder, seen: loose.isEmpty ? names : loose)
  }
}

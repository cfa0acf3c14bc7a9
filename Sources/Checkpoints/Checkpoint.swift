import JSON
import Runtime
import Synchronization
import Tensors

/// A checkpoint folder: config, weights in one file or in shards, and side files. Opened for reading only.
public final class Checkpoint: Sendable {
  /// The folder as it was given, without a closing slash.
  public let folder: String
  /// config.json as it stands; which generation of keys it speaks is not judged here.
  public let config: JSONValue
  /// generation_config.json, where there is one.
  public let generationConfig: JSONValue?
  /// The safetensors files in order of their names; empty where the weights are PyTorch state dicts.
  public let shards: [SafetensorsFile]
  /// The names of those files inside the folder.
  public let shardNames: [String]
  /// The index's name inside the folder; nil for a single file.
  public let indexFile: String?
  /// All tensor names: by shard, and within a shard as its header lists them.
  public let tensorNames: [String]
  /// Files that are neither weights nor index: paths inside the folder, sub-folders included, links resolved.
  public let sideFiles: [String]
  /// What a careful reader should know: weights that are not read, tensors that the index does not list.
  public let notes: [String]

  /// The weight files of either format, in order of their names.
  let files: [any WeightFile]
  let places: [String: (shard: Int, entry: TensorEntry)]
  let items: [FolderItem]
  let cache: HashCache
  let identities: [FileIdentity]
  let hashes = Mutex<[String: String]>([:])

  /// Opens a folder and checks every header; `cache` is where tensor hashes are remembered.
  /// - Throws: ``FileError``, ``CheckpointError``, ``JSONError``.
  public init(folder path: String, cache: HashCache = .standard) throws {
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let layout = try CheckpointFolder(folder)
    guard Files.exists("\(folder)/config.json") else { throw CheckpointError.configMissing(folder: folder) }
    let identities = try layout.shards.map { try FileIdentity(path: "\(folder)/\($0)") }
    let files = try layout.shards.map { try layout.open("\(folder)/\($0)", shard: $0) }
    var places: [String: (shard: Int, entry: TensorEntry)] = [:]
    var names: [String] = []
    for (index, shard) in files.enumerated() {
      for entry in shard.entries {
        if let other = places[entry.name] {
          throw CheckpointError.tensorInTwoShards(
            tensor: entry.name, first: other.entry.shard, second: entry.shard)
        }
        places[entry.name] = (index, entry)
        names.append(entry.name)
      }
    }
    for (tensor, shard) in layout.placement where places[tensor]?.entry.shard != shard {
      throw CheckpointError.tensorNotInShard(tensor: tensor, shard: shard)
    }
    let items = try FolderItem.list(folder)
    let weights = Set(layout.shards + (layout.indexFile.map { [$0] } ?? []))
    let sideFiles = items.filter { !$0.isFolder && $0.obstacle == nil && !weights.contains($0.path) }.map(
      \.path)

    self.folder = folder
    self.config = try JSONValue(file: "\(folder)/config.json")
    self.generationConfig =
      Files.exists("\(folder)/generation_config.json")
      ? try JSONValue(file: "\(folder)/generation_config.json") : Optional<JSONValue>.none
    self.files = files
    self.shards = files.compactMap { $0 as? SafetensorsFile }
    self.shardNames = layout.shards
    self.indexFile = layout.indexFile
    self.tensorNames = names
    self.sideFiles = sideFiles
    self.notes = Self.notes(layout, names: names, sideFiles: sideFiles)
    self.places = places
    self.items = items
    self.cache = cache
    self.identities = identities
    hashes.withLock { known in
      for (index, shard) in files.enumerated() {
        let remembered = cache.load(identities[index])
        for entry in shard.entries { known[entry.name] = remembered[entry.name] }
      }
    }
  }

  private static func notes(_ layout: CheckpointFolder, names: [String], sideFiles: [String]) -> [String] {
    var notes: [String] = []
    if layout.format == .torch {
      notes.append("the weights are PyTorch state dicts: read in place, written only by surgeon convert")
    }
    let others = sideFiles.filter { file in
      [".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"].contains {
        file.hasSuffix($0)
      }
    }
    if !others.isEmpty {
      notes.append(
        "other weight files are not read, and are copied unchanged: \(CheckpointError.list(others))")
    }
    let listed = Set(layout.placement.map(\.tensor))
    let unlisted = listed.isEmpty ? [] : names.filter { !listed.contains($0) }
    if !unlisted.isEmpty {
      notes.append("the index does not list these tensors of its shards: \(CheckpointError.list(unlisted))")
    }
    return notes
  }

  /// Bytes of all weight files, headers included.
  public var weightBytes: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// Whether the weights are safetensors, which is the only format that is written.
  public var isSafetensors: Bool { shards.count == files.count }

  /// Elements of all tensors.
  public var parameterCount: Int { places.values.reduce(0) { $0 + $1.entry.count } }

  /// The record of a tensor; nil for an unknown name.
  public func entry(_ name: String) -> TensorEntry? { places[name]?.entry }

  /// A tensor as a view of its mapped shard.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``, ``TorchFileError/checksum(file:record:)``.
  public func tensor(_ name: String) throws -> Tensor { try files[place(name).shard].tensor(name) }

  /// Hands out a tensor's stored bytes, in place and possibly unaligned; valid during the call only.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``, and what `body` throws.
  public func withBytes<R>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    try withExtendedLifetime(self) { try body(try bytes(name)) }
  }

  /// The same, valid while this object is alive: the caller keeps it.
  func bytes(_ name: String) throws -> UnsafeRawBufferPointer {
    let place = try place(name)
    return try files[place.shard].data(of: place.entry)
  }

  func place(_ name: String) throws -> (shard: Int, entry: TensorEntry) {
    guard let place = places[name] else { throw CheckpointError.unknownTensor(name: name, place: folder) }
    return place
  }
}

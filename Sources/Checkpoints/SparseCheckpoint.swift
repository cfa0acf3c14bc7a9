import JSON
import OrderedCollections
import Runtime
import Tensors

/// A checkpoint folder whose weights are one sparse file: what is zero takes no bytes, and everything comes back exactly.
///
/// `model.sparse.safetensors` is an ordinary safetensors file. A tensor that gains nothing by it stands there under its own name;
/// any other as `NAME.places` (u8, a ``SparseEncoding``) and `NAME.values`. "Zero" means all bits zero: a negative zero is a
/// value. `surgeon.header.K` are the original shards' headers, byte for byte, so that the shards themselves come
/// back, not only their tensors. The record in the metadata holds each tensor's hash and the model's.
///
/// Nothing computes with such a file: it is smaller on the disk, and it is expanded before it is used.
public final class SparseCheckpoint: Sendable {
  /// The weight file's name inside the folder.
  public static let fileName = "model.sparse.safetensors"
  static let kind = "surgeon-sparse"
  static let formatVersion = 1

  /// One tensor of the dense checkpoint.
  public struct Item: Sendable {
    /// Its name.
    public let name: String
    /// Type of its elements.
    public let dtype: DType
    /// Its sizes.
    public let shape: [Int]
    /// Which of the shards it belongs to.
    public let shard: Int
    /// How its places are written down; nil where it is stored whole.
    public let encoding: SparseEncoding?
    /// Elements whose bits are not all zero.
    public let nonZero: Int
    /// Bytes that it takes in the sparse file.
    public let byteCount: Int
    /// SHA-256 of its dense bytes.
    public let sha256: String

    /// Elements in all.
    public var count: Int { shape.reduce(1, *) }
    /// Bytes that it takes when dense.
    public var denseByteCount: Int { count * dtype.size }

    let places: SparsePlaces?
    /// The values of its places, or all of it.
    let values: Tensor
  }

  /// One shard of the dense checkpoint.
  struct Shard: Sendable {
    let name: String
    /// Its first bytes: the length field and the header.
    let bytes: Tensor
    let header: SafetensorsHeader
    /// Bytes of the whole file.
    let size: Int
  }

  /// The folder, without a closing slash.
  public let folder: String
  /// The tensors, shard by shard, in the order of the shards' headers.
  public let items: [Item]
  /// Hash of the dense model.
  public let modelHash: String
  /// Bytes of the sparse file.
  public let byteCount: Int
  /// Bytes of the dense shards.
  public var denseByteCount: Int { shards.reduce(0) { $0 + $1.size } }
  /// Names of the dense shards.
  public var shardNames: [String] { shards.map(\.name) }

  let shards: [Shard]
  let sideItems: [FolderItem]
  private let file: SafetensorsFile

  /// Whether a folder holds a sparse file.
  public static func isOne(_ folder: String) -> Bool { Files.exists("\(folder)/\(fileName)") }

  /// Opens a folder and checks the whole file: header, record, every place's code, and the old headers.
  /// - Throws: ``FileError``, ``CheckpointError/badSparse(file:tensor:reason:)``, and what a safetensors header's check throws.
  public init(folder path: String) throws {
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let file = try SafetensorsFile(path: "\(folder)/\(Self.fileName)")
    var reader = try Reader(file)
    let shards = try reader.shards()
    let sides = try FolderItem.list(folder).filter { $0.path != Self.fileName }
    for shard in shards where sides.contains(where: { $0.path == shard.name }) {
      throw reader.bad(shard.name, "a file of this name stands beside the sparse one")
    }
    self.items = try reader.items(shards)
    self.modelHash = reader.modelHash
    try reader.checkAllRead()
    self.folder = folder
    self.shards = shards
    self.sideItems = sides
    self.file = file
    byteCount = try Files.size(file.path)
  }

  /// Calls `body` with a tensor's dense bytes in order, a block at a time.
  func dense(_ item: Item, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let size = item.dtype.size, step = TensorBlocks.size / size
    try withExtendedLifetime(item.values) {
      guard let places = item.places else {
        let bytes = item.values.bytes
        for start in stride(from: 0, to: bytes.count, by: TensorBlocks.size) {
          try Cancellation.check()
          try body(
            UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + TensorBlocks.size, bytes.count)]))
        }
        return
      }
      let block = UnsafeMutableRawBufferPointer.allocate(
        byteCount: min(step, max(1, item.count)) * size, alignment: 64)
      defer { block.deallocate() }
      for start in stride(from: 0, to: item.count, by: step) {
        try Cancellation.check()
        let part = UnsafeMutableRawBufferPointer(rebasing: block[..<(min(step, item.count - start) * size)])
        part.initializeMemory(as: UInt8.self, repeating: 0)
        places.scatter(
          item.values.bytes, size: size, width: 1, into: part, start..<start + part.count / size)
        try body(UnsafeRawBufferPointer(part))
      }
    }
  }
}

extension SparseCheckpoint {
  /// Reads the record and checks it against the file.
  private struct Reader {
    let file: SafetensorsFile
    let record: JSONValue
    let modelHash: String
    private var read: Set<String> = []

    init(_ file: SafetensorsFile) throws {
      self.file = file
      func bad(_ reason: String) -> CheckpointError {
        .badSparse(file: file.path, tensor: "(the record)", reason: reason)
      }
      guard let metadata = file.metadata, metadata["format"] == kind else {
        throw bad("the format is \(file.metadata?["format"] ?? "(none)"), not \(kind)")
      }
      guard let version = metadata["version"].flatMap({ Int($0) }), (1...formatVersion).contains(version)
      else {
        throw bad("version \(metadata["version"] ?? "(none)"); this program reads up to \(formatVersion)")
      }
      guard let text = metadata["record"], let value = try? JSONValue(parsing: text, source: file.path) else {
        throw bad("no record, or one that is no JSON")
      }
      guard let hash = value["model_hash"]?.string else { throw bad("no model hash") }
      record = value
      modelHash = hash
    }

    func bad(_ tensor: String, _ reason: String) -> CheckpointError {
      .badSparse(file: file.path, tensor: tensor, reason: reason)
    }

    /// A stored tensor, which nothing else may read.
    private mutating func take(_ name: String, for tensor: String, _ dtype: DType) throws -> Tensor {
      guard let entry = file.entry(name), entry.dtype == dtype else {
        throw bad(tensor, "no \(name) of type \(dtype.rawValue)")
      }
      guard read.insert(name).inserted else { throw bad(tensor, "\(name) stands for two tensors") }
      return try file.tensor(name)
    }

    mutating func shards() throws -> [Shard] {
      guard let list = record["shards"]?.array, !list.isEmpty else { throw bad("(the record)", "no shards") }
      var names: Set<String> = []
      return try list.enumerated().map { index, value in
        guard let name = value["name"]?.string, let size = value["size"]?.int, names.insert(name).inserted
        else { throw bad("shard \(index)", "no name, one that stands twice, or no size") }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) || name.utf8.contains(0) {
          throw CheckpointError.unsafeShardPath(file: file.path, shard: name)
        }
        let bytes = try take("surgeon.header.\(index)", for: name, .u8)
        let header = try withExtendedLifetime(bytes) {
          try SafetensorsHeader(bytes: bytes.bytes, of: size, file: "\(file.path) (\(name))", shard: name)
        }
        guard header.dataStart == bytes.count else { throw bad(name, "bytes after its header") }
        return Shard(name: name, bytes: bytes, header: header, size: size)
      }
    }

    mutating func items(_ shards: [Shard]) throws -> [Item] {
      let entries = shards.enumerated().flatMap { index, shard in shard.header.entries.map { (index, $0) } }
      let list = record["tensors"]?.array ?? []
      guard list.count == entries.count else {
        throw bad("(the record)", "\(list.count) tensors where the shards' headers have \(entries.count)")
      }
      return try zip(list, entries).map { value, place in
        let (shard, entry) = place
        guard value["name"]?.string == entry.name, let hash = value["sha256"]?.string,
          let word = value["encoding"]?.string, let nonZero = value["nonzero"]?.int,
          (0...entry.count).contains(nonZero)
        else { throw bad(entry.name, "a record without its name, encoding, count or hash") }
        guard word != "dense" else {
          let stored = try take(entry.name, for: entry.name, entry.dtype)
          guard stored.shape == entry.shape else { throw bad(entry.name, "another shape than its header's") }
          return Item(
            name: entry.name, dtype: entry.dtype, shape: entry.shape, shard: shard, encoding: nil,
            nonZero: nonZero, byteCount: stored.byteCount, sha256: hash, places: nil, values: stored)
        }
        guard let encoding = SparseEncoding(name: word), let count = value["count"]?.int else {
          throw bad(entry.name, "the encoding \(word)")
        }
        if case .groups(_, let size) = encoding, entry.width % size != 0 {
          throw bad(entry.name, "groups of \(size) in rows of \(entry.width)")
        }
        let code = try take("\(entry.name).places", for: entry.name, .u8)
        let values = try take("\(entry.name).values", for: entry.name, entry.dtype)
        let places: SparsePlaces
        do {
          places = try SparsePlaces(encoding, extent: entry.count, count: count, code: code)
        } catch let fault as SparsePlaces.Fault { throw bad(entry.name, fault.reason) }
        guard values.count == count else {
          throw bad(entry.name, "\(values.count) values for \(count) places")
        }
        return Item(
          name: entry.name, dtype: entry.dtype, shape: entry.shape, shard: shard, encoding: encoding,
          nonZero: nonZero, byteCount: code.byteCount + values.byteCount, sha256: hash, places: places,
          values: values)
      }
    }

    func checkAllRead() throws {
      if let stray = file.names.first(where: { !read.contains($0) }) {
        throw bad(stray, "nothing in the record speaks of it")
      }
    }
  }
}

import OrderedCollections
import Runtime
import Tensors

/// A safetensors file, mapped read-only and fully checked when opened.
public final class SafetensorsFile: Sendable {
  /// The path as it was opened.
  public let path: String
  /// The checked header.
  public let header: SafetensorsHeader
  private let mapping: MappedFile
  private let places: [String: Int]

  /// Opens a file; `shard` is the name its entries carry (default: the file's own).
  /// - Throws: ``FileError``, ``CheckpointError``.
  public init(path: String, shard: String? = nil) throws {
    let mapping = try MappedFile(path: path)
    let header = try SafetensorsHeader(
      bytes: mapping.bytes, file: path, shard: shard ?? Files.name(of: path))
    self.path = path
    self.mapping = mapping
    self.header = header
    self.places = Dictionary(
      header.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The tensors in header order.
  public var entries: [TensorEntry] { header.entries }

  /// The names in header order.
  public var names: [String] { header.entries.map(\.name) }

  /// `__metadata__` in order; nil where the file has none.
  public var metadata: OrderedDictionary<String, String>? { header.metadata }

  /// All bytes of the file, valid while this object is alive.
  var bytes: UnsafeRawBufferPointer { mapping.bytes }

  /// The record of a tensor; nil for an unknown name.
  public func entry(_ name: String) -> TensorEntry? { places[name].map { header.entries[$0] } }

  /// A tensor as a view of the mapped file, without a copy.
  ///
  /// Where a tensor's place is no multiple of its element size (writers need not align), the view is of an aligned
  /// copy, so that typed reads are always defined.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = entry(name) else { throw CheckpointError.unknownTensor(name: name, place: path) }
    let bytes = self.bytes(of: entry)
    guard entry.byteRange.lowerBound % entry.dtype.size == 0 else {
      let storage = TensorStorage(byteCount: bytes.count)
      if let from = bytes.baseAddress { storage.base.copyMemory(from: from, byteCount: bytes.count) }
      return Tensor(storage: storage, shape: entry.shape, dtype: entry.dtype)
    }
    return Tensor(
      storage: TensorStorage(viewing: bytes, owner: mapping), shape: entry.shape, dtype: entry.dtype)
  }

  /// The bytes of one of this file's entries, valid while this object is alive; may be unaligned.
  func bytes(of entry: TensorEntry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.byteRange])
  }
}

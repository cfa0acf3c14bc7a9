import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// Writes safetensors files, atomically: a reader sees the whole file or none.
public enum SafetensorsWriter {
  /// One tensor to write.
  public struct Item {
    /// Its name.
    public var name: String
    /// Type of the elements.
    public var dtype: DType
    /// Sizes, outermost first.
    public var shape: [Int]
    /// Hands its bytes over in order, in pieces of any size.
    public var bytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// A tensor in memory.
    public init(_ name: String, _ tensor: Tensor) {
      self.init(name, dtype: tensor.dtype, shape: tensor.shape) { emit in
        try withExtendedLifetime(tensor) { try emit(tensor.bytes) }
      }
    }

    /// A tensor whose bytes are made while they are written, so that it need not be in memory at once.
    public init(
      _ name: String, dtype: DType, shape: [Int],
      bytes: @escaping (_ emit: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.bytes = bytes
    }
  }

  /// Writes tensors in the order given.
  ///
  /// The header is padded with spaces to a multiple of 8 bytes. Put tensors of wide types first to keep every tensor
  /// aligned to its element.
  /// - Throws: ``FileError``, ``CheckpointError/duplicateKey(file:key:)``,
  ///   ``CheckpointError/headerTooLarge(file:size:limit:)`` and
  ///   ``CheckpointError/replacementDiffers(tensor:expected:found:)`` when an item hands over another number of bytes
  ///   than its shape says.
  public static func write(
    _ items: [Item], metadata: OrderedDictionary<String, String> = ["format": "pt"], to path: String
  ) throws {
    let header = try header(items, metadata: metadata, file: path)
    let partial = Files.partial(of: path)
    let output = try OutputFile(creating: partial)
    do {
      var waiting = header  // small pieces go to the disk together
      func flush() throws {
        try waiting.withUnsafeBytes { try output.append($0) }
        waiting.removeAll(keepingCapacity: true)
      }
      for item in items {
        var written = 0
        try item.bytes { piece in
          written += piece.count
          if waiting.count + piece.count > 1 << 20 { try flush() }
          if piece.count > 1 << 20 { try output.append(piece) } else { waiting.append(contentsOf: piece) }
        }
        let expected = item.shape.reduce(1, *) * item.dtype.size
        guard written == expected else {
          throw CheckpointError.replacementDiffers(
            tensor: item.name, expected: "\(expected) bytes", found: "\(written) bytes")
        }
      }
      try flush()
      try output.finish()
    } catch {
      output.abandon()
      throw error
    }
    try Files.rename(partial, to: path)
  }

  /// The length field and the header text.
  static func header(
    _ items: [Item], metadata: OrderedDictionary<String, String>, file: String
  ) throws -> [UInt8] {
    var members: OrderedDictionary<String, JSONValue> = [:]
    if !metadata.isEmpty { members["__metadata__"] = .object(metadata.mapValues(JSONValue.string)) }
    var offset = 0
    for item in items {
      guard members[item.name] == nil, item.name != "__metadata__", !item.name.utf8.contains(0) else {
        throw CheckpointError.duplicateKey(file: file, key: item.name)
      }
      let end = offset + item.shape.reduce(1, *) * item.dtype.size
      members[item.name] = [
        "dtype": .string(item.dtype.rawValue), "shape": .integers(item.shape),
        "data_offsets": .integers([offset, end]),
      ]
      offset = end
    }
    var text = Array(try JSONValue.object(members).text().utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= SafetensorsHeader.limit else {
      throw CheckpointError.headerTooLarge(
        file: file, size: UInt64(text.count), limit: SafetensorsHeader.limit)
    }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }
}

import Glibc
import Runtime

/// Writes llama.cpp control vectors: a GGUF file (version 3) with one f32 direction per block.
///
/// `direction.N` is what llama.cpp adds to the output of block N, counted from 0; block 0 has none, by its own rule.
public enum ControlVectorFile {
  private static let alignment = 32

  /// Writes the file, atomically; `directions` are keyed by block and all of one length.
  ///
  /// `modelHint` is the architecture's GGUF name, such as `llama`; `layerCount` the number of blocks that the file speaks
  /// of (default: the highest block).
  /// - Throws: ``CheckpointError/cannotExport(tensor:format:reason:)``, ``FileError``.
  public static func write(
    _ directions: [Int: [Float]], modelHint: String, layerCount: Int? = nil, to path: String
  ) throws {
    guard !Files.exists(path) else { throw FileError.exists(path: path) }
    try Files.write(try bytes(directions, modelHint: modelHint, layerCount: layerCount), to: path)
  }

  static func bytes(
    _ directions: [Int: [Float]], modelHint: String, layerCount: Int?
  ) throws -> [UInt8] {
    let blocks = directions.keys.sorted()
    func refuse(_ block: Int, _ reason: String) -> CheckpointError {
      .cannotExport(tensor: "direction.\(block)", format: "a control vector", reason: reason)
    }
    guard let first = blocks.first, let last = blocks.last else { throw refuse(1, "no directions") }
    guard first >= 1 else { throw refuse(first, "llama.cpp takes no direction for block \(first)") }
    for block in blocks {
      guard let values = directions[block], !values.isEmpty, values.count == directions[first]?.count else {
        throw refuse(block, "a length that differs from direction.\(first)")
      }
      guard values.allSatisfy(\.isFinite) else { throw refuse(block, "a number that is not finite") }
    }
    var bytes = Array("GGUF".utf8)
    func add<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    func add(_ text: String) {
      add(UInt64(text.utf8.count))
      bytes.append(contentsOf: text.utf8)
    }
    add(UInt32(3))
    add(UInt64(blocks.count))
    add(UInt64(3))
    for (key, value) in [("general.architecture", "controlvector"), ("controlvector.model_hint", modelHint)] {
      add(key)
      add(UInt32(8))  // a text
      add(value)
    }
    add("controlvector.layer_count")
    add(UInt32(5))  // i32
    add(Int32(layerCount ?? last))
    var offset = 0
    for block in blocks {
      let count = directions[block]?.count ?? 0
      add("direction.\(block)")
      add(UInt32(1))  // dimensions
      add(UInt64(count))
      add(UInt32(0))  // f32
      add(UInt64(offset))
      offset += (count * 4 + alignment - 1) / alignment * alignment
    }
    func pad() { while bytes.count % alignment != 0 { bytes.append(0) } }
    pad()
    for block in blocks {
      for value in directions[block] ?? [] { add(value.bitPattern) }
      pad()
    }
    return bytes
  }
}

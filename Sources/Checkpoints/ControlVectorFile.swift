import Runtime

/// Writes llama.cpp control vectors: a GGUF file (version 3) with one f32 direction per block.
///
/// `direction.N` is what llama.cpp adds to the output of block N, counted from 0; block 0 has none, by its own rule.
public enum ControlVectorFile {
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
    return GGUFWriter.bytes(
      [
        ("general.architecture", .string("controlvector")),
        ("controlvector.model_hint", .string(modelHint)),
        ("controlvector.layer_count", .i32(Int32(layerCount ?? last))),
      ],
      blocks.map { block in
        let values = directions[block] ?? []
        return .init(name: "direction.\(block)", dimensions: [values.count], values: values)
      })
  }
}

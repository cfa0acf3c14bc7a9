import JSON
import OrderedCollections
import Runtime
import Tensors

/// A checkpoint folder made from tensors in memory.
public struct NewCheckpoint {
  /// Tensors in the order in which they are written.
  public var tensors: [(name: String, tensor: Tensor)]
  /// What config.json says.
  public var config: JSONValue
  /// Other files: names inside the folder and their bytes.
  public var sideFiles: [(name: String, bytes: [UInt8])]

  /// A folder's content.
  public init(
    _ tensors: [(name: String, tensor: Tensor)], config: JSONValue,
    sideFiles: [(name: String, bytes: [UInt8])] = []
  ) {
    self.tensors = tensors
    self.config = config
    self.sideFiles = sideFiles
  }

  /// Writes `config.json`, `model.safetensors` and the other files: all or nothing, as a sibling that is renamed.
  ///
  /// Numbers are rounded once, to nearest even, where `dtype` says another type than a tensor's; config.json then says so.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(to output: String, dtype: DType? = nil) throws {
    let path = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
    if Files.exists(path) { throw FileError.exists(path: path) }
    let partial = try PartialFolder.make(for: path)
    do {
      for (name, bytes) in sideFiles where name != "config.json" {
        try Files.makeFolder(Files.folder(of: "\(partial)/\(name)"))
        try Files.write(bytes, to: "\(partial)/\(name)")
      }
      try Files.write(config(dtype).text(.pretty) + "\n", to: "\(partial)/config.json")
      let items = tensors.map { name, tensor in
        let stored = dtype ?? tensor.dtype
        return SafetensorsWriter.Item(name, dtype: stored, shape: tensor.shape) { emit in
          if stored == tensor.dtype { return try emit(tensor.bytes) }
          let rounded = Tensor(tensor.toFloats(), shape: tensor.shape, dtype: stored)
          try withExtendedLifetime(rounded) { try emit(rounded.bytes) }
        }
      }
      try SafetensorsWriter.write(items, to: "\(partial)/model.safetensors")
      try PartialFolder.flush(partial, folders: [])
      try PartialFolder.publish(partial, as: path)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  /// The config with the type under the key that it uses (`torch_dtype` of older folders, `dtype`).
  private func config(_ dtype: DType?) -> JSONValue {
    guard let dtype else { return config }
    let names: [DType: String] = [.f32: "float32", .f16: "float16", .bf16: "bfloat16"]
    var result = config
    result[config["dtype"] != nil ? "dtype" : "torch_dtype"] = .string(names[dtype] ?? dtype.rawValue)
    return result
  }
}

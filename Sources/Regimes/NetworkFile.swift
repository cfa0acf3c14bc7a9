import Checkpoints
import OrderedCollections
import Runtime
import Tensors
import Training

/// A trained network's values in a file: parameters, and what batch norm remembers.
enum NetworkFile {
  /// - Throws: ``CheckpointError``, ``FileError``.
  static func write(_ network: TrainableNetwork, to path: String) throws {
    try SafetensorsWriter.write(
      network.values.map { SafetensorsWriter.Item($0.name, $0.tensor) },
      metadata: ["format": "surgeon-network"],
      to: path)
  }

  /// Gives a network of the same description the values of a file.
  /// - Throws: ``RegimesError/damaged(file:problem:)``, ``CheckpointError``, ``FileError``.
  static func read(_ path: String, into network: TrainableNetwork) throws {
    let file = try SafetensorsFile(path: path)
    for (name, tensor) in network.values {
      guard let entry = file.entry(name), entry.shape == tensor.shape, entry.dtype == .f32 else {
        throw RegimesError.damaged(file: path, problem: "no \(name) of shape \(tensor.shape)")
      }
      tensor.storage.base.advanced(by: tensor.byteOffset)
        .copyMemory(from: try file.tensor(name).pointer, byteCount: tensor.byteCount)
    }
  }
}

extension TrainableNetwork {
  /// SHA-256 of all values, f32 in order.
  var sha256: String {
    var hash = SHA256()
    for (_, tensor) in values { hash.update(tensor.bytes) }
    return hash.hex()
  }

  /// SHA-256 of the pruned places of every parameter.
  var maskSHA256: String {
    var hash = SHA256()
    for parameter in parameters where !parameter.pruned.isEmpty {
      hash.update(parameter.name)
      parameter.pruned.withUnsafeBytes { hash.update($0) }
    }
    return hash.hex()
  }
}

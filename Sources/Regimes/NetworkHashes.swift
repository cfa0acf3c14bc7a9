import Runtime
import Tensors
import Training

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

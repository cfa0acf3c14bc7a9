import Checkpoints
import Runtime
import Tensors
import Transformers

extension Patch {
  /// The tensors that lose a direction or get values at single places, as the patched checkpoint stores them. They are held in memory: as many bytes
  /// as they take on the disk.
  /// - Throws: ``CheckpointError``, ``Interrupted``.
  func editedTensors(_ checkpoint: Checkpoint) throws -> [String: Tensor] {
    let whole = projections.map(\.tensor) + sparse.map(\.tensor)
    guard !whole.isEmpty else { return [:] }
    let transforms = try transforms(checkpoint)
    var edited: [String: Tensor] = [:]
    for name in whole {
      try Cancellation.check()
      guard let transform = transforms[name] else { continue }
      let tensor = try checkpoint.tensor(name)
      let copy = TensorStorage(byteCount: tensor.byteCount)
      let bytes = UnsafeMutableRawBufferPointer(start: copy.base, count: tensor.byteCount)
      withExtendedLifetime(tensor) { bytes.copyMemory(from: tensor.bytes) }
      let width = tensor.shape.last ?? 1
      try transform(0..<(width == 0 ? 0 : tensor.count / width), bytes)
      edited[name] = Tensor(storage: copy, shape: tensor.shape, dtype: tensor.dtype)
    }
    return edited
  }
}

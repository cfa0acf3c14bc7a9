import Checkpoints
import Runtime
import Tensors
import Transformers

extension Patch {
  /// The tensors that lose a direction, as the patched checkpoint stores them. They are held in memory: as many bytes
  /// as they take on the disk.
  /// - Throws: ``CheckpointError``, ``Interrupted``.
  func editedTensors(_ checkpoint: Checkpoint) throws -> [String: Tensor] {
    guard !projections.isEmpty else { return [:] }
    let transforms = try transforms(checkpoint)
    var edited: [String: Tensor] = [:]
    for edit in projections {
      try Cancellation.check()
      guard let transform = transforms[edit.tensor] else { continue }
      let tensor = try checkpoint.tensor(edit.tensor)
      let copy = TensorStorage(byteCount: tensor.byteCount)
      let bytes = UnsafeMutableRawBufferPointer(start: copy.base, count: tensor.byteCount)
      withExtendedLifetime(tensor) { bytes.copyMemory(from: tensor.bytes) }
      try transform(0..<edit.rowCount, bytes)
      edited[edit.tensor] = Tensor(storage: copy, shape: tensor.shape, dtype: tensor.dtype)
    }
    return edited
  }
}

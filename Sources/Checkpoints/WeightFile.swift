import Tensors

/// A file of tensors that a checkpoint reads in place: safetensors, or a state dict by `torch.save`.
protocol WeightFile: Sendable {
  /// The path as it was opened.
  var path: String { get }
  /// Bytes of the whole file.
  var byteCount: Int { get }
  /// The tensors in the file's order.
  var entries: [TensorEntry] { get }
  /// A tensor as a view of the mapped file, or of an aligned copy.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``, ``TorchFileError/checksum(file:record:)``.
  func tensor(_ name: String) throws -> Tensor
  /// The bytes of one of this file's entries, row-major, valid while this object is alive; may be unaligned.
  /// - Throws: ``TorchFileError/checksum(file:record:)``.
  func data(of entry: TensorEntry) throws -> UnsafeRawBufferPointer
}

extension SafetensorsFile: WeightFile {
  var byteCount: Int { bytes.count }

  func data(of entry: TensorEntry) -> UnsafeRawBufferPointer { bytes(of: entry) }
}

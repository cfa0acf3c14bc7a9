import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors
import Transformers

/// A language model whose weights are trained: the tensors of a checkpoint folder as f32, which the model reads where an
/// optimiser moves them.
///
/// Nothing here knows a family: ``Transformers/Backpropagation`` walks the description that inference walks.
public final class Decoder {
  /// The folder that it came from.
  public let checkpoint: Checkpoint
  /// The model that reads the parameters.
  public let model: Model
  /// Tensors by their names in the checkpoint, in the order of the network; a tied head is the embedding.
  public let parameters: [Parameter]
  let gradients: Backpropagation

  /// Opens a folder to train on from its weights.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  public convenience init(folder: String) throws { try self.init(Checkpoint(folder: folder)) }

  /// Trains on from an open checkpoint's weights.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  public init(_ checkpoint: Checkpoint) throws {
    var weights: OrderedDictionary<String, Tensor> = [:]
    for bound in try Binding(checkpoint).tensors.values {
      for name in bound.tensors + [bound.bias].compactMap({ $0 }) where weights[name] == nil {
        let stored = try checkpoint.tensor(name)
        let own = Tensor(zeros: stored.shape)
        stored.copyFloats(to: own.f32)
        weights[name] = own
      }
    }
    self.checkpoint = checkpoint
    model = try Model(
      checkpoint, weights: Dictionary(uniqueKeysWithValues: weights.map { ($0.key, $0.value) }))
    parameters = weights.map { Parameter($0.key, $0.value, decayed: $0.value.shape.count > 1) }
    gradients = try Backpropagation(model, parameters.map { ($0.value, $0.gradient) })
  }

  /// Numbers that are trained.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Mean loss in nats of the tokens that count, by inference's own products; 64 sequences at a time.
  /// - Throws: ``TransformerError``.
  public func loss(_ data: LanguageData) throws -> Double {
    var sum = 0.0
    for first in stride(from: 0, to: data.count, by: 64) {
      let part = data.sequences[first..<min(data.count, first + 64)]
      try Cancellation.check()
      sum += try gradients.loss(Batch(part.map(\.inputs)), targets: part.flatMap(\.targets))
    }
    return sum / Double(data.counted)
  }

  /// Writes an ordinary checkpoint folder: the trained tensors, the source's config and side files. Tensors that nothing
  /// reads (buffers, a stored copy of a tied head) are left out.
  /// - Parameter dtype: type of the stored numbers; nil keeps each tensor's own type in the source.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func write(to folder: String, dtype: DType? = nil) throws {
    let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value) })
    let tensors = checkpoint.tensorNames.compactMap { name -> (name: String, tensor: Tensor)? in
      guard let value = byName[name], let stored = dtype ?? checkpoint.entry(name)?.dtype else { return nil }
      return (name, stored == .f32 ? value : Tensor(value.toFloats(), shape: value.shape, dtype: stored))
    }
    let side = try checkpoint.sideFiles.filter { $0 != "config.json" }.map {
      (name: $0, bytes: try Files.read("\(checkpoint.folder)/\($0)"))
    }
    try NewCheckpoint(tensors, config: checkpoint.config, sideFiles: side).write(to: folder, dtype: dtype)
  }
}

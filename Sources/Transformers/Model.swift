import Architectures
import Checkpoints
import Layers
import Tensors

/// A checkpoint that can be run: the binding of its family with its weights, read in place.
///
/// Shapes: `B` texts, `T` tokens, `M` rows of a batch (all tokens of its texts, unpadded), `D` width, `F` MLP width,
/// `H` heads, `V` vocabulary, `L` blocks.
public final class Model: Sendable {
  /// The folder.
  public let checkpoint: Checkpoint
  /// Roles and tensors.
  public let binding: Binding
  /// Sizes and choices.
  public var network: Network { binding.network }

  let embedding: Tensor
  let positions: Tensor?
  let blocks: [BlockWeights]
  let finalNorm: NormWeights
  let head: LinearWeight
  let rotaryTables: RotaryTables

  /// Opens a folder: headers and config are read, weights stay mapped.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  public convenience init(folder: String) throws { try self.init(Checkpoint(folder: folder)) }

  /// Binds an open checkpoint.
  /// - Throws: ``ArchitectureError``.
  public init(_ checkpoint: Checkpoint) throws {
    let binding = try Binding(checkpoint)
    let source = WeightSource(checkpoint: checkpoint, binding: binding)
    self.checkpoint = checkpoint
    self.binding = binding
    self.embedding = try checkpoint.tensor(binding.tensor(.tokenEmbedding).tensor)
    self.positions =
      binding.network.learnedPositions
      ? try checkpoint.tensor(binding.tensor(.positionEmbedding).tensor) : nil
    self.blocks = try (0..<binding.network.blocks).map { try BlockWeights(source, block: $0) }
    self.finalNorm = try source.norm(.finalNorm)
    self.head = try source.linear(.head)
    self.rotaryTables = RotaryTables(binding.network.rotary)
  }

  /// The weights of a role as they are stored, `[outputs, inputs]` in logical order.
  /// - Throws: ``ArchitectureError``.
  public func linear(_ role: Role) throws -> LinearWeight {
    try WeightSource(checkpoint: checkpoint, binding: binding).linear(role)
  }

  /// - Throws: ``TransformerError/otherVocabulary(found:expected:)`` where next-token predictions cannot be compared.
  public func requireComparable(_ other: Model) throws {
    guard network.vocabulary == other.network.vocabulary else {
      throw TransformerError.otherVocabulary(found: network.vocabulary, expected: other.network.vocabulary)
    }
  }

  /// The effective gain of the norm that feeds a role's product, `[D]`; nil where the input is not normed.
  public func gain(feeding role: Role) -> [Float]? {
    guard let block = role.block, case .block(_, let kind) = role else {
      return role == .head ? finalNorm.effectiveGain(offset: network.norm.gainOffset) : nil
    }
    switch kind {
    case .query, .key, .value:
      return blocks[block].attentionNorm.effectiveGain(offset: network.norm.gainOffset)
    case .gate, .up: return blocks[block].mlpNorm.effectiveGain(offset: network.norm.gainOffset)
    default: return nil
    }
  }

  /// The effective gain of the norm between a product and the residual stream it writes to, `[D]`; nil where the
  /// product is added as it is.
  public func gain(following role: Role) -> [Float]? { nil }

  /// The effective gain of the norm after the last block, `[D]`.
  public var finalGain: [Float] { finalNorm.effectiveGain(offset: network.norm.gainOffset) }
}

/// Gain and bias of a norm, widened once.
struct NormWeights: Sendable {
  let gain: Tensor
  let bias: Tensor?

  func effectiveGain(offset: Float) -> [Float] { gain.toFloats().map { $0 + offset } }
}

/// The weights of one block.
struct BlockWeights: Sendable {
  let attentionNorm: NormWeights
  let query: LinearWeight
  let key: LinearWeight
  let value: LinearWeight
  let queryNorm: NormWeights?
  let keyNorm: NormWeights?
  let attentionOutput: LinearWeight
  let mlpNorm: NormWeights
  let gate: LinearWeight?
  let up: LinearWeight
  let down: LinearWeight

  init(_ source: WeightSource, block: Int) throws {
    func role(_ role: BlockRole) -> Role { .block(block, role) }
    let network = source.binding.network
    attentionNorm = try source.norm(role(.attentionNorm))
    query = try source.linear(role(.query))
    key = try source.linear(role(.key))
    value = try source.linear(role(.value))
    queryNorm = network.queryKeyNorm ? try source.norm(role(.queryNorm)) : nil
    keyNorm = network.queryKeyNorm ? try source.norm(role(.keyNorm)) : nil
    attentionOutput = try source.linear(role(.attentionOutput))
    mlpNorm = try source.norm(role(.mlpNorm))
    gate = network.gatedMLP ? try source.linear(role(.gate)) : nil
    up = try source.linear(role(.up))
    down = try source.linear(role(.down))
  }
}

/// Turns bound roles into weights.
struct WeightSource {
  let checkpoint: Checkpoint
  let binding: Binding
  /// Tensors that are read from here instead, by their names.
  var replaced: [String: Tensor] = [:]

  private func tensor(_ name: String) throws -> Tensor { try replaced[name] ?? checkpoint.tensor(name) }

  func linear(_ role: Role) throws -> LinearWeight {
    let bound = try binding.tensor(role)
    let bias = try bound.bias.map { Tensor(try tensor($0).toFloats()) }
    let whole = LinearWeight(try tensor(bound.tensor), transposed: bound.transposed, bias: bias)
    return bound.rows.count == whole.outputs ? whole : whole.rows(bound.rows)
  }

  func norm(_ role: Role) throws -> NormWeights {
    let bound = try binding.tensor(role)
    return NormWeights(
      gain: Tensor(try checkpoint.tensor(bound.tensor).toFloats()),
      bias: try bound.bias.map { Tensor(try checkpoint.tensor($0).toFloats()) })
  }
}

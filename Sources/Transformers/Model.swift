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
  /// Tensors by name that are read in place of the checkpoint's.
  let replaced: [String: Tensor]
  /// How linear layers, the head among them, compute in every forward pass; backward passes and what they start from
  /// are f32.
  public let compute: ComputeMode

  let embedding: Tensor
  let positions: Tensor?
  /// Embeddings of token types, `[types, D]`.
  let tokenTypes: Tensor?
  let embeddingNorm: NormWeights?
  /// From the embeddings' width to D and back, where they differ.
  let embeddingProjection, headProjection: LinearWeight?
  let blocks: [BlockWeights]
  /// Nil where the last block's output is the end.
  let finalNorm: NormWeights?
  /// Nil where the network makes no logits.
  let head: LinearWeight?
  /// One a kind of rotary embedding, and which of them a block uses.
  let rotaryTables: [RotaryTables]
  let rotaryOfBlock: [Int?]

  /// Opens a folder: headers and config are read, weights stay mapped.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  public convenience init(folder: String, compute: ComputeChoice = .f32) throws {
    try self.init(Checkpoint(folder: folder), compute: compute)
  }

  /// Binds an open checkpoint.
  /// - Parameters:
  ///   - checkpoint: the folder.
  ///   - weights: tensors by name that are read in place of the stored ones, of their shapes. Their owner may change f32
  ///     tensors between passes, as training does: gains, biases and matrices are then read where they lie.
  ///   - compute: the mode; decided here once, for all passes.
  /// - Throws: ``ArchitectureError``.
  public convenience init(
    _ checkpoint: Checkpoint, weights: [String: Tensor] = [:], compute: ComputeChoice = .f32
  ) throws {
    try self.init(checkpoint, binding: Binding(checkpoint), weights: weights, compute: compute)
  }

  private init(
    _ checkpoint: Checkpoint, binding: Binding, weights: [String: Tensor], compute: ComputeChoice
  ) throws {
    let source = WeightSource(checkpoint: checkpoint, binding: binding, replaced: weights)
    self.compute = compute.mode(storedAsBF16: source.blockProducts.isBF16)
    self.checkpoint = checkpoint
    self.binding = binding
    replaced = weights
    self.embedding = try source.tensor(binding.tensor(.tokenEmbedding).tensor)
    self.positions =
      binding.network.learnedPositions
      ? try source.tensor(binding.tensor(.positionEmbedding).tensor) : nil
    let network = binding.network
    self.tokenTypes =
      network.tokenTypes != nil ? try source.tensor(binding.tensor(.tokenTypeEmbedding).tensor) : nil
    self.embeddingNorm = network.hasEmbeddingNorm ? try source.norm(.embeddingNorm) : nil
    let isProjected = network.embeddingWidth != nil
    self.embeddingProjection = isProjected ? try source.linear(.embeddingProjection) : nil
    self.headProjection = isProjected && network.hasHead ? try source.linear(.headProjection) : nil
    self.blocks = try (0..<network.blocks).map { try BlockWeights(source, block: $0) }
    self.finalNorm = network.hasFinalNorm ? try source.norm(.finalNorm) : nil
    self.head = network.hasHead ? try source.linear(.head) : nil
    var kinds: [Network.Rotary] = []
    rotaryOfBlock = network.rotaries.map { rotary in
      guard let rotary, rotary.width > 0 else { return nil }
      if let index = kinds.firstIndex(of: rotary) { return index }
      kinds.append(rotary)
      return kinds.count - 1
    }
    rotaryTables = kinds.map(RotaryTables.init)
  }

  /// The same weights in another mode; this model where it is its own.
  /// - Throws: ``ArchitectureError``.
  public func computing(in mode: ComputeMode) throws -> Model {
    if mode == compute { return self }
    return try Model(checkpoint, binding: binding, weights: replaced, compute: mode == .f32 ? .f32 : .bf16)
  }

  /// Products in the blocks, and how many of them have weights that are stored as bf16.
  public var blockProducts: (stored: Int, all: Int) {
    let found = WeightSource(checkpoint: checkpoint, binding: binding, replaced: replaced).blockProducts
    return (found.bf16, found.all)
  }

  /// The weights of a role as they are stored, `[outputs, inputs]` in logical order.
  /// - Throws: ``ArchitectureError``.
  public func linear(_ role: Role) throws -> LinearWeight {
    try WeightSource(checkpoint: checkpoint, binding: binding, replaced: replaced).linear(role)
  }

  /// - Throws: ``TransformerError/otherVocabulary(found:expected:)`` where next-token predictions cannot be compared.
  public func requireComparable(_ other: Model) throws {
    guard network.vocabulary == other.network.vocabulary else {
      throw TransformerError.otherVocabulary(found: network.vocabulary, expected: other.network.vocabulary)
    }
  }

  /// The effective gain of the norm that feeds a role's product, `[D]`: ones where the product reads the residual
  /// stream as it is (OLMo 2, GPT-1), nil for products that read something else.
  public func gain(feeding role: Role) -> [Float]? {
    guard let block = role.block, let kind = role.inBlock else {
      return role == .head ? finalGain : nil
    }
    let weights = blocks[block]
    switch kind {
    case .query, .key, .value: return gain(of: weights.attentionNorm)
    case .gate, .up, .router, .sharedGate, .sharedUp, .sharedRouter:
      return gain(of: weights.mlpNorm ?? weights.attentionNorm)
    default: return nil
    }
  }

  /// The effective gain of the norm between a product and the residual stream it writes to, `[D]`; nil where the
  /// product is added as it is. With ``Network/NormPlacement/afterSum`` the norm is over the sum.
  public func gain(following role: Role) -> [Float]? {
    guard let block = role.block, let kind = role.inBlock else { return nil }
    switch kind {
    case .attentionOutput: return blocks[block].attentionPostNorm.map { gain(of: $0) }
    case .down, .sharedDown: return blocks[block].mlpPostNorm.map { gain(of: $0) }
    default: return nil
    }
  }

  /// The effective gain of the norm after the last block, `[D]`; ones where there is none.
  public var finalGain: [Float] { gain(of: finalNorm) }

  private func gain(of norm: NormWeights?) -> [Float] {
    norm?.effectiveGain(offset: network.norm.gainOffset) ?? Array(repeating: 1, count: network.width)
  }
}

/// Gain and bias of a norm, widened once.
struct NormWeights: Sendable {
  let gain: Tensor
  let bias: Tensor?

  func effectiveGain(offset: Float) -> [Float] { gain.toFloats().map { $0 + offset } }
}

/// The weights of one block; nil where the network has no such role.
struct BlockWeights: Sendable {
  let attentionNorm: NormWeights?
  let query: LinearWeight
  let key: LinearWeight
  let value: LinearWeight
  let queryNorm: NormWeights?
  let keyNorm: NormWeights?
  let attentionOutput: LinearWeight
  let attentionPostNorm: NormWeights?
  let mlpNorm: NormWeights?
  let mlp: MLPWeights
  let mlpPostNorm: NormWeights?

  init(_ source: WeightSource, block: Int) throws {
    let network = source.binding.network
    let roles = Set(network.blockRoles(block).compactMap(\.inBlock))
    func linear(_ role: BlockRole) throws -> LinearWeight { try source.linear(.block(block, role)) }
    func norm(_ role: BlockRole) throws -> NormWeights? {
      roles.contains(role) ? try source.norm(.block(block, role)) : nil
    }
    attentionNorm = try norm(.attentionNorm)
    query = try linear(.query)
    key = try linear(.key)
    value = try linear(.value)
    queryNorm = try norm(.queryNorm)
    keyNorm = try norm(.keyNorm)
    attentionOutput = try linear(.attentionOutput)
    attentionPostNorm = try norm(.attentionPostNorm)
    mlpNorm = try norm(.mlpNorm)
    if let experts = network.experts, network.hasExperts(block) {
      mlp = .experts(try ExpertWeights(source, block: block, kind: experts, gated: network.gatedMLP))
    } else {
      mlp = .dense(
        gate: network.gatedMLP ? try linear(.gate) : nil, up: try linear(.up), down: try linear(.down))
    }
    mlpPostNorm = try norm(.mlpPostNorm)
  }
}

/// The weights of a block's MLP, by its kind.
enum MLPWeights: Sendable {
  /// One MLP that every token meets; without a gate it is plain.
  case dense(gate: LinearWeight?, up: LinearWeight, down: LinearWeight)
  /// Several, of which every token meets some.
  case experts(ExpertWeights)
}

/// Turns bound roles into weights.
struct WeightSource {
  let checkpoint: Checkpoint
  let binding: Binding
  /// Tensors that are read from here instead, by their names.
  var replaced: [String: Tensor] = [:]

  func tensor(_ name: String) throws -> Tensor { try replaced[name] ?? checkpoint.tensor(name) }

  /// The products of the blocks by how their weights are stored.
  var blockProducts: (bf16: Int, all: Int, isBF16: Bool) {
    let products = binding.tensors.filter { $0.key.block != nil && $0.key.inBlock?.isNorm == false }
    let bf16 = products.count { (_, bound) in
      (replaced[bound.tensor]?.dtype ?? checkpoint.entry(bound.tensor)?.dtype) == .bf16
    }
    return (bf16, products.count, bf16 == products.count && bf16 > 0)
  }

  func linear(_ role: Role) throws -> LinearWeight {
    let bound = try binding.tensor(role)
    let bias = try bound.bias.map { try self.tensor($0).asFloat32() }
    let tensor = try self.tensor(bound.tensor)
    if tensor.shape.count == 3 { return stacked(tensor, bound) }
    let whole = LinearWeight(tensor, transposed: bound.transposed, bias: bias)
    if bound.rows.count == whole.outputs { return whole }
    return bound.rows.range.map { whole.rows($0) } ?? whole.rows(bound.rows.indices)
  }

  /// The rows of one matrix out of `[E, N, K]` or, transposed, `[E, K, N]`; they are numbered through over the matrices.
  private func stacked(_ tensor: Tensor, _ bound: BoundTensor) -> LinearWeight {
    let shape = Array(tensor.shape.dropFirst())
    let outputs = shape[bound.transposed ? 1 : 0]
    let matrix = bound.rows.first / outputs
    let one = Tensor(
      storage: tensor.storage,
      byteOffset: tensor.byteOffset + matrix * shape[0] * shape[1] * tensor.dtype.size,
      shape: shape, dtype: tensor.dtype)
    let first = bound.rows.first - matrix * outputs
    return LinearWeight(one, transposed: bound.transposed).rows(first..<(first + bound.rows.count))
  }

  func norm(_ role: Role) throws -> NormWeights {
    let bound = try binding.tensor(role)
    let gain =
      try bound.parts.isEmpty
      ? tensor(bound.tensor).asFloat32() : Tensor(bound.tensors.flatMap { try tensor($0).toFloats() })
    return NormWeights(gain: gain, bias: try bound.bias.map { try tensor($0).asFloat32() })
  }
}

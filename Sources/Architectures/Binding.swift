import Checkpoints
import Glibc
import OrderedCollections
import Tensors

/// Where the weights of a role lie: a tensor, or a run of its outputs where several roles are fused.
public struct BoundTensor: Sendable, Equatable {
  /// Name of the tensor in the checkpoint.
  public let tensor: String
  /// Name of the bias, where there is one.
  public let bias: String?
  /// The outputs of the tensor that belong to the role (rows of the logical matrix).
  public let rows: Range<Int>
  /// Shape of the role's own matrix `[outputs, inputs]`, or `[D]` of a gain.
  public let shape: [Int]
  /// The tensor lies as [inputs, outputs]: a row of the role is a column of the tensor.
  public let transposed: Bool
}

/// The roles of one checkpoint, each with its tensor; every tensor accounted for.
public struct Binding: Sendable {
  /// The family's row.
  public let family: Family
  /// The network of the config.
  public let network: Network
  /// Roles in the order of the network.
  public let tensors: OrderedDictionary<Role, BoundTensor>
  /// Tensors that no role uses, each with the reason; reported, never skipped in silence.
  public let unused: [(name: String, reason: String)]

  /// Binds a checkpoint.
  /// - Throws: ``ArchitectureError``, ``QuantisationError``.
  public init(_ checkpoint: Checkpoint) throws {
    if let packed = Quantisation(checkpoint) {
      throw QuantisationError.quantised(folder: checkpoint.folder, packed)
    }
    let names = checkpoint.tensorNames
    let family = try Family.find(config: checkpoint.config, tensors: names)
    let network = try family.network(config: checkpoint.config)
    var binder = Binder(checkpoint: checkpoint, family: family, network: network)
    try binder.bindAll()
    self.family = family
    self.network = network
    self.tensors = binder.bound
    self.unused = binder.unused()
  }

  /// The tensor of a role.
  /// - Throws: ``ArchitectureError/missingRole(role:names:tensors:)`` where the network has no such role.
  public func tensor(_ role: Role) throws -> BoundTensor {
    if let bound = tensors[role] { return bound }
    throw ArchitectureError.missingRole(
      role: role.description, names: ["the roles of \(family.name)"], tensors: tensors.keys.map(\.description)
    )
  }
}

/// The walk over a family's templates that makes a ``Binding``.
private struct Binder {
  let checkpoint: Checkpoint
  let family: Family
  let network: Network
  let prefix: String
  var bound: OrderedDictionary<Role, BoundTensor> = [:]

  init(checkpoint: Checkpoint, family: Family, network: Network) {
    self.checkpoint = checkpoint
    self.family = family
    self.network = network
    self.prefix =
      family.prefixes.first { checkpoint.entry($0 + family.tokenEmbedding + ".weight") != nil }
      ?? family.prefixes[0]
  }

  mutating func bindAll() throws {
    let width = network.width
    try bind(
      .tokenEmbedding, prefix + family.tokenEmbedding, shape: [network.vocabulary, width], linear: false)
    if let positions = family.positionEmbedding {
      try bind(.positionEmbedding, prefix + positions, shape: [network.contextLength, width], linear: false)
    }
    for block in 0..<network.blocks {
      let blockPrefix = prefix + family.blockPrefix.replacing("{}", with: String(block))
      for template in family.templates {
        try bind(
          .block(block, template.role), blockPrefix + template.name, shape: shape(template.role),
          fused: template.fused, linear: isLinear(template.role), biased: isBiased(template.role))
      }
    }
    try bind(
      .finalNorm, prefix + family.finalNorm, shape: [width], linear: false,
      biased: network.norm.kind == .layer)
    if network.tiedHead {
      try requireOneHead()
      if let embedding = bound[.tokenEmbedding] { bound[.head] = embedding }
    } else {
      try bind(.head, family.head, shape: [network.vocabulary, width], linear: false)
    }
  }

  private func isLinear(_ role: BlockRole) -> Bool { shape(role).count == 2 }

  private func isBiased(_ role: BlockRole) -> Bool {
    switch role {
    case .attentionNorm, .mlpNorm: network.norm.kind == .layer
    default: network.biases.contains(role)
    }
  }

  /// A tied head may be stored as well, but only as the embedding's bytes: otherwise transformers 4 reads the
  /// embedding and transformers 5 the head.
  private func requireOneHead() throws {
    let name = family.head + ".weight"
    guard checkpoint.entry(name) != nil, let embedding = bound[.tokenEmbedding] else { return }
    let (head, tokens) = (try checkpoint.tensor(name), try checkpoint.tensor(embedding.tensor))
    let same = withExtendedLifetime((head, tokens)) {
      head.shape == tokens.shape && head.dtype == tokens.dtype
        && memcmp(head.pointer, tokens.pointer, head.byteCount) == 0
    }
    guard same else {
      throw ArchitectureError.unsupportedFeature(
        name: "tie_word_embeddings is true, but \(name) differs from \(embedding.tensor)")
    }
  }

  private func shape(_ role: BlockRole) -> [Int] {
    let (width, mlp) = (network.width, network.mlpWidth)
    let queries = network.heads * network.headSize
    let keys = network.keyValueHeads * network.headSize
    switch role {
    case .attentionNorm, .mlpNorm: return [width]
    case .queryNorm, .keyNorm: return [network.headSize]
    case .query: return [queries, width]
    case .key, .value: return [keys, width]
    case .attentionOutput: return [width, queries]
    case .gate, .up: return [mlp, width]
    case .down: return [width, mlp]
    }
  }

  private mutating func bind(
    _ role: Role, _ name: String, shape: [Int], fused: [BlockRole]? = nil, linear: Bool, biased: Bool = false
  ) throws {
    let weight = name + ".weight"
    guard let entry = checkpoint.entry(weight) else {
      throw ArchitectureError.missingRole(
        role: role.description, names: [weight], tensors: checkpoint.tensorNames)
    }
    var whole = shape
    var rows = 0..<shape[0]
    if let fused, case .block(_, let own) = role {
      let sizes = fused.map { self.shape($0)[0] }
      let start = zip(fused, sizes).prefix { $0.0 != own }.reduce(0) { $0 + $1.1 }
      rows = start..<(start + shape[0])
      whole[0] = sizes.reduce(0, +)
    }
    let transposed = linear && family.transposedLinears
    let stored = transposed ? whole.reversed() : whole
    guard entry.shape == stored else {
      throw ArchitectureError.shape(tensor: weight, found: entry.shape, expected: stored)
    }
    guard entry.dtype.isComputable else {
      throw ArchitectureError.unsupportedFeature(name: "tensor \(weight) of type \(entry.dtype.rawValue)")
    }
    let bias = biased ? checkpoint.entry(name + ".bias") : nil
    guard biased == (bias != nil) else {
      throw ArchitectureError.missingRole(
        role: "\(role) (bias)", names: [name + ".bias"], tensors: checkpoint.tensorNames)
    }
    if let bias, bias.shape != [whole[0]] {
      throw ArchitectureError.shape(tensor: name + ".bias", found: bias.shape, expected: [whole[0]])
    }
    bound[role] = BoundTensor(
      tensor: weight, bias: bias?.name, rows: rows, shape: shape, transposed: transposed)
  }

  func unused() -> [(name: String, reason: String)] {
    var used: Set<String> = []
    for tensor in bound.values {
      used.insert(tensor.tensor)
      if let bias = tensor.bias { used.insert(bias) }
    }
    return checkpoint.tensorNames.filter { !used.contains($0) }.map { name in
      if family.buffers.contains(where: name.hasSuffix) { return (name, "buffer") }
      if network.tiedHead && name == family.head + ".weight" {
        return (name, "head is tied to the embedding")
      }
      if name.hasSuffix(".bias") && used.contains(name.dropLast(4) + "weight") {
        return (name, "config.json and family give its role no bias, so transformers ignores it too")
      }
      return (name, "no role of \(family.name)")
    }
  }
}

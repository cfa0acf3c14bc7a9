import Checkpoints
import Glibc
import OrderedCollections
import Tensors

/// The walk over a family's templates that makes a ``Binding``.
struct Binder {
  let checkpoint: Checkpoint
  let family: Family
  let network: Network
  let prefix: String
  var bound: OrderedDictionary<Role, BoundTensor> = [:]

  init(checkpoint: Checkpoint, family: Family, network: Network) {
    self.checkpoint = checkpoint
    self.family = family
    self.network = network
    self.prefix = Self.prefix(checkpoint, family)
  }

  /// The prefix under which a folder has the network.
  static func prefix(_ checkpoint: Checkpoint, _ family: Family) -> String {
    family.prefixes.first { checkpoint.entry($0 + family.tokenEmbedding + ".weight") != nil }
      ?? family.prefixes[0]
  }

  mutating func bindAll() throws {
    let width = network.width
    try bind(
      .tokenEmbedding, prefix + family.tokenEmbedding, shape: [network.vocabulary, network.headWidth])
    if let narrow = network.embeddingWidth, let projections = family.projections {
      try bind(.embeddingProjection, prefix + projections.from, shape: [width, narrow])
    }
    if let positions = family.positionEmbedding, network.learnedPositions {
      let rows = network.contextLength + network.positionOffset
      try bind(.positionEmbedding, prefix + positions, shape: [rows, width])
    }
    if let types = network.tokenTypes, let table = family.tokenTypeEmbedding {
      try bind(.tokenTypeEmbedding, prefix + table, shape: [types, width])
    }
    if network.hasEmbeddingNorm, let norm = family.embeddingNorm {
      try bind(.embeddingNorm, prefix + norm, shape: [width], biased: network.norm.hasBias)
    }
    for block in 0..<network.blocks {
      for role in network.blockRoles(block) {
        switch role {
        case .block(_, let inner): try bind(inner, block: block)
        case .expert(_, let expert, let inner): try bind(inner, block: block, expert: expert)
        default: preconditionFailure("\(role) is no role of a block")
        }
      }
    }
    if network.hasFinalNorm {
      try bind(.finalNorm, prefix + family.finalNorm, shape: [width], biased: network.norm.hasBias)
    }
    if let narrow = network.embeddingWidth, let projections = family.projections, network.hasHead {
      try bind(.headProjection, prefix + projections.to, shape: [narrow, width])
    }
    if network.hasHead { try bindHead() }
  }

  private mutating func bindHead() throws {
    let name = family.heads.first { checkpoint.entry($0 + ".weight") != nil } ?? family.head
    guard network.tiedHead else {
      guard checkpoint.entry(name + ".weight") != nil else {
        throw missing("head", family.heads.map { $0 + ".weight" })
      }
      try bind(
        .head, name, shape: [network.vocabulary, network.headWidth], linear: false, biased: network.headBias)
      return
    }
    try requireOneHead(name + ".weight")
    guard let embedding = bound[.tokenEmbedding] else { return }
    let bias = network.headBias ? checkpoint.entry(name + ".bias")?.name : nil
    guard network.headBias == (bias != nil) else { throw missing("head (bias)", [name + ".bias"]) }
    bound[.head] = BoundTensor(
      tensor: embedding.tensor, bias: bias, rows: embedding.rows, shape: embedding.shape, transposed: false,
      parts: [])
  }

  /// Binds a role of a block to the first of its templates whose tensor is there.
  private mutating func bind(_ role: BlockRole, block: Int) throws {
    let blockPrefix = prefix + family.blockPrefix.replacing("{}", with: String(block))
    let templates = family.templates.filter { $0.role == role }
    func weight(_ template: Family.Template) -> String {
      blockPrefix + template.name.replacing("{head}", with: "0") + ".weight"
    }
    func isThere(_ template: Family.Template) -> Bool {
      let weight = weight(template)
      return checkpoint.entry(weight) != nil || checkpoint.entry(weight.dropLast(6) + "gamma") != nil
    }
    guard let template = templates.first(where: isThere) else {
      throw missing("\(Role.block(block, role))", templates.map(weight))
    }
    let name = blockPrefix + template.name
    let bound = Role.block(block, role)
    if template.name.contains("{head}") {
      try bindHeads(bound, name, shape: network.shape(of: role), biased: network.isBiased(role))
    } else {
      try bind(
        bound, name, shape: network.shape(of: role), fusion: template.fusion,
        linear: !role.isNorm && family.transposedLinears, biased: network.isBiased(role))
    }
  }

  /// A tied head may be stored as well, but only as the embedding's bytes: otherwise transformers 4 reads the
  /// embedding and transformers 5 the head.
  private func requireOneHead(_ name: String) throws {
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

  private mutating func bind(
    _ role: Role, _ name: String, shape: [Int], fusion: Family.Fusion? = nil, linear transposed: Bool = false,
    biased: Bool = false
  ) throws {
    // LayerNorms came with "gamma" and "beta" first.
    let older = checkpoint.entry(name + ".weight") == nil && checkpoint.entry(name + ".gamma") != nil
    let weight = name + (older ? ".gamma" : ".weight")
    let biasName = name + (older ? ".beta" : ".bias")
    let (rows, outputs) = network.rows(of: role, shape, fusion)
    let whole = [outputs] + shape.dropFirst()
    try require(role, weight, shape: transposed ? whole.reversed() : whole)
    let bias = biased ? checkpoint.entry(biasName) : nil
    guard biased == (bias != nil) else { throw missing("\(role) (bias)", [biasName]) }
    if let bias, bias.shape != [outputs] {
      throw ArchitectureError.shape(tensor: biasName, found: bias.shape, expected: [outputs])
    }
    bound[role] = BoundTensor(
      tensor: weight, bias: bias?.name, rows: rows, shape: shape, transposed: transposed, parts: [])
  }

  /// A gain that lies in one tensor a head.
  private mutating func bindHeads(_ role: Role, _ name: String, shape: [Int], biased: Bool) throws {
    let names = (0..<shape[0]).map { name.replacing("{head}", with: String($0)) + ".weight" }
    for name in names { try require(role, name, shape: Array(shape.dropFirst())) }
    guard !biased else {
      throw ArchitectureError.unsupportedFeature(name: "\(role): a bias in a tensor a head")
    }
    bound[role] = BoundTensor(
      tensor: names[0], bias: nil, rows: RowMap(0..<shape[0]), shape: shape, transposed: false,
      parts: Array(names.dropFirst()))
  }

  /// Holds a tensor to its shape and type.
  func require(_ role: Role, _ name: String, shape: [Int]) throws {
    guard let entry = checkpoint.entry(name) else { throw missing("\(role)", [name]) }
    guard entry.shape == shape else {
      throw ArchitectureError.shape(tensor: name, found: entry.shape, expected: shape)
    }
    guard entry.dtype.isComputable else {
      throw ArchitectureError.unsupportedFeature(name: "tensor \(name) of type \(entry.dtype.rawValue)")
    }
  }

  func missing(_ role: String, _ names: [String]) -> ArchitectureError {
    .missingRole(role: role, names: names, tensors: checkpoint.tensorNames)
  }

  func unused() -> [(name: String, reason: String)] {
    var used: Set<String> = []
    for tensor in bound.values {
      used.formUnion(tensor.tensors)
      if let bias = tensor.bias { used.insert(bias) }
    }
    return checkpoint.tensorNames.filter { !used.contains($0) }.map { name in
      if family.buffers.contains(where: name.hasSuffix) { return (name, "buffer") }
      if let part = otherPart(name) { return (name, "\(part): not on the way to what is computed") }
      if network.tiedHead && family.heads.contains(where: { name == $0 + ".weight" }) {
        return (name, "head is tied to the embedding")
      }
      if name.hasSuffix(".bias") && used.contains(name.dropLast(4) + "weight") {
        return (name, "config.json and family give its role no bias, so transformers ignores it too")
      }
      return (name, Self.stranger + family.name)
    }
  }

  private static let stranger = "no role of "

  /// Tensors that nothing explains.
  var strangers: [String] { unused().filter { $0.reason.hasPrefix(Self.stranger) }.map(\.name) }

  private func otherPart(_ name: String) -> String? {
    family.otherParts.first { name.hasPrefix($0.key) || name.hasPrefix(prefix + $0.key) }?.value
  }
}

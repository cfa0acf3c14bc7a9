/// A tensor that a checkpoint of a network has.
public struct LaidTensor: Sendable, Equatable {
  /// What it is.
  public enum Kind: Sendable, Equatable {
    /// A table of embeddings.
    case table
    /// The matrix of a product (of several, where they are fused).
    case matrix(Role)
    /// The gain of a norm.
    case gain(Role)
    /// The bias of a product or norm.
    case bias(Role)
  }
  /// Its name in the checkpoint.
  public let name: String
  /// Its sizes as it is stored.
  public let shape: [Int]
  /// What it is.
  public let kind: Kind
}

extension Family {
  /// The tensors of a network of this family, in the order of the network, under the names that the family's own checkpoints
  /// use: what a new checkpoint is made of.
  /// - Throws: ``ArchitectureError/unsupportedFeature(name:)`` for experts and projected embeddings.
  public func layout(_ network: Network) throws -> [LaidTensor] {
    guard network.experts == nil, network.embeddingWidth == nil else {
      throw ArchitectureError.unsupportedFeature(name: "a new \(name) with experts or projected embeddings")
    }
    let prefix = prefixes[0]
    var tensors: [LaidTensor] = []
    func add(_ name: String, _ shape: [Int], _ kind: LaidTensor.Kind) {
      tensors.append(LaidTensor(name: name, shape: shape, kind: kind))
    }
    func norm(_ name: String, _ role: Role, _ shape: [Int], biased: Bool) {
      add(name + ".weight", shape, .gain(role))
      if biased { add(name + ".bias", shape, .bias(role)) }
    }
    add(prefix + tokenEmbedding + ".weight", [network.vocabulary, network.width], .table)
    if network.learnedPositions, let positionEmbedding {
      let rows = network.contextLength + network.positionOffset
      add(prefix + positionEmbedding + ".weight", [rows, network.width], .table)
    }
    if let types = network.tokenTypes, let tokenTypeEmbedding {
      add(prefix + tokenTypeEmbedding + ".weight", [types, network.width], .table)
    }
    if network.hasEmbeddingNorm, let embeddingNorm {
      norm(prefix + embeddingNorm, .embeddingNorm, [network.width], biased: network.norm.hasBias)
    }
    for block in 0..<network.blocks {
      let start = prefix + blockPrefix.replacing("{}", with: String(block))
      for case .block(_, let inner) in network.blockRoles(block) {
        let role = Role.block(block, inner)
        guard let template = templates.first(where: { $0.role == inner }), !template.name.contains("{head}")
        else {
          throw ArchitectureError.unsupportedFeature(name: "a new \(name) with \(role)")
        }
        let name = start + template.name
        // The first role of a fused tensor stands for all of them.
        guard !tensors.contains(where: { $0.name == name + ".weight" }) else { continue }
        let own = network.shape(of: inner)
        let outputs = network.rows(of: role, own, template.fusion).whole
        if inner.isNorm {
          norm(name, role, own, biased: network.isBiased(inner))
          continue
        }
        let shape = [outputs] + own.dropFirst()
        add(name + ".weight", transposedLinears ? shape.reversed() : shape, .matrix(role))
        if network.isBiased(inner) { add(name + ".bias", [outputs], .bias(role)) }
      }
    }
    if network.hasFinalNorm {
      norm(prefix + finalNorm, .finalNorm, [network.width], biased: network.norm.hasBias)
    }
    if network.hasHead && !network.tiedHead {
      add(head + ".weight", [network.vocabulary, network.width], .matrix(.head))
    }
    if network.hasHead && network.headBias { add(head + ".bias", [network.vocabulary], .bias(.head)) }
    return tensors
  }
}

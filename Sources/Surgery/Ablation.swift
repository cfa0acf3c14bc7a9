import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Transformers

/// Directional ablation (arXiv 2406.11717, section 2.4): a direction d is taken out of everything that writes to the
/// residual stream, so that no block can read it there.
///
/// With the strength s a vector v that is written becomes v − s·d(d·v): every embedding and position, every column of
/// the attention output and MLP output matrices, W ← W − s·d(dᵀW), and their biases. 1 takes the direction out, 2 turns
/// it round, a negative strength makes it stronger.
///
/// **Norms after the product.** Where a norm lies between a product y and the stream (Gemma 2 and 3, OLMo 2), what is
/// added is γ ⊙ y / rms(y). Its part along d is Σ_k d_k γ_k y_k / rms(y) = ((γ⊙d)·y) / rms(y): a positive number times the
/// part of y along γ⊙d. So those matrices lose u = γ⊙d / |γ⊙d| instead of d, and with s = 1 nothing along d is
/// written, whatever the root mean square does to the rest (which it brings back to the length it had). γ is
/// the effective gain, 1 + the stored one for Gemma.
///
/// **Refused:** a norm over the embeddings (BLOOM) and over the sum of stream and addition (BERT, GPT-1): there the
/// stream is normed itself, d comes back through gain and bias, and no change of the writers keeps it out.
///
/// **Tied embeddings.** Where the head is the embedding matrix, editing it edits the head too: logits are read off without
/// the direction as well. The run-time change does the same, so that it equals the written checkpoint; leave
/// ``Writer/embeddings`` out to keep the head.
public struct Ablation: Sendable {
  /// What writes to the residual stream.
  public enum Writer: String, Sendable, CaseIterable {
    /// Token embeddings (and the head, where it is tied to them).
    case embeddings
    /// Learned positions.
    case positions
    /// Attention's output products with their biases.
    case attention
    /// The MLPs' output products with their biases, those of all experts.
    case mlp
  }

  /// Which lines of the edited matrices get their length back after the direction is gone. Biases never do.
  public enum Norms: String, Sendable, CaseIterable {
    /// None: the plain projection.
    case none
    /// Every vector that is written (a column of an output matrix, a row of embeddings) is as long as before. It stays
    /// in the plane without d: with strength 1 the direction is gone.
    case vectors
    /// Every row of an output matrix (the weights of one output) is as long as before, as published tools do it; rows
    /// of embeddings are vectors as above. Some of the direction comes back.
    case rows

    /// One line for listings.
    public var summary: String {
      switch self {
      case .none: "the plain projection"
      case .vectors: "every written vector keeps its length, and stays free of the direction"
      case .rows:
        "every output's row keeps its length, as published tools do it; some of the direction comes back"
      }
    }
  }

  /// One product or table that loses the direction.
  public struct Target: Sendable, Equatable {
    /// Whose matrix.
    public var role: Role
    /// Factor of the strength; 0 leaves it alone.
    public var factor: Double
    /// Which of the gains follows the product; nil for none.
    public var gain: Int?
    /// Rows of the role's matrix.
    public var rows: Int
  }

  /// d, of length 1, in the raw residual stream, `[D]`.
  public var direction: [Float]
  /// Where it was read.
  public var site: String
  /// Which lines get their length back.
  public var norms: Norms
  /// All writers of the chosen kinds, in the order of the network, those with factor 0 too.
  public var targets: [Target]
  /// Effective gains of norms after products, `[D]` each.
  public var gains: [[Float]]
  /// Whether the head is the embedding matrix.
  public var tiedHead: Bool

  /// What to take out of where.
  public struct Options: Sendable {
    /// Which writers.
    public var writers: Set<Writer> = Set(Writer.allCases)
    /// Which lines keep their length.
    public var norms = Norms.none
    /// Blocks whose products are edited; nil means all. Embeddings and positions belong to none.
    public var blocks: Set<Int>?
    /// Factor of the strength in each block; that of embeddings and positions is 1.
    public var strengths = BlockStrengths.constant(1)

    /// The usual options.
    public init() {}
  }

  /// The ablation of a probe's direction at a site of the residual stream (a probe of `final_norm` counts as
  /// w⊙γ_final, and under LayerNorm the mean is removed, as in gain-corrected space).
  /// - Throws: ``SurgeryError``.
  public init(_ model: Model, _ direction: BehaviourDirection, _ options: Options = Options()) throws {
    guard case .shared(let vector, let site) = direction else {
      throw SurgeryError.cannotAblate(
        reason: "one direction a block, at inputs of MLPs: one of the stream is needed")
    }
    try Locate.check(direction, width: model.network.width)
    self.direction = try BlockDirection.residual(vector, site: site, model: model).unit
    self.site = site.description
    guard self.direction.norm > 0 else { throw SurgeryError.degenerate }
    norms = options.norms
    tiedHead = model.network.tiedHead
    targets = []
    gains = []
    let factors = try options.strengths.factors(blocks: model.network.blocks)
    try Self.check(model, options.writers)
    for (role, bound) in model.binding.tensors {
      guard let writer = Self.writer(role), options.writers.contains(writer) else { continue }
      var target = Target(role: role, factor: 1, gain: nil, rows: bound.shape[0])
      if let block = role.block {
        target.factor = options.blocks?.contains(block) ?? true ? factors[block] : 0
        if let gain = model.gain(following: role) {
          target.gain = gains.firstIndex(of: gain) ?? gains.count
          if target.gain == gains.count { gains.append(gain) }
        }
      }
      targets.append(target)
    }
    guard targets.contains(where: { $0.factor != 0 }) else {
      throw SurgeryError.cannotAblate(reason: "nothing of this model writes what was asked for")
    }
  }

  init(
    direction: [Float], site: String, norms: Norms, targets: [Target], gains: [[Float]], tiedHead: Bool
  ) {
    self.direction = direction
    self.site = site
    self.norms = norms
    self.targets = targets
    self.gains = gains
    self.tiedHead = tiedHead
  }

  /// What a role writes; nil for one that does not write to the stream.
  static func writer(_ role: Role) -> Writer? {
    switch role {
    case .tokenEmbedding: .embeddings
    case .positionEmbedding: .positions
    case .block(_, .attentionOutput): .attention
    case .block(_, .down), .block(_, .sharedDown), .expert(_, _, .down): .mlp
    default: nil
    }
  }

  /// - Throws: ``SurgeryError/cannotAblate(reason:)`` for families whose stream is normed itself.
  private static func check(_ model: Model, _ writers: Set<Writer>) throws {
    let network = model.network
    if network.normPlacement == .afterSum {
      throw SurgeryError.cannotAblate(
        reason:
          "\(network.family) norms the residual stream itself after every addition: the norm's gain and bias bring "
          + "the direction back, whatever is written")
    }
    if network.hasEmbeddingNorm && !writers.isDisjoint(with: [.embeddings, .positions]) {
      throw SurgeryError.cannotAblate(
        reason:
          "\(network.family) norms its embeddings before block 0: the norm's gain and bias bring the direction back "
          + "(--writes attention,mlp takes it out of the blocks alone)")
    }
    if network.headWidth != network.width && writers.contains(.embeddings) {
      throw SurgeryError.cannotAblate(
        reason:
          "\(network.family) here has embeddings of width \(network.headWidth), which a product brings to the stream's "
          + "\(network.width): the direction is none of theirs (--writes positions,attention,mlp leaves them alone)"
      )
    }
    if network.normPlacement.normsOutputs && network.norm.kind == .layer {
      throw SurgeryError.cannotAblate(
        reason:
          "\(network.family) has a LayerNorm with a mean and a bias between products and residual stream")
    }
  }

  /// The direction that a target loses: d, or the gained one of length 1.
  func direction(of target: Target) -> [Float] {
    guard let gain = target.gain else { return direction }
    return zip(gains[gain], direction).map { $0 * $1 }.unit
  }
}

extension Ablation: EditPlan {
  public var edit: EditKind { .ablate }

  public var blocks: [Int] {
    Array(Set(targets.filter { $0.factor != 0 }.compactMap(\.role.block))).sorted()
  }

  public var facts: EditFacts {
    let own = targets.filter { $0.factor != 0 }
    func rows(_ targets: [Target]) -> Int { targets.reduce(0) { $0 + $1.rows } }
    let writers = Writer.allCases.filter { writer in own.contains { Self.writer($0.role) == writer } }
    return EditFacts(
      space: "norms-\(norms.rawValue)", role: writers.map(\.rawValue).joined(separator: ", "),
      rows: rows(own),
      candidates: rows(targets),
      perBlock: blocks.map { block in
        let part = rows(own.filter { $0.role.block == block })
        return (block, part, rows(targets.filter { $0.role.block == block }), nil)
      })
  }

  public func factor(strength: Double) -> Double? { nil }

  public func leavingOut(block: Int) -> any EditPlan {
    var plan = self
    for index in plan.targets.indices where plan.targets[index].role.block == block {
      plan.targets[index].factor = 0
    }
    return plan
  }

  /// Where no line keeps its length: projections at run time, in f32. Otherwise the edited matrices, rounded as stored
  /// and held in memory.
  public func overlay(strength: Double, of model: Model) throws -> Overlay {
    guard norms == .none else {
      return try Patch.draft(
        model.checkpoint, projections: changes(strength: strength, binding: model.binding)
      ).overlay(model.binding, model.checkpoint)
    }
    var changes: [Overlay.Change] = []
    for target in targets where target.factor != 0 {
      let own = Float(strength * target.factor)
      changes.append(.project(role: target.role, direction: direction(of: target), strength: own))
      if target.role == .tokenEmbedding && tiedHead {
        changes.append(.project(role: .head, direction: direction, strength: own))
      }
    }
    return Overlay(changes)
  }

  /// The changes of a strength under the checkpoint's tensor names; a stack of experts is one tensor, and a tied head
  /// that is stored once more changes with the embedding.
  /// - Throws: ``ArchitectureError``.
  public func changes(strength: Double, binding: Binding) throws -> [ProjectionChange] {
    var changes: [ProjectionChange] = []
    var seen: Set<String> = []
    for target in targets where target.factor != 0 {
      let bound = try binding.tensor(target.role)
      let direction = direction(of: target)
      func add(_ tensor: String, _ vectors: ProjectionEdit.Lines, norms: ProjectionEdit.Lines?) {
        guard seen.insert(tensor).inserted else { return }
        changes.append(
          ProjectionChange(
            tensor: tensor, vectors: vectors, norms: norms, direction: direction,
            strength: strength * target.factor))
      }
      let isTable = target.role.block == nil
      let vectors: ProjectionEdit.Lines = isTable || bound.transposed ? .rows : .columns
      let kept: ProjectionEdit.Lines?
      switch norms {
      case .none: kept = nil
      case .vectors: kept = vectors
      case .rows: kept = isTable ? .rows : vectors == .rows ? .columns : .rows
      }
      add(bound.tensor, vectors, norms: kept)
      if let bias = bound.bias { add(bias, .rows, norms: nil) }
      if target.role == .tokenEmbedding && tiedHead {
        for copy in binding.unused where copy.reason.contains("tied") { add(copy.name, .rows, norms: kept) }
      }
    }
    return changes
  }

  public func patch(
    strength: Double, binding: Binding, checkpoint: Checkpoint, origin: JSONValue, progress: ProgressSink
  ) throws -> Patch {
    var origin = provenance(strength: strength, adding: origin)
    origin["norms"] = .string(norms.rawValue)
    origin["block_factors"] = .object(
      .init(
        targets.compactMap { target in target.role.block.map { (String($0), JSONValue.number(target.factor)) }
        },
        uniquingKeysWith: { first, _ in first }))
    if tiedHead, targets.contains(where: { $0.role == .tokenEmbedding && $0.factor != 0 }) {
      origin["head"] = "tied to the embeddings: edited with them"
    }
    return try Patch.build(
      checkpoint, projections: changes(strength: strength, binding: binding), provenance: origin,
      progress: progress)
  }
}

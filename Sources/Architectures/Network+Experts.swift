extension Network {
  /// A mixture of experts in the place of an MLP: every token goes through some of them, chosen by a router.
  public struct Experts: Sendable, Equatable {
    /// Experts of a block, E.
    public var count: Int
    /// Experts a token goes through, k.
    public var chosen: Int
    /// Width of an expert, F.
    public var width: Int
    /// The chosen experts' probabilities are divided by their sum.
    public var normalised: Bool
    /// Width of an expert that every token goes through beside them, weighed by a sigmoid; nil where there is none.
    public var sharedWidth: Int?
    /// Which blocks have experts; the others have one MLP. Count L.
    public var blocks: [Bool]
  }

  /// Whether a block has experts instead of one MLP.
  public func hasExperts(_ block: Int) -> Bool { experts?.blocks[block] ?? false }

  /// The products of a block's MLP, in the order in which they act: of one MLP, or of every expert and the shared one.
  public func mlpRoles(_ block: Int) -> [Role] {
    let products: [BlockRole] = gatedMLP ? [.gate, .up, .down] : [.up, .down]
    guard let experts, experts.blocks[block] else { return products.map { .block(block, $0) } }
    var roles: [Role] = [.block(block, .router)]
    for expert in 0..<experts.count { roles += products.map { .expert(block, expert, $0) } }
    if experts.sharedWidth != nil {
      roles += [BlockRole.sharedGate, .sharedUp, .sharedDown, .sharedRouter].map { .block(block, $0) }
    }
    return roles
  }

  /// The rows of a block that Model Surgery edits: of one gate, or of all experts' gates and the shared one's.
  public func surgeryRows(in block: Int) -> SurgeryRows {
    guard let experts, experts.blocks[block] else {
      return SurgeryRows([(.block(block, surgeryRole), mlpWidth)])
    }
    var matrices: [(role: Role, rows: Int)] = (0..<experts.count).map {
      (.expert(block, $0, surgeryRole), experts.width)
    }
    if let shared = experts.sharedWidth { matrices.append((.block(block, .sharedGate), shared)) }
    return SurgeryRows(matrices)
  }

  /// Rows that Model Surgery may edit, in all blocks.
  public var surgeryRowCount: Int { (0..<blocks).reduce(0) { $0 + surgeryRows(in: $1).count } }
}

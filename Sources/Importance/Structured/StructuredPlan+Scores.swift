import Architectures

extension StructuredUnit {
  /// The grain whose units they are.
  public var grain: Grain {
    switch self {
    case .neurons: .neuron
    case .heads: .head
    }
  }
}

extension StructuredPlan {
  /// Takes the units with the lowest scores out of every part; of equal scores the lower unit leaves first.
  ///
  /// `scores` are those of the unit's grain over all blocks.
  /// - Throws: ``StructureError``.
  public init(
    _ unit: StructuredUnit, share: Double, multiple: Int = 1, binding: Binding, scores: UnitScores
  ) throws {
    struct Place: Hashable {
      var block: Int
      var expert: Int?
    }
    var table: [Place: [(index: Int, value: Double)]] = [:]
    for (own, value) in zip(scores.units, scores.values) where own.grain == unit.grain {
      table[Place(block: own.block, expert: own.expert), default: []].append((own.index, value))
    }
    try self.init(unit, share: share, multiple: multiple, binding: binding) { block, expert in
      (table[Place(block: block, expert: expert)] ?? []).sorted { $0.index < $1.index }.map(\.value)
    }
  }
}

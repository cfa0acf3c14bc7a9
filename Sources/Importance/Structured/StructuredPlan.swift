import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Tensors

/// Which units leave each block, and what that means for tensors and config.json.
public struct StructuredPlan: Sendable, Equatable {
  /// The units of one MLP, one expert or one block's attention.
  public struct Part: Sendable, Equatable {
    /// The block.
    public let block: Int
    /// The expert; nil for everything else.
    public let expert: Int?
    /// The units that leave, ascending: neurons, or key/value heads.
    public let removed: [Int]
  }

  /// What leaves.
  public let unit: StructuredUnit
  /// The parts, in the order of the network.
  public let parts: [Part]
  /// Units of a part before, and how many leave each.
  public let count, removed: Int

  /// Takes the units with the lowest scores out of every part, as many of each; of equal scores the lower unit leaves first.
  ///
  /// `score` gives the scores of a part's units, `[count]`: of block b, or of its expert e. The number that leaves is
  /// share · count, rounded so that what stays is the nearest multiple of `multiple` (some programs' kernels want one).
  /// - Throws: ``StructureError``, and what `score` throws.
  public init(
    _ unit: StructuredUnit, share: Double, multiple: Int = 1, binding: Binding,
    score: (_ block: Int, _ expert: Int?) throws -> [Double]
  ) throws {
    let network = binding.network
    let config = StructuredConfig(family: binding.family.name, network: network)
    if let refusal = config.refusal(unit) { throw refusal }
    let count = unit.count(network)
    precondition(multiple > 0, "a multiple of 1 or more")
    let stays = share.isFinite ? (1 - share) * Double(count) / Double(multiple) : Double(count)
    let removed = abs(stays) < 1e9 ? count - Int(stays.rounded()) * multiple : 0
    guard removed >= 1, removed < count, share < 1 else {
      throw StructureError.share(what: unit.rawValue, share: share, of: count)
    }
    if let refusal = config.refusal(unit, removed: removed) { throw refusal }
    var parts: [Part] = []
    for block in 0..<network.blocks {
      for expert in Self.experts(unit, block, network) {
        let scores = try score(block, expert)
        guard scores.count == count else {
          throw StructureError.scores(
            block: block, what: unit.rawValue, found: scores.count, expected: count)
        }
        let order = (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }
        parts.append(Part(block: block, expert: expert, removed: order.prefix(removed).sorted()))
      }
    }
    self.unit = unit
    self.parts = parts
    self.count = count
    self.removed = removed
  }

  /// Whose units a block has: its experts', or one MLP's or attention's. A mixture's dense blocks and shared experts have a
  /// width of their own and stay.
  private static func experts(_ unit: StructuredUnit, _ block: Int, _ network: Network) -> [Int?] {
    guard unit == .neurons, let experts = network.experts else { return [nil] }
    return network.hasExperts(block) ? (0..<experts.count).map { $0 } : []
  }

  /// The config.json of the smaller model.
  public func config(_ config: JSONValue, binding: Binding) -> JSONValue {
    StructuredConfig(family: binding.family.name, network: binding.network)
      .config(config, unit, removed: removed)
  }

  /// What the tensors lose.
  public func cuts(binding: Binding, checkpoint: Checkpoint) throws -> [TensorCut] {
    var losses: OrderedDictionary<String, Loss> = [:]
    let network = binding.network
    let size = network.headSize, group = network.heads / network.keyValueHeads
    func lose(_ role: Role, outputs: [Int] = [], inputs: [Int] = []) throws {
      guard let bound = binding.tensors[role] else { return }
      guard let entry = checkpoint.entry(bound.tensor) else {
        throw CheckpointError.unknownTensor(name: bound.tensor, place: checkpoint.folder)
      }
      losses[bound.tensor, default: Loss(entry, transposed: bound.transposed)].add(
        bound, outputs: outputs, inputs: inputs)
    }
    func rows(_ units: [Int], of width: Int) -> [Int] { units.flatMap { $0 * width..<($0 + 1) * width } }
    for part in parts {
      func role(_ inner: BlockRole) -> Role {
        part.expert.map { .expert(part.block, $0, inner) } ?? .block(part.block, inner)
      }
      switch unit {
      case .neurons:
        try lose(role(.gate), outputs: part.removed)
        try lose(role(.up), outputs: part.removed)
        try lose(role(.down), inputs: part.removed)
      case .heads:
        try lose(role(.query), outputs: rows(part.removed, of: group * size))
        try lose(role(.key), outputs: rows(part.removed, of: size))
        try lose(role(.value), outputs: rows(part.removed, of: size))
        try lose(role(.attentionOutput), inputs: rows(part.removed, of: group * size))
      }
    }
    return losses.flatMap { name, loss in loss.cuts(name) }
  }

  /// The rows and columns that one stored tensor loses.
  private struct Loss {
    let shape: [Int]
    let transposed: Bool
    /// Outputs and inputs that leave, by matrix of a stack.
    var outputs: [Set<Int>]
    var inputs: [Set<Int>]
    var bias: String?

    init(_ entry: TensorEntry, transposed: Bool) {
      shape = entry.shape
      self.transposed = transposed
      let matrices = shape.dropLast(2).reduce(1, *)
      outputs = Array(repeating: [], count: matrices)
      inputs = outputs
    }

    private var height: Int { shape[shape.count - 2] }
    private var width: Int { shape[shape.count - 1] }

    mutating func add(_ bound: BoundTensor, outputs: [Int], inputs: [Int]) {
      let each = transposed ? width : height  // outputs of one matrix
      for output in outputs {
        let (matrix, own) = bound.rows[output].quotientAndRemainder(dividingBy: each)
        self.outputs[matrix].insert(own)
      }
      // Only what loses outputs loses biases: those of the inputs are another tensor's.
      if !outputs.isEmpty, let bias = bound.bias { self.bias = bias }
      self.inputs[bound.rows.first / each].formUnion(inputs)
    }

    func cuts(_ name: String) -> [TensorCut] {
      func kept(_ lost: [Set<Int>], _ length: Int) -> [[Int]]? {
        lost.allSatisfy(\.isEmpty) ? nil : lost.map { lost in (0..<length).filter { !lost.contains($0) } }
      }
      let rows = kept(transposed ? inputs : outputs, height)
      let columns = kept(transposed ? outputs : inputs, width)
      var cuts = [TensorCut(tensor: name, rows: rows, columns: columns)]
      if let bias { cuts.append(TensorCut(tensor: bias, columns: transposed ? columns : rows)) }
      return cuts
    }
  }
}

import Architectures
import Importance
import Layers
import Tensors
import Training

/// How weights of a trained network are chosen and removed: a score, a comparison group and a budget of `Importance`, over
/// matrices of the network.
///
/// Only matrices are pruned: never biases, nor gains and shifts of batch norm. A convolution `[N, C, k…]` counts as a
/// matrix `[N, C · k…]`. Density is the share kept **of these matrices**, as published.
public struct NetworkPruning: Sendable, Equatable {
  /// Which matrices are pruned.
  public enum Layers: String, Sendable, CaseIterable {
    /// All but the last, the classifier: what the paper prunes (arXiv 2305.18383 prunes convolutions, the first included).
    case butLast = "but-last"
    /// All but the first and the last.
    case inner
    /// All of them.
    case all
  }

  /// A score as `surgeon ls scores` lists it; one that needs nothing beside the weights.
  public var score = "magnitude"
  /// Which weights compete: `tensor` prunes every matrix alike, `global` by one threshold.
  public var group = "tensor"
  /// How the weights to prune are spread over matrices.
  public var budget = "uniform"
  /// Which matrices are pruned.
  public var layers = Layers.butLast

  /// Uniform magnitude, the published standard.
  public init() {}

  /// What was removed.
  public struct Outcome: Sendable, Equatable {
    /// Names of the pruned parameters with the places that are kept of each.
    public let kept: [(name: String, kept: Int, count: Int)]
    /// Share kept of the pruned matrices.
    public let density: Double
    /// Share kept of everything that is trained.
    public let overallDensity: Double

    public static func == (a: Outcome, b: Outcome) -> Bool {
      a.density == b.density && a.overallDensity == b.overallDensity
        && a.kept.elementsEqual(b.kept) { $0 == $1 }
    }
  }

  /// The matrices of a network that this prunes, in order.
  /// - Throws: ``ImportanceError/nothingToPrune(asked:known:)``.
  public func matrices(of network: TrainableNetwork) throws -> [Parameter] {
    let all = network.parameters.filter { $0.isDecayed && $0.value.shape.count > 1 }
    let chosen =
      switch layers {
      case .all: all
      case .butLast: Array(all.dropLast())
      case .inner: Array(all.dropLast().dropFirst())
      }
    guard !chosen.isEmpty else {
      throw ImportanceError.nothingToPrune(
        asked: "prune.layers \(layers.rawValue) of a network of \(all.count) matrices", known: all.map(\.name)
      )
    }
    return chosen
  }

  /// Sets the lowest scores to zero and keeps them there in any training that follows.
  /// - Parameter density: share of the matrices' weights that is kept, 0…1.
  /// - Throws: ``ImportanceError``, ``MethodError``.
  public func prune(_ network: TrainableNetwork, density: Double) throws -> Outcome {
    let parameters = try matrices(of: network)
    let prunable = parameters.enumerated().map { index, parameter in
      let shape = [parameter.value.shape[0], parameter.value.rowCount]
      // A layer of a trained network stands as the one product of a block of its own.
      return PrunableMatrix(
        role: .block(index, .up), bound: BoundTensor(whole: parameter.name, shape: shape),
        weight: LinearWeight(parameter.value.reshaped(shape)))
    }
    let group = try ComparisonGroup(parsing: group)
    let budget = try Budget(parsing: budget, sparsity: 1 - density)
    let score = try Score(parsing: score)
    let selection = try Selection(
      prunable, score: score, group: group, counts: budget.counts(for: prunable, group: group))
    var kept: [(name: String, kept: Int, count: Int)] = []
    for (index, parameter) in parameters.enumerated() {
      let mask = try selection.mask(index)
      parameter.prune(
        (0..<mask.outputs).flatMap { row in
          (0..<mask.inputs).filter { !mask[row, $0] }.map { row * mask.inputs + $0 }
        })
      kept.append((parameter.name, mask.keptCount, mask.count))
    }
    let whole = network.parameterCount
    let gone = selection.prunedCount
    return Outcome(
      kept: kept, density: 1 - selection.sparsity, overallDensity: Double(whole - gone) / Double(whole))
  }
}

import Architectures
import Layers
import OrderedCollections
import Tensors

/// A change of the network at run time; the weights on disk and in memory stay as they are.
///
/// Sweeps, controls, comparisons and generation all use it. The rank-one form serves the grid of a sweep; rows as a
/// checkpoint would store them give that checkpoint's outputs bit for bit.
public struct Overlay: Sendable {
  /// One change.
  public enum Change: Sendable {
    /// The outputs `rows` of a role's product are computed with `weights` `[R, K]`.
    case rows(role: Role, rows: [Int], weights: Tensor)
    /// W ← W + m vᵀ with m zero outside `rows`: z_j += coefficient_j · (v·h).
    case rankOne(role: Role, rows: [Int], coefficients: [Float], direction: [Float])
    /// x ← x + vector at a site, every token.
    case add(site: Site, vector: [Float])
    /// x ← x − d(d·x) at a site with the unit direction d, every token (arXiv 2406.11717, equation 4).
    case ablate(site: Site, direction: [Float])
    /// v ← v − s·d(d·v) for the vectors of width D that a role's matrix holds, d of length 1: the outputs of a product
    /// (bias included, before a norm that follows), looked-up embeddings or positions; for ``Role/head`` what it reads,
    /// since its rows are such vectors. The matrices that lose the direction give the same but for rounding.
    case project(role: Role, direction: [Float], strength: Float)
    /// Stored tensors that are read from here instead of from the checkpoint, by their names.
    case tensors([String: Tensor])
    /// W ← W ⊙ M for the product of a role in a block, M being 0 where a bit is: the outputs of the checkpoint with zeros
    /// in those places, bit for bit. Rows that an earlier change of the role brings are masked too; later ones are not.
    case mask(role: Role, bits: WeightBits)
  }

  /// The changes, in the order in which they act.
  public var changes: [Change]

  /// An overlay of some changes.
  public init(_ changes: [Change]) { self.changes = changes }

  /// Removes a unit direction from everything that writes to the residual stream: the embedding and the outputs of
  /// attention and MLP of every block.
  public static func ablation(of direction: [Float], blocks: Int) -> Overlay {
    var changes: [Change] = [.ablate(site: .embeddings, direction: direction)]
    for block in 0..<blocks {
      changes.append(.ablate(site: .attentionOutput(block), direction: direction))
      changes.append(.ablate(site: .mlpOutput(block), direction: direction))
    }
    return Overlay(changes)
  }
}

/// An overlay sorted by the places where the pass asks for it.
struct PlacedOverlay: Sendable {
  struct RowChange: Sendable {
    let rows: [Int]
    /// Whole rows, or nil for rank one.
    let weights: LinearWeight?
    let direction: LinearWeight?
    let coefficients: [Float]
  }
  struct SiteChange: Sendable {
    let vector: [Float]
    /// Ablation instead of addition.
    let direction: LinearWeight?
  }

  /// The model's mode: rows compute as the stored ones; directions are products of f32 in every mode.
  let compute: ComputeMode
  var products: [Role: [RowChange]] = [:]
  private(set) var sites: [Site: [SiteChange]] = [:]
  /// What each role's vectors lose, in order.
  private(set) var projections: [Role: [Projection]] = [:]
  /// Products whose matrix or bias is replaced.
  var replaced: [Role: LinearWeight] = [:]
  /// Embeddings and positions that are replaced.
  var tables: [Role: Tensor] = [:]
  /// Which weights of a role's product stay.
  var masks: [Role: WeightBits] = [:]

  /// - Throws: ``TransformerError/overlay(reason:)``, ``ArchitectureError``.
  init?(_ overlay: Overlay?, model: Model) throws {
    guard let overlay, !overlay.changes.isEmpty else { return nil }
    compute = model.compute
    for change in overlay.changes {
      switch change {
      case .rows(let role, let rows, let weights):
        let whole = try Self.checked(role, rows: rows, width: weights.shape.last ?? 0, model: model)
        let bias = whole.bias.map { bias in Tensor(rows.map { bias.f32[$0] }) }
        let change = RowChange(
          rows: rows, weights: LinearWeight(weights, bias: bias), direction: nil, coefficients: [])
        products[role, default: []].append(change)
      case .rankOne(let role, let rows, let coefficients, let direction):
        _ = try Self.checked(role, rows: rows, width: direction.count, model: model)
        let change = RowChange(
          rows: rows, weights: nil, direction: LinearWeight(Tensor(direction, shape: [1, direction.count])),
          coefficients: coefficients)
        products[role, default: []].append(change)
      case .add(let site, let vector):
        sites[site, default: []].append(SiteChange(vector: vector, direction: nil))
      case .project(let role, let direction, let strength):
        guard direction.count == model.network.width, model.binding.tensors[role] != nil else {
          throw TransformerError.overlay(reason: "a direction of \(direction.count) values for \(role)")
        }
        projections[role, default: []].append(Projection(direction: direction, strength: strength))
      case .tensors(let tensors): try replace(tensors, model: model)
      case .mask(let role, let bits): try mask(role, bits, model: model)
      case .ablate(let site, let direction):
        let product = LinearWeight(Tensor(direction, shape: [1, direction.count]))
        sites[site, default: []].append(SiteChange(vector: direction, direction: product))
      }
    }
    try model.check(sites: Array(sites.keys))
    for (site, changes) in sites {
      guard changes.allSatisfy({ $0.vector.count == model.network.width }) else {
        throw TransformerError.overlay(reason: "a vector at \(site) has another width than the network")
      }
      if case .input = site { throw TransformerError.overlay(reason: "\(site) can be read but not changed") }
    }
  }

  private static func checked(_ role: Role, rows: [Int], width: Int, model: Model) throws -> LinearWeight {
    let weight = try model.linear(role)
    guard weight.inputs == width, rows.allSatisfy({ (0..<weight.outputs).contains($0) }) else {
      throw TransformerError.overlay(reason: "rows or width of a change do not fit \(role)")
    }
    return weight
  }
}

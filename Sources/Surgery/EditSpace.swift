import Architectures
import Glibc
import Transformers

/// In which coordinates rows are compared with the direction, and what is added to them.
public enum EditSpace: String, Sendable, CaseIterable {
  /// The published method (arXiv 2407.08770): raw rows against the probe's own vector, in every block the same.
  case faithful
  /// Undoes the gains of the norms: rows are ranked by cos(g⊙γ_ℓ, v) and v⊘γ_ℓ is added, with v in the raw residual
  /// stream (for a probe after the final norm, v = w⊙γ_final).
  case gainCorrected = "gain-corrected"
  /// One probe a block on what the MLP reads there, which is what the paper's derivation asks for.
  case perLayer = "per-layer"

  /// One line for listings.
  public var summary: String {
    switch self {
    case .faithful: "raw rows against the probe's vector, the same in every block (the published method)"
    case .gainCorrected: "the norms' gains are taken out of rows and direction"
    case .perLayer: "a probe of its own for every block, on the input of its MLP"
    }
  }
}

/// A behaviour's direction as a probe gives it; it points to the behaviour.
public enum BehaviourDirection: Sendable {
  /// One vector at one site, unstandardised, `[D]`.
  case shared([Float], site: Site)
  /// One vector a block at `blocks.N.mlp.input`, `[D]` each.
  case perBlock([Int: [Float]])

  /// The direction of one probe at any site, or of several at the inputs of different blocks' MLPs.
  /// - Throws: ``SurgeryError/spaceMismatch(space:site:)``.
  public init(_ vectors: [(site: Site, vector: [Float])]) throws {
    var perBlock: [Int: [Float]] = [:]
    for (site, vector) in vectors {
      if case .mlpInput(let block) = site { perBlock[block] = vector }
    }
    if perBlock.count == vectors.count, !vectors.isEmpty {
      self = .perBlock(perBlock)
    } else if let only = vectors.first, vectors.count == 1 {
      self = .shared(only.vector, site: only.site)
    } else {
      throw SurgeryError.spaceMismatch(
        space: .perLayer, site: vectors.map(\.site.description).joined(separator: ", "))
    }
  }

  /// The same turned round: the class swap of a behaviour.
  public var reversed: BehaviourDirection {
    switch self {
    case .shared(let vector, let site): .shared(vector.map { -$0 }, site: site)
    case .perBlock(let vectors): .perBlock(vectors.mapValues { $0.map { -$0 } })
    }
  }

  /// Length of the vector (the largest one a block), for the paper's unnormalised α.
  public var norm: Float {
    switch self {
    case .shared(let vector, _): vector.norm
    case .perBlock(let vectors): vectors.values.map(\.norm).max() ?? 0
    }
  }
}

/// What a block's rows are compared with, and the unit vector that is added to them.
struct BlockDirection {
  /// Multiplies rows before the comparison; nil compares them raw. `[D]`.
  let rowGain: [Float]?
  /// Compared with the rows, `[D]`.
  let rank: [Float]
  /// Added to the rows, of length 1, `[D]`.
  let addition: [Float]

  /// - Throws: ``SurgeryError``.
  init(_ direction: BehaviourDirection, space: EditSpace, block: Int, model: Model) throws {
    switch (space, direction) {
    case (.faithful, .shared(let vector, _)):
      self.init(rowGain: nil, rank: vector, addition: vector)
    case (.perLayer, .perBlock(let vectors)):
      guard let vector = vectors[block] else { throw SurgeryError.noDirection(block: block) }
      self.init(rowGain: nil, rank: vector, addition: vector)
    case (.gainCorrected, .shared(let vector, let site)):
      let raw = try Self.residual(vector, site: site, model: model)
      guard let floored = model.flooredGain(feeding: .block(block, model.network.surgeryRole)) else {
        throw SurgeryError.spaceMismatch(space: space, site: site.description)
      }
      self.init(rowGain: floored, rank: raw, addition: zip(raw, floored).map { $0 / $1 })
    case (.perLayer, .shared(_, let site)):
      throw SurgeryError.spaceMismatch(space: space, site: site.description)
    case (_, .perBlock): throw SurgeryError.spaceMismatch(space: space, site: "blocks.*.mlp.input")
    }
  }

  private init(rowGain: [Float]?, rank: [Float], addition: [Float]) {
    self.rowGain = rowGain
    self.rank = rank
    self.addition = addition.unit
  }

  /// The direction in the raw residual stream: w⊙γ_final for a probe after the final norm; the mean component is
  /// removed where LayerNorm removes it anyway.
  static func residual(_ vector: [Float], site: Site, model: Model) throws -> [Float] {
    guard let raw = model.residualDirection(vector, at: site) else {
      throw SurgeryError.spaceMismatch(space: .gainCorrected, site: site.description)
    }
    return raw
  }
}

extension [Float] {
  /// Euclidean length, summed in f64.
  var norm: Float { Float(reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()) }

  /// The same direction with length 1; zeros stay zeros.
  var unit: [Float] {
    let length = norm
    return length == 0 ? self : map { $0 / length }
  }
}

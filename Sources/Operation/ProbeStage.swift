import Architectures
import JSON
import Probing
import Runtime
import Statistics
import Surgery
import Tensors
import Transformers

/// Trained probes: the directions that edits use, and the layer curve.
struct ProbeStage {
  /// A vector in the residual stream with its site, for the comparisons.
  struct ResidualDirection {
    var name: String
    var vector: [Float]
    var site: Site
  }
  /// By kind, at the recipe's direction site.
  var shared: [String: [Float]] = [:]
  /// The direction site.
  var sharedSite: Site
  /// By kind and block, at the MLP inputs.
  var perBlock: [String: [Int: [Float]]] = [:]
  /// Differences of means in the residual stream at the site that the layer curve chose.
  var residualDirections: [ResidualDirection] = []
  /// The layer curve in the report's shape.
  var curve: JSONValue?

  /// The direction of a kind in the form that a space needs.
  /// - Throws: ``SurgeryError``.
  func direction(kind: String, space: EditSpace) throws -> BehaviourDirection {
    if space == .perLayer {
      guard let vectors = perBlock[kind] else { throw SurgeryError.noDirection(block: 0) }
      return .perBlock(vectors)
    }
    guard let vector = shared[kind] else { throw SurgeryError.degenerate }
    return .shared(vector, site: sharedSite)
  }
}

extension Operation {
  private func problem(_ cache: FeatureCache, _ site: Site, _ pooling: Pooling) throws -> SiteProblem {
    let features = try Features(
      site: site.description, cache.features(site: site.description, pooling: pooling))
    return try SiteProblem(features, labels: data.probe.labels, split: data.split, seed: recipe.seed)
  }

  private func direction(_ cache: FeatureCache, _ site: Site, _ pooling: Pooling, _ kind: String) throws -> [Float] {
    try ProbeKind.named(kind).fit(problem(cache, site, pooling)).direction.map(Float.init)
  }

  /// Trains the directions and draws the layer curve; the site is chosen on validation texts and reported on test.
  func trainProbes(_ cache: FeatureCache) throws -> ProbeStage {
    let choice = recipe.probe
    let blocks = base.network.blocks
    var stage = ProbeStage(sharedSite: try Site.list(choice.directionSite, blocks: blocks)[0])
    for (place, kind) in choice.directions.enumerated() {
      stage.shared[kind] = try direction(cache, stage.sharedSite, choice.directionPooling, kind)
      guard recipe.locate.spaces.contains(.perLayer), place == 0 || recipe.locate.spaces[0] == .perLayer else {
        continue
      }
      stage.perBlock[kind] = Dictionary(
        uniqueKeysWithValues: try (0..<blocks).map {
          ($0, try direction(cache, .mlpInput($0), choice.directionPooling, kind))
        })
    }
    let middle = Site.blockOutput(max(0, blocks - 2))
    for (name, pooling) in [("curve pooling", choice.pooling), ("edit pooling", choice.directionPooling)] {
      stage.residualDirections.append(
        .init(name: name, vector: try direction(cache, middle, pooling, "means"), site: middle))
    }
    return stage
  }
}

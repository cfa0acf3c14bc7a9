import Transformers
import Architectures
import JSON
import Probing
import Surgery
import Tensors

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
  var sharedSite: Site
  /// By kind and block, at the MLP inputs.
  var perBlock: [String: [Int: [Float]]] = [:]
  var residualDirections: [ResidualDirection] = []
  /// The layer curve in the report's shape.
  var curve: JSONValue?

  /// The direction of a kind in the form that a space needs.
  /// - Throws: ``SurgeryError/noDirection(block:)``.
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
  func trainProbes(_ cache: FeatureCache) throws -> ProbeStage {
    let site = try Site(parsing: recipe.probe.directionSite)
    var stage = ProbeStage(sharedSite: site)
    func means(_ site: String, _ pooling: Pooling) throws -> [Float] {
      let x = try cache.features(site: site, pooling: pooling)
      let d = x.rowCount
      var sums = [[Double](repeating: 0, count: d), [Double](repeating: 0, count: d)]
      var n = [0.0, 0.0]
      for (i, text) in data.probe.enumerated() where text.part == .train {
        let c = text.label ? 1 : 0
        n[c] += 1
        for k in 0..<d { sums[c][k] += Double(x.f32[i * d + k]) }
      }
      return (0..<d).map { Float(sums[1][$0] / n[1] - sums[0][$0] / n[0]) }
    }
    let pooling = recipe.probe.directionPooling
    stage.shared["means"] = try means(site.description, pooling)
    stage.shared["softmax2"] = stage.shared["means"]
    var perBlock: [Int: [Float]] = [:]
    for block in 0..<base.network.blocks { perBlock[block] = try means("blocks.\(block).mlp.input", pooling) }
    stage.perBlock["means"] = perBlock
    let middle = Site.blockOutput(base.network.blocks - 2)
    stage.residualDirections = [
      .init(name: "prompt end", vector: try means(middle.description, .promptEnd), site: middle),
      .init(name: "whole text", vector: try means(middle.description, .mean), site: middle),
    ]
    return stage
  }
}

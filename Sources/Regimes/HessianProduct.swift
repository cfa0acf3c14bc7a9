import Runtime
import Tensors
import Training

/// Products of the Hessian of the mean training loss with vectors, over the numbers of a network that are not pruned.
///
/// H v ≈ (∇L(w + h v) − ∇L(w − h v)) / 2 h, gradients by the engine's own backward pass in f32, h ‖v‖ a thousandth of ‖w‖ (and at
/// least of 1). Nothing random is switched on and batch norm keeps its running statistics, so the loss is a mean over
/// items. Where the step crosses kinks of ReLU the difference contains their slopes' jumps, as any finite step's does.
public final class HessianProduct {
  private let network: TrainableNetwork
  private let gradient: LossGradient
  private let centre: [Float]
  private let isKept: [Bool]
  private let groups: [ArraySlice<Int>]
  private let radius: Double

  /// Numbers that a vector has, `P`, those that are pruned included (they stay 0).
  public var size: Int { centre.count }
  /// Items of the mean, in ``groupCount`` groups of equal size.
  public var items: Int { groups.reduce(0) { $0 + $1.count } }
  /// Groups that standard errors come from.
  public var groupCount: Int { groups.count }

  /// The Hessian at the network's weights, of the first `items` items of the data, cut into `groups` equal groups.
  /// - Throws: ``RegimesError/badSetting(name:value:expected:)`` for fewer items than groups.
  public init(
    _ network: TrainableNetwork, data: LabelledData, items: Int, groups: Int = 10
  ) throws(RegimesError) {
    let size = min(items, data.count) / max(1, groups)
    guard groups > 0, size > 0 else {
      throw .badSetting(
        name: "hessian.items", value: "\(items) of \(data.count) items", expected: "at least \(groups) items")
    }
    self.network = network
    gradient = LossGradient(network, data: data)
    centre = network.weights
    isKept = network.isKept
    let all = Array(0..<groups * size)
    self.groups = (0..<groups).map { all[$0 * size..<($0 + 1) * size] }
    radius = 1e-3 * max(1, centre.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
  }

  /// The mean gradient of each group at w + h v, handed to `body` group by group.
  private func gradients(_ v: [Double], _ h: Double, _ body: (_ group: Int, _ gradient: [Float]) -> Void) {
    network.setWeights(centre.indices.map { Float(Double(centre[$0]) + h * v[$0]) })
    for (index, group) in groups.enumerated() {
      gradient.run(group, training: false)
      body(index, network.weightGradient)
    }
    network.setWeights(centre)
  }

  private func step(_ v: [Double]) -> Double {
    let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? radius / length : 0
  }

  /// H v, `[P]`; v is 0 where a number is pruned.
  /// - Complexity: two gradients.
  /// - Throws: ``Interrupted``.
  public func callAsFunction(_ v: [Double]) throws -> [Double] {
    try Cancellation.check()
    let h = step(v)
    var result = [Double](repeating: 0, count: size)
    guard h > 0 else { return result }
    for sign in [1.0, -1.0] {
      gradients(v, sign * h) { _, gradient in
        for i in gradient.indices { result[i] += sign * Double(gradient[i]) }
      }
    }
    let scale = 1 / (2 * h * Double(groups.count))
    for i in result.indices { result[i] = isKept[i] ? result[i] * scale : 0 }
    return result
  }

  /// vᵀ H_g v of every group's own Hessian; their mean is vᵀ H v.
  /// - Throws: ``Interrupted``.
  func curvatures(_ v: [Double]) throws -> [Double] {
    try Cancellation.check()
    let h = step(v)
    var result = [Double](repeating: 0, count: groups.count)
    guard h > 0 else { return result }
    for sign in [1.0, -1.0] {
      gradients(v, sign * h) { group, gradient in
        for i in gradient.indices where isKept[i] { result[group] += sign * Double(gradient[i]) * v[i] }
      }
    }
    return result.map { $0 / (2 * h) }
  }

  /// A vector of ±1 (Rademacher), 0 where a number is pruned.
  func signs(_ random: CounterRandom) -> [Double] {
    (0..<size).map { isKept[$0] ? (random.bits(at: UInt64($0)) >> 63 == 0 ? 1 : -1) : 0 }
  }
}

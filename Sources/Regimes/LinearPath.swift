/// The straight line between two networks: θ(t) = (1 − t) θ_A + t θ_B.
///
/// The published code writes it as a Bézier curve whose middle stays in the middle, which is the same line.
public struct LinearPath: WeightPath {
  private let first: [Float], second: [Float]

  /// The line between two vectors `[P]`.
  public init(_ first: [Float], _ second: [Float]) {
    precondition(first.count == second.count, "networks of different sizes")
    (self.first, self.second) = (first, second)
  }

  public func weights(at t: Double) -> [Float] {
    // The ends are the networks themselves, bit for bit.
    if t == 0 { return first }
    if t == 1 { return second }
    return zip(first, second).map { Float((1 - t) * Double($0) + t * Double($1)) }
  }
}

/// A path of weights between two networks.
public protocol WeightPath: Sendable {
  /// The weights `[P]` at t, 0 and 1 being the two networks.
  func weights(at t: Double) -> [Float]
}

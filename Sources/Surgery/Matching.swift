import Runtime

/// Finds the factor of an intervention at which its damage equals a given one: controls are compared there.
public enum Matching {
  /// The factor in 0 … `limit` whose damage is nearest to `target`, by bisection; `limit` where even that does less.
  /// - Parameter damage: grows with the factor, 0 at 0.
  /// - Throws: ``Interrupted``, and whatever `damage` throws.
  public static func factor(
    target: Double, limit: Double, steps: Int = 5, damage: (Double) throws -> Double
  ) throws -> Double {
    var (low, high) = (0.0, limit)
    var best = (factor: limit, damage: try damage(limit))
    if best.damage <= target { return limit }
    for _ in 0..<steps {
      try Cancellation.check()
      let middle = (low + high) / 2
      let reached = try damage(middle)
      if abs(reached - target) < abs(best.damage - target) { best = (middle, reached) }
      if reached < target { low = middle } else { high = middle }
    }
    return best.factor
  }
}

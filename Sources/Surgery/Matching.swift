import Glibc
import Runtime

/// Finds the factor of an intervention at which its damage equals a given one: controls are compared there.
public enum Matching {
  /// The factor in 0 … `limit` whose damage is nearest to `target` in ratio.
  ///
  /// Damage grows about as a power of the factor, so the search is a secant in logarithms: a few measurements come
  /// within a tenth. Where even `limit` does less damage, `limit` is the answer.
  /// - Parameters:
  ///   - target: the damage to reach, positive.
  ///   - start: the first factor tried.
  ///   - limit: the largest factor.
  ///   - steps: measurements at most.
  ///   - damage: grows with the factor, 0 at 0.
  /// - Returns: the factor and the damage that was measured there.
  /// - Throws: ``Interrupted``, and whatever `damage` throws.
  public static func factor(
    target: Double, start: Double, limit: Double, steps: Int = 7, damage: (Double) throws -> Double
  ) throws -> (factor: Double, damage: Double) {
    func miss(_ damage: Double) -> Double { abs(log(max(damage, 1e-12) / max(target, 1e-12))) }
    var factor = min(start, limit)
    var best = (factor: factor, damage: try damage(factor))
    var last = best
    var power = 2.0
    for _ in 1..<max(2, steps) where miss(best.damage) > 0.1 {
      try Cancellation.check()
      let ratio = max(target, 1e-12) / max(last.damage, 1e-12)
      factor = min(limit, last.factor * min(4, max(0.25, pow(ratio, 1 / power))))
      if factor == last.factor { break }
      let next = (factor: factor, damage: try damage(factor))
      let measured = log(max(next.damage, 1e-12) / max(last.damage, 1e-12)) / log(next.factor / last.factor)
      if measured.isFinite { power = min(8, max(0.5, measured)) }
      if miss(next.damage) < miss(best.damage) { best = next }
      last = next
    }
    return best
  }
}

import Statistics

/// The largest share that can go with the damage below a limit, with confidence.
///
/// A share counts while the upper end of its paired interval stays below ε, and while all smaller shares count too: one
/// lucky point behind a bad one is no knee.
public struct Knee: Sendable, Equatable {
  /// The share; 0 where not even the smallest one counts.
  public let share: Double
  /// The damage at it; nil at 0.
  public let damage: Double?
  /// The first share that does not count; nil where all do, and the knee lies beyond what was measured.
  public let next: Double?
  /// The limit, in the metric's unit.
  public let epsilon: Double

  /// The knee of points with the smallest scores removed, shares ascending. Nil for no point.
  public init?(_ points: [ImportanceCurve.Point], epsilon: Double) {
    guard !points.isEmpty else { return nil }
    self.epsilon = epsilon
    let failing = points.firstIndex { point in
      // Without an interval (a single document) nothing is sure.
      guard let upper = point.interval?.upper else { return true }
      return !(upper < epsilon)
    }
    let last = (failing ?? points.count) - 1
    share = last < 0 ? 0 : points[last].share
    damage = last < 0 ? nil : points[last].damage
    next = failing.map { points[$0].share }
  }
}

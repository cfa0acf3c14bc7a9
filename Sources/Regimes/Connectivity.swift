import Training

/// Training error along a path of weights between two networks.
///
/// **Sign and unit.** `value` = ½ (e(0) + e(1)) − e(t*), with t* where this differs most from 0 (arXiv 2305.18383 after
/// arXiv 2107.11228); e is the share of wrong training answers, a fraction 0…1. Negative: a barrier. About 0: connected.
/// Positive: the ends are worse than the path, which says that they are not trained to the end.
public struct Connectivity: Sendable, Equatable {
  /// One place of the path.
  public struct Point: Sendable, Equatable {
    /// t, 0 at the first network and 1 at the second.
    public let place: Double
    /// Share of wrong training answers, batch norm's statistics re-estimated from the training items at this place.
    public let error: Double
    /// Mean cross-entropy there, nats.
    public let loss: Double
    /// The same share with the running statistics interpolated like weights; nil for networks without batch norm.
    public let rawError: Double?
  }

  /// The places in order, the ends included.
  public let points: [Point]
  /// ½ (e(0) + e(1)) − e(t*), a fraction of training items.
  public let value: Double
  /// t*; the first of several equal ones.
  public let place: Double
  /// The same difference of mean losses at the place where the losses differ most, nats.
  public let lossValue: Double

  /// The connectivity of measured points.
  public init(_ points: [Point]) {
    precondition(points.count >= 2, "a path has two ends")
    self.points = points
    (value, place) = Self.extremum(points, \.error)
    lossValue = Self.extremum(points, \.loss).value
  }

  private static func extremum(
    _ points: [Point], _ height: (Point) -> Double
  ) -> (value: Double, place: Double) {
    let ends = (height(points[0]) + height(points[points.count - 1])) / 2
    var best = (value: 0.0, place: points[0].place)
    for point in points where abs(ends - height(point)) > abs(best.value) {
      best = (ends - height(point), point.place)
    }
    return best
  }

  /// Equally spaced places from 0 to 1.
  public static func places(_ count: Int) -> [Double] {
    precondition(count >= 2, "a path has two ends")
    return (0..<count).map { Double($0) / Double(count - 1) }
  }
}

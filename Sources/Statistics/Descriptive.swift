/// A mean with its standard error.
public struct MeanEstimate: Sendable, Equatable {
  /// The mean.
  public var mean: Double
  /// Standard deviation of the mean (sample deviation over √n); nil for fewer than two values.
  public var standardError: Double?
  /// How many values.
  public var n: Int

  /// The interval mean ± z · standard error.
  public func interval(level: Double = 0.95) -> Interval? {
    guard let standardError else { return nil }
    let z = Normal.quantile(1 - (1 - level) / 2)
    return Interval(
      lower: mean - z * standardError, upper: mean + z * standardError, level: level, method: "normal")
  }
}

/// Means, deviations and quantiles.
public enum Descriptive {
  /// The mean of values, nil for none. Summed with compensation (Neumaier).
  public static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : sum(values) / Double(values.count)
  }

  /// The weighted mean, nil when the weights sum to zero.
  public static func mean(_ values: [Double], weights: [Double]) -> Double? {
    precondition(values.count == weights.count, "one weight a value")
    var total = 0.0, weight = 0.0
    for i in values.indices {
      total += values[i] * weights[i]
      weight += weights[i]
    }
    return weight > 0 ? total / weight : nil
  }

  /// The sum with a running compensation of what rounding lost.
  public static func sum(_ values: [Double]) -> Double {
    var total = 0.0, lost = 0.0
    for value in values {
      let next = total + value
      lost += abs(total) >= abs(value) ? (total - next) + value : (value - next) + total
      total = next
    }
    return total.isFinite ? total + lost : total
  }

  /// The sample variance (n − 1), nil for fewer than two values.
  public static func variance(_ values: [Double]) -> Double? {
    guard values.count > 1, let mean = mean(values) else { return nil }
    return sum(values.map { ($0 - mean) * ($0 - mean) }) / Double(values.count - 1)
  }

  /// The mean with its standard error, nil for no values.
  public static func estimate(_ values: [Double]) -> MeanEstimate? {
    guard let mean = mean(values) else { return nil }
    let error = variance(values).map { ($0 / Double(values.count)).squareRoot() }
    return MeanEstimate(mean: mean, standardError: error, n: values.count)
  }

  /// The value below which a fraction `p` (0…1) lies, by linear interpolation between order statistics
  /// (type 7 of Hyndman and Fan, NumPy's default); nil for no values.
  public static func quantile(_ values: [Double], _ p: Double) -> Double? {
    quantile(sorted: values.sorted(), p)
  }

  /// The same for values in ascending order.
  public static func quantile(sorted values: [Double], _ p: Double) -> Double? {
    precondition(p >= 0 && p <= 1, "a quantile needs 0 ≤ p ≤ 1")
    guard let last = values.last else { return nil }
    let place = p * Double(values.count - 1)
    let below = Int(place)
    guard below + 1 < values.count else { return last }
    return values[below] + (place - Double(below)) * (values[below + 1] - values[below])
  }

  /// The median, nil for no values.
  public static func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }
}

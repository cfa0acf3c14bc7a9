/// The interval of a proportion by Wilson's score (1927): right at small n and at 0 and 1.
public enum Wilson {
  /// The interval of `successes` out of `total`; nil when nothing was counted.
  public static func interval(successes: Int, total: Int, level: Double = 0.95) -> Interval? {
    precondition(successes >= 0 && successes <= total, "successes lie in 0...total")
    guard total > 0 else { return nil }
    let z = Normal.quantile(1 - (1 - level) / 2)
    let n = Double(total), p = Double(successes) / Double(total)
    let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return Interval(
      lower: successes == 0 ? 0 : max(0, middle - half),
      upper: successes == total ? 1 : min(1, middle + half), level: level, method: "wilson")
  }

  /// A proportion as a metric (`fraction`) with its interval.
  public static func metric(
    _ name: String, successes: Int, total: Int, higherIsBetter: Bool? = nil, level: Double = 0.95
  ) -> Metric {
    Metric(
      name: name, value: total > 0 ? Double(successes) / Double(total) : nil, unit: "fraction", n: total,
      higherIsBetter: higherIsBetter, interval: interval(successes: successes, total: total, level: level),
      reason: total > 0 ? nil : "nothing was counted")
  }
}

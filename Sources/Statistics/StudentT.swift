import Glibc

/// Student's t distribution, for means of few values.
public enum StudentT {
  /// P(T ≤ t) with `degrees` degrees of freedom, through the regularised incomplete beta function.
  public static func cumulative(_ t: Double, degrees: Int) -> Double {
    let n = Double(degrees)
    let tail = incompleteBeta(n / (n + t * t), n / 2, 0.5) / 2
    return t > 0 ? 1 - tail : tail
  }

  /// The value that T stays below with probability `p` in 0 < p < 1.
  public static func quantile(_ p: Double, degrees: Int) -> Double {
    precondition(p > 0 && p < 1 && degrees > 0, "a quantile at \(p) with \(degrees) degrees of freedom")
    if p < 0.5 { return -quantile(1 - p, degrees: degrees) }
    var low = 0.0, high = 1.0
    while cumulative(high, degrees: degrees) < p { (low, high) = (high, 2 * high) }
    for _ in 0..<200 where high - low > 1e-14 * high {
      let middle = (low + high) / 2
      if cumulative(middle, degrees: degrees) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// I_x(a, b) by Lentz's continued fraction (Numerical Recipes' convergence condition x < (a+1)/(a+b+2)).
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    func away(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0, d = 1 / away(1 - (a + b) * x / (a + 1))
    var fraction = d
    for m in 1...500 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / away(1 + even * d)
      c = away(1 + even / c)
      fraction *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / away(1 + odd * d)
      c = away(1 + odd / c)
      fraction *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return front * fraction
  }
}

extension MeanEstimate {
  /// The interval mean ± t · standard error of Student's distribution: for a few values that are roughly normal, such
  /// as one result a seed.
  public func studentInterval(level: Double = 0.95) -> Interval? {
    guard let standardError, n > 1 else { return nil }
    let t = StudentT.quantile(1 - (1 - level) / 2, degrees: n - 1)
    return Interval(
      lower: mean - t * standardError, upper: mean + t * standardError, level: level, method: "student-t")
  }
}

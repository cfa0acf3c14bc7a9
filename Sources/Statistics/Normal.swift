import Glibc

/// The standard normal distribution.
public enum Normal {
  /// The probability of a value at most `x`.
  public static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// The value that a fraction `p` (0 < p < 1) lies below.
  ///
  /// Newton's method on the smaller tail, started from a rational fit (Abramowitz and Stegun 26.2.23);
  /// correct to about 1e-15 relative.
  public static func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1, "a normal quantile needs 0 < p < 1")
    if p > 0.5 { return -quantile(1 - p) }
    let t = (-2 * log(p)).squareRoot()
    var x =
      -(t - (2.515517 + t * (0.802853 + t * 0.010328))
        / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))))
    for _ in 0..<4 {
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      let error = (cumulative(x) - p) / density
      x -= error / (1 + x * error / 2)  // Halley's correction
    }
    return x
  }
}

import Glibc

/// A power law p(λ) ∝ λ^−α fitted to the upper tail of a spectrum.
///
/// ``init(exact:)`` chooses where the tail begins as Clauset, Shalizi and Newman do (arXiv 0706.1062, sections 3.1 and
/// 3.3): every eigenvalue but the largest is tried as xmin, α is the maximum-likelihood exponent of the values from
/// there on, and the xmin with the smallest Kolmogorov–Smirnov distance is taken. ``init(hill:)`` takes the median
/// instead (the Hill estimator as used by TempBalance, arXiv 2312.00359): cheaper, and steadier from matrix to matrix.
public struct PowerLawFit: Sendable, Equatable {
  /// Eigenvalues that a fit needs at least; with fewer there is none.
  public static let leastValues = 20
  /// Below this many a fit is made, and its value marked as one of few eigenvalues.
  public static let fewValues = 50

  /// α, the exponent of the density.
  public let alpha: Double
  /// Where the tail begins: a λ.
  public let xmin: Double
  /// Eigenvalues of the tail, xmin included.
  public let tail: Int
  /// The largest distance between the tail's distribution and the fitted one, 0…1.
  public let distance: Double

  /// The standard error of α were the eigenvalues independent: (α − 1)/√n.
  public var sigma: Double { (alpha - 1) / Double(tail).squareRoot() }

  /// The exact fit to ascending positive eigenvalues; nil with fewer than ``leastValues``, or where all are the same.
  /// - Complexity: n² at most; a candidate is left as soon as its distance exceeds the best one's.
  public init?(exact values: some RandomAccessCollection<Double>) {
    self.init(exact: Array(values), logarithms: values.map { log($0) })
  }

  /// The fit with xmin the median of ascending positive eigenvalues; nil as for ``init(exact:)``.
  ///
  /// The median is the n/2-th value counted from 0, the tail what lies above it, and α = 1 + (n/2) / Σ ln(λ/λ_median).
  public init?(hill values: some RandomAccessCollection<Double>) {
    let values = Array(values)
    guard values.count >= Self.leastValues, let first = values.first, first > 0 else { return nil }
    let start = values.count / 2
    let logarithms = values[start...].map { log($0) }
    let sum = logarithms.reduce(0) { $0 + ($1 - logarithms[0]) }
    guard sum > 0 else { return nil }
    alpha = 1 + Double(logarithms.count) / sum
    xmin = values[start]
    tail = logarithms.count
    distance = Self.distance(logarithms, from: 0, alpha: alpha, above: .infinity)
  }

  /// The exact fit where the logarithms are known: `values` ascending and positive.
  init?(exact values: [Double], logarithms: [Double]) {
    guard values.count >= Self.leastValues, let first = values.first, first > 0 else { return nil }
    let count = values.count
    // Σ of the logarithms from each place on, smallest terms last: exact enough and one pass.
    var sums = [Double](repeating: 0, count: count + 1)
    for index in stride(from: count - 1, through: 0, by: -1) {
      sums[index] = sums[index + 1] + logarithms[index]
    }
    func exponent(_ start: Int) -> Double? {
      let n = Double(count - start)
      let sum = sums[start] - n * logarithms[start]
      return sum > 1e-12 * n ? 1 + n / sum : nil
    }
    // A bound from some candidates lets most of the others go early; equal distances go to the smaller xmin.
    var bound = Double.infinity
    for start in stride(from: 0, to: count - 1, by: max(1, count / 16)) {
      if start > 0, values[start] == values[start - 1] { continue }  // no candidate below either
      guard let alpha = exponent(start) else { continue }
      bound = min(bound, Self.distance(logarithms, from: start, alpha: alpha, above: bound))
    }
    var best: (start: Int, alpha: Double, distance: Double)?
    for start in 0..<count - 1 {
      if start > 0, values[start] == values[start - 1] { continue }  // the same xmin
      guard let alpha = exponent(start) else { continue }
      let distance = Self.distance(logarithms, from: start, alpha: alpha, above: bound)
      if distance < best?.distance ?? .infinity { best = (start, alpha, distance) }
      bound = min(bound, distance)
    }
    guard let best, best.distance.isFinite else { return nil }
    alpha = best.alpha
    xmin = values[best.start]
    tail = count - best.start
    distance = best.distance
  }

  /// max_k |1 − (λ_k/xmin)^(1−α) − k/n| over the tail, k from 0; infinite as soon as it exceeds `bound`.
  private static func distance(_ logarithms: [Double], from start: Int, alpha: Double, above bound: Double)
    -> Double
  {
    let n = Double(logarithms.count - start)
    let base = logarithms[start]
    func term(_ index: Int) -> Double {
      abs(1 - exp((1 - alpha) * (logarithms[index] - base)) - Double(index - start) / n)
    }
    // A few places first: they reject most candidates.
    var largest = 0.0
    for index in stride(from: start, to: logarithms.count, by: max(1, (logarithms.count - start) / 16)) {
      largest = max(largest, term(index))
    }
    if largest > bound { return .infinity }
    for index in start..<logarithms.count {
      let value = term(index)
      if value > largest {
        largest = value
        if largest > bound { return .infinity }
      }
    }
    return largest
  }

  /// Places up to here are looked at for ``Fingers``.
  static let mostFingers = 10
}

/// A few outlying eigenvalues at the top of a spectrum that make the exact fit's α too large.
///
/// The top values are left out one after the other, ten at most, until α has fallen by 1 or more, but not below 2:
/// those were the fingers, and ``PowerLawFit/alpha`` without them is what the rest of the spectrum says.
public struct Fingers: Sendable, Equatable {
  /// How many of the top eigenvalues they are, 1…10.
  public let count: Int
  /// The fit without them.
  public let fit: PowerLawFit

  /// Looks for fingers in ascending positive eigenvalues whose exact fit is known; nil where there are none.
  public init?(_ values: some RandomAccessCollection<Double>, fit: PowerLawFit) {
    let logarithms = values.map { log($0) }
    let values = Array(values)
    for count in 1...PowerLawFit.mostFingers where values.count - count >= PowerLawFit.leastValues {
      guard
        let without = PowerLawFit(
          exact: Array(values.dropLast(count)), logarithms: Array(logarithms.dropLast(count)))
      else { return nil }
      if without.alpha <= fit.alpha - 1, without.alpha >= 2 {
        self.count = count
        self.fit = without
        return
      }
    }
    return nil
  }
}

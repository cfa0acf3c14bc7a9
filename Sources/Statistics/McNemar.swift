import Glibc

/// McNemar's test of two answers to the same items: only the items on which they differ count.
public struct McNemar: Sendable, Equatable {
  /// Items that only the first answer gets right.
  public let onlyFirst: Int
  /// Items that only the second answer gets right.
  public let onlySecond: Int

  /// The test for given counts of discordant items.
  public init(onlyFirst: Int, onlySecond: Int) {
    precondition(onlyFirst >= 0 && onlySecond >= 0, "counts are not negative")
    self.onlyFirst = onlyFirst
    self.onlySecond = onlySecond
  }

  /// The test of two answers, `[n]` each.
  public init(first: [Bool], second: [Bool]) {
    precondition(first.count == second.count, "the same items")
    self.init(
      onlyFirst: zip(first, second).count { $0 && !$1 }, onlySecond: zip(first, second).count { !$0 && $1 })
  }

  /// The two-sided p of the exact binomial test: never too small, often too large.
  public var exactP: Double { min(1, 2 * tail.cumulative) }

  /// The two-sided mid-p (Fagerland et al. 2013): half of the observed table's probability; the default here.
  public var midP: Double {
    onlyFirst == onlySecond ? 1 : min(1, 2 * tail.cumulative - tail.point)
  }

  /// P(X ≤ k) and P(X = k) of Binomial(b + c, ½) at k = min(b, c).
  private var tail: (cumulative: Double, point: Double) {
    let n = onlyFirst + onlySecond, k = min(onlyFirst, onlySecond)
    var term = exp(Self.logChoose(n, k) - Double(n) * log(2))
    let point = term
    var sum = 0.0
    for j in stride(from: k, through: 0, by: -1) {
      sum += term
      if term < sum * 1e-18 { break }
      term *= Double(j) / Double(n - j + 1)
    }
    return (sum, point)
  }

  private static func logChoose(_ n: Int, _ k: Int) -> Double {
    var sign: Int32 = 0
    return lgamma_r(Double(n + 1), &sign) - lgamma_r(Double(k + 1), &sign)
      - lgamma_r(Double(n - k + 1), &sign)
  }
}

import Runtime

/// The paired permutation test: is the mean of differences other than zero, when each sign is a coin's?
public enum PermutationTest {
  /// The result of a test.
  public struct Result: Sendable, Equatable {
    /// The observed mean difference, in the values' unit.
    public var mean: Double
    /// The two-sided p.
    public var p: Double
    /// Sign patterns looked at.
    public var permutations: Int
    /// Whether these were all there are.
    public var isExact: Bool
  }

  /// Tests the mean of paired differences `[n]`; nil for none.
  ///
  /// With groups `[n]`, all items of a group change sign together. All 2^G patterns are looked at when they are at
  /// most `permutations`; otherwise that many are drawn and p = (hits + 1)/(drawn + 1), which is never 0.
  /// - Complexity: O(permutations · G).
  public static func paired<Group: Hashable>(
    _ differences: [Double], groups: [Group]?, permutations: Int = 10_000, seed: UInt64 = 0,
    stream: String = "permutation"
  ) -> Result? {
    precondition(groups.map { $0.count == differences.count } ?? true, "one group a difference")
    guard !differences.isEmpty, permutations > 0 else { return nil }
    var sums: [Double] = []
    if let groups {
      var indices: [Group: Int] = [:]
      for (group, difference) in zip(groups, differences) {
        if let index = indices[group] {
          sums[index] += difference
        } else {
          indices[group] = sums.count
          sums.append(difference)
        }
      }
    } else {
      sums = differences
    }
    let observed = sums.reduce(0, +)
    // Sums in another order differ by rounding: what ties with the observed one must count.
    let limit = abs(observed) - 1e-12 * sums.reduce(0) { $0 + abs($1) }
    var hits = 0
    let isExact = sums.count < 60 && 1 << sums.count <= permutations
    let patterns = isExact ? 1 << sums.count : permutations
    let random = CounterRandom(seed: seed, stream: stream)
    for pattern in 0..<patterns {
      var total = 0.0
      if isExact {
        for (bit, sum) in sums.enumerated() { total += pattern >> bit & 1 == 1 ? -sum : sum }
      } else {
        var draw = random.stream(UInt64(pattern))
        var bits: UInt64 = 0
        for (index, sum) in sums.enumerated() {
          if index % 64 == 0 { bits = draw.next() }
          total += bits & 1 == 1 ? -sum : sum
          bits >>= 1
        }
      }
      if abs(total) >= limit { hits += 1 }
    }
    let p = isExact ? Double(hits) / Double(patterns) : Double(hits + 1) / Double(patterns + 1)
    return Result(
      mean: observed / Double(differences.count), p: p, permutations: patterns, isExact: isExact)
  }

  /// The test with each difference alone.
  public static func paired(
    _ differences: [Double], permutations: Int = 10_000, seed: UInt64 = 0, stream: String = "permutation"
  ) -> Result? {
    paired(differences, groups: [Int]?.none, permutations: permutations, seed: seed, stream: stream)
  }
}

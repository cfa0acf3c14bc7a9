import Runtime

/// Resampling of documents, prompts or whole groups with replacement (Efron 1979), never of tokens.
///
/// A resample is a weight for every item (how often it was drawn), so that a statistic sorts its items once and
/// not once a resample. Resample `r` is a function of the seed, the stream and `r` alone: two statistics measured
/// with one bootstrap see the same resamples, which is what makes differences paired.
///
/// Shapes: `n` items, `G` groups.
public struct Bootstrap: Sendable {
  /// How many items, `n`.
  public let count: Int
  /// How many resamples are drawn.
  public let resamples: Int
  /// How many groups are resampled, `G`; `n` where every item stands alone.
  public let groupCount: Int
  private let groupOf: [Int]
  private let random: CounterRandom

  /// A plan of resamples.
  /// - Parameters:
  ///   - count: the number of items, `n`.
  ///   - groups: a group's name for each item, `[n]`: its items are drawn together; nil: each item alone.
  ///   - resamples: how many.
  ///   - seed: of ``CounterRandom``.
  ///   - stream: separates bootstraps of one seed that should not share resamples.
  public init<Group: Hashable>(
    count: Int, groups: [Group]?, resamples: Int = 1000, seed: UInt64 = 0, stream: String = "bootstrap"
  ) {
    precondition(groups.map { $0.count == count } ?? true, "one group an item")
    self.count = count
    self.resamples = resamples
    self.random = CounterRandom(seed: seed, stream: stream)
    guard let groups else {
      self.groupOf = Array(0..<count)
      self.groupCount = count
      return
    }
    var indices: [Group: Int] = [:]
    self.groupOf = groups.map { name in
      if let index = indices[name] { return index }
      let index = indices.count
      indices[name] = index
      return index
    }
    self.groupCount = indices.count
  }

  /// A plan that resamples each item alone.
  public init(count: Int, resamples: Int = 1000, seed: UInt64 = 0, stream: String = "bootstrap") {
    self.init(count: count, groups: [Int]?.none, resamples: resamples, seed: seed, stream: stream)
  }

  /// How often each item, `[n]`, is drawn in resample `index`.
  public func weights(_ index: Int) -> [Double] {
    var draws = [Double](repeating: 0, count: groupCount)
    guard groupCount > 0 else { return [] }
    var random = random.stream(UInt64(index))
    for _ in 0..<groupCount { draws[random.below(groupCount)] += 1 }
    return groupOf.map { draws[$0] }
  }

  /// The statistic's value in every resample; nil where it is undefined (one class drawn only).
  public func values(_ statistic: (_ weights: [Double]) -> Double?) -> [Double?] {
    (0..<resamples).map { index in statistic(weights(index)).flatMap { $0.isFinite ? $0 : nil } }
  }

  /// The percentile interval of a statistic of weighted items.
  ///
  /// Resamples in which the statistic is undefined are left out and counted in the method's text; nil when they
  /// are more than a tenth, or when fewer than two groups can be drawn.
  public func interval(level: Double = 0.95, _ statistic: (_ weights: [Double]) -> Double?) -> Interval? {
    percentiles(values(statistic), level: level, what: "bootstrap percentile")
  }

  /// The percentile interval of a statistic whose values in the resamples, `[resamples]`, are known already.
  public func interval(of values: [Double?], level: Double = 0.95) -> Interval? {
    precondition(values.count == resamples, "one value a resample")
    return percentiles(
      values.map { $0.flatMap { $0.isFinite ? $0 : nil } }, level: level, what: "bootstrap percentile")
  }

  /// The percentile interval of the difference `first − second` of two statistics of the same items: both see
  /// the same resamples.
  public func difference(
    level: Double = 0.95, _ first: (_ weights: [Double]) -> Double?,
    _ second: (_ weights: [Double]) -> Double?
  ) -> Interval? {
    let values = values { weights in
      guard let a = first(weights), let b = second(weights) else { return nil }
      return a - b
    }
    return percentiles(values, level: level, what: "paired bootstrap percentile")
  }

  /// The interval of the mean of one value an item, `[n]`.
  public func mean(_ items: [Double], level: Double = 0.95) -> Interval? {
    precondition(items.count == count, "one value an item")
    return interval(level: level) { Descriptive.mean(items, weights: $0) }
  }

  /// The standard deviation of a statistic over the resamples: its standard error. Nil as in ``interval(level:_:)``.
  public func standardError(_ statistic: (_ weights: [Double]) -> Double?) -> Double? {
    let defined = values(statistic).compactMap { $0 }
    guard isUsable(defined) else { return nil }
    return Descriptive.variance(defined)?.squareRoot()
  }

  private func isUsable(_ defined: [Double]) -> Bool {
    groupCount > 1 && defined.count > 1 && defined.count * 10 >= resamples * 9
  }

  private func percentiles(_ values: [Double?], level: Double, what: String) -> Interval? {
    let defined = values.compactMap { $0 }.sorted()
    guard isUsable(defined),
      let lower = Descriptive.quantile(sorted: defined, (1 - level) / 2),
      let upper = Descriptive.quantile(sorted: defined, 1 - (1 - level) / 2)
    else { return nil }
    var method =
      "\(what), \(resamples) resamples of \(groupCount) \(groupCount == count ? "items" : "groups")"
    if defined.count < resamples { method += ", \(resamples - defined.count) of them undefined" }
    return Interval(lower: lower, upper: upper, level: level, method: method)
  }
}

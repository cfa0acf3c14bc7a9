/// A range that a value lies in with a stated confidence.
public struct Interval: Sendable, Equatable {
  /// The lower end, in the value's unit.
  public var lower: Double
  /// The upper end, in the value's unit.
  public var upper: Double
  /// The confidence, a fraction such as 0.95.
  public var level: Double
  /// How it was made, such as `wilson` or `bootstrap percentile, 1000 resamples of 40 groups`.
  public var method: String

  /// A range.
  public init(lower: Double, upper: Double, level: Double, method: String) {
    self.lower = lower
    self.upper = upper
    self.level = level
    self.method = method
  }

  /// Whether a value lies inside, the ends included.
  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// One measured number with all that is needed to read it: unit, sample size, direction and interval.
public struct Metric: Sendable, Equatable {
  /// The stable name, such as `auroc`.
  public var name: String
  /// The number; nil where it is undefined, with the `reason`.
  public var value: Double?
  /// The unit: `fraction`, `nats`, `count`, `ratio`, …
  public var unit: String
  /// How many independent items (documents, prompts) it was measured on.
  public var n: Int
  /// Which way is good; nil where neither is.
  public var higherIsBetter: Bool?
  /// What the value may be, given the sample.
  public var interval: Interval?
  /// Why there is no value, or what to beware of.
  public var reason: String?

  /// A metric. A value that is not finite becomes nil with a reason: reports can say no other.
  public init(
    name: String, value: Double?, unit: String, n: Int, higherIsBetter: Bool? = nil,
    interval: Interval? = nil, reason: String? = nil
  ) {
    self.name = name
    self.value = value
    self.unit = unit
    self.n = n
    self.higherIsBetter = higherIsBetter
    self.interval = interval
    self.reason = reason
    if let number = value, !number.isFinite {
      self.value = nil
      self.reason = reason ?? "the value is \(number)"
    }
    if let range = interval, !range.lower.isFinite || !range.upper.isFinite { self.interval = nil }
  }
}

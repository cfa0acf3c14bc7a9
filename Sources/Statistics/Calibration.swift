/// Whether stated confidences come true (expected calibration error; arXiv 1706.04599, eq. 3).
///
/// `confidence` is a probability `[n]`, `outcome` whether what it was given to came true: for many classes the
/// top probability and whether the top class is right; for two classes either that, or the positive class's
/// probability and whether the item is positive.
public enum Calibration {
  /// How confidences are put into bins.
  public enum Binning: String, Sendable, CaseIterable {
    /// Bins (i/B, (i+1)/B], with 0 in the first.
    case equalWidth = "equal_width"
    /// Bins of nearly equal numbers of items, equal confidences never parted.
    case equalMass = "equal_mass"
  }

  /// One bin of a reliability diagram.
  public struct Bin: Sendable, Equatable {
    /// The lower end: of the bin, or for equal mass the smallest confidence in it.
    public var lower: Double
    /// The upper end: of the bin, or for equal mass the largest confidence in it.
    public var upper: Double
    /// Weight of its items (their number without weights).
    public var count: Double
    /// Mean confidence; nil for an empty bin.
    public var confidence: Double?
    /// Fraction that came true; nil for an empty bin.
    public var frequency: Double?
  }

  /// The bin (i/B, (i+1)/B] that a confidence falls into, 0 into the first.
  static func bin(of value: Double, bins: Int) -> Int {
    var bin = min(max(Int((value * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
    while bin > 0 && value <= Double(bin) / Double(bins) { bin -= 1 }
    while bin < bins - 1 && value > Double(bin + 1) / Double(bins) { bin += 1 }
    return bin
  }

  /// The bin of each item, `[n]`, and the bins' ends.
  static func assign(_ confidence: [Double], bins: Int, binning: Binning) -> (
    bin: [Int], ends: [(Double, Double)]
  ) {
    precondition(bins > 0, "at least one bin")
    switch binning {
    case .equalWidth:
      let ends = (0..<bins).map { (Double($0) / Double(bins), Double($0 + 1) / Double(bins)) }
      return (confidence.map { bin(of: $0, bins: bins) }, ends)
    case .equalMass:
      let order = confidence.indices.sorted { confidence[$0] < confidence[$1] }
      var places = [Int](repeating: 0, count: confidence.count)
      var ends: [(Double, Double)] = []
      var share = -1
      for (rank, item) in order.enumerated() {
        let value = confidence[item]
        let isTied = rank > 0 && value == confidence[order[rank - 1]]
        if !isTied, rank * bins / order.count != share {
          share = rank * bins / order.count
          ends.append((value, value))
        }
        ends[ends.count - 1].1 = value
        places[item] = ends.count - 1
      }
      return (places, ends)
    }
  }

  /// The reliability diagram's bins, in order of confidence.
  public static func bins(
    confidence: [Double], outcome: [Bool], bins: Int = 15, binning: Binning = .equalWidth,
    weights: [Double]? = nil
  ) -> [Bin] {
    Reliability(confidence: confidence, outcome: outcome, bins: bins, binning: binning).bins(weights: weights)
  }

  /// Σ over bins of the bin's share · |mean confidence − frequency|, a fraction; nil for no items or NaN.
  public static func expectedError(
    confidence: [Double], outcome: [Bool], bins: Int = 15, binning: Binning = .equalWidth,
    weights: [Double]? = nil
  ) -> Double? {
    guard !confidence.contains(where: \.isNaN) else { return nil }
    return Reliability(confidence: confidence, outcome: outcome, bins: bins, binning: binning)
      .expectedError(weights: weights)
  }
}

/// Confidences put into bins once, to be asked for many weights (bootstrap).
public struct Reliability: Sendable {
  private let confidence: [Double]
  private let outcome: [Bool]
  private let place: [Int]
  private let ends: [(Double, Double)]

  /// Puts the items into bins; no confidence may be NaN.
  public init(
    confidence: [Double], outcome: [Bool], bins: Int = 15, binning: Calibration.Binning = .equalWidth
  ) {
    precondition(confidence.count == outcome.count, "one outcome a confidence")
    self.confidence = confidence
    self.outcome = outcome
    (place, ends) = Calibration.assign(confidence, bins: bins, binning: binning)
  }

  /// The bins with their contents.
  public func bins(weights: [Double]? = nil) -> [Calibration.Bin] {
    let sums = sums(weights)
    return ends.indices.map { bin in
      let (weight, confidence, hits) = sums[bin]
      return Calibration.Bin(
        lower: ends[bin].0, upper: ends[bin].1, count: weight,
        confidence: weight > 0 ? confidence / weight : nil, frequency: weight > 0 ? hits / weight : nil)
    }
  }

  /// The expected calibration error, a fraction; nil for no weight.
  public func expectedError(weights: [Double]? = nil) -> Double? {
    var total = 0.0, gap = 0.0
    for (weight, confidence, hits) in sums(weights) {
      total += weight
      gap += abs(confidence - hits)
    }
    return total > 0 ? gap / total : nil
  }

  /// The largest gap of a bin (maximum calibration error); nil for no weight.
  public func maximumError(weights: [Double]? = nil) -> Double? {
    sums(weights).filter { $0.0 > 0 }.map { abs($0.1 - $0.2) / $0.0 }.max()
  }

  private func sums(_ weights: [Double]?) -> [(Double, Double, Double)] {
    precondition(weights.map { $0.count == outcome.count } ?? true, "one weight an item")
    var sums = [(Double, Double, Double)](repeating: (0, 0, 0), count: ends.count)
    for item in outcome.indices {
      let weight = weights?[item] ?? 1
      sums[place[item]].0 += weight
      sums[place[item]].1 += weight * confidence[item]
      if outcome[item] { sums[place[item]].2 += weight }
    }
    return sums
  }
}

/// Calibration of many predictions in groups (the tokens of documents), kept as sums: a resample of groups costs as
/// much as there are groups, however many predictions they hold.
///
/// Bins are ``Calibration/Binning/equalWidth``, closed on the right. The Brier score is that of the event "the top
/// prediction is right".
public struct CalibrationSums: Sendable {
  /// Number of bins.
  public let bins: Int
  /// Number of groups, `G`.
  public let groups: Int
  /// Predictions, their confidences and right ones, `[G, bins]` each.
  private var counts, confidences, hits: [Double]
  /// Σ (confidence − outcome)², `[G]`.
  private var squares: [Double]

  /// Nothing so far.
  public init(groups: Int, bins: Int) {
    precondition(groups >= 0 && bins > 0, "at least one bin")
    (self.groups, self.bins) = (groups, bins)
    counts = Array(repeating: 0, count: groups * bins)
    (confidences, hits) = (counts, counts)
    squares = Array(repeating: 0, count: groups)
  }

  /// Counts one prediction.
  public mutating func add(confidence: Double, correct: Bool, group: Int) {
    let bin = Calibration.bin(of: confidence, bins: bins)
    counts[group * bins + bin] += 1
    confidences[group * bins + bin] += confidence
    if correct { hits[group * bins + bin] += 1 }
    let gap = confidence - (correct ? 1 : 0)
    squares[group] += gap * gap
  }

  /// Predictions in all.
  public var count: Int { Int(counts.reduce(0, +)) }

  /// The expected calibration error (arXiv 1706.04599, equation 3), a fraction; nil for no weight.
  public func expectedError(weights: [Double]? = nil) -> Double? {
    var total = 0.0, gap = 0.0
    for bin in 0..<bins {
      let (count, confidence, hit) = sums(bin, weights)
      total += count
      gap += abs(confidence - hit)
    }
    return total > 0 ? gap / total : nil
  }

  /// The mean squared difference of confidence and outcome, 0…1; nil for no weight.
  public func brier(weights: [Double]? = nil) -> Double? {
    let total = (0..<bins).reduce(0.0) { $0 + sums($1, weights).count }
    let sum = squares.indices.reduce(0.0) { $0 + squares[$1] * (weights?[$1] ?? 1) }
    return total > 0 ? sum / total : nil
  }

  /// The share of right predictions, 0…1; nil for no weight.
  public func accuracy(weights: [Double]? = nil) -> Double? { share(weights) { $0.hits } }

  /// The mean confidence, 0…1; nil for no weight.
  public func confidence(weights: [Double]? = nil) -> Double? { share(weights) { $0.confidence } }

  /// The reliability diagram.
  public var diagram: [Calibration.Bin] {
    (0..<bins).map { bin in
      let (count, confidence, hit) = sums(bin, nil)
      return Calibration.Bin(
        lower: Double(bin) / Double(bins), upper: Double(bin + 1) / Double(bins), count: count,
        confidence: count > 0 ? confidence / count : nil, frequency: count > 0 ? hit / count : nil)
    }
  }

  private func share(
    _ weights: [Double]?, _ part: ((count: Double, confidence: Double, hits: Double)) -> Double
  ) -> Double? {
    var total = 0.0, sum = 0.0
    for bin in 0..<bins {
      let sums = sums(bin, weights)
      total += sums.count
      sum += part(sums)
    }
    return total > 0 ? sum / total : nil
  }

  private func sums(_ bin: Int, _ weights: [Double]?) -> (count: Double, confidence: Double, hits: Double) {
    precondition(weights.map { $0.count == groups } ?? true, "one weight a group")
    var result = (count: 0.0, confidence: 0.0, hits: 0.0)
    for group in 0..<groups {
      let weight = weights?[group] ?? 1
      let place = group * bins + bin
      result.count += weight * counts[place]
      result.confidence += weight * confidences[place]
      result.hits += weight * hits[place]
    }
    return result
  }
}

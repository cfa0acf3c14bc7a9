/// The risk–coverage curve: the share of wrong answers among the most confident ones
/// (Geifman et al., arXiv 1805.08206).
public struct RiskCoverage: Sendable, Equatable {
  /// Mean risk among the `k + 1` most confident items, `[n]`.
  public let risks: [Double]
  /// The area under the curve, the mean of `risks`; nil for no items or NaN.
  public let area: Double?
  /// The area of the best ordering of the same answers (all right ones first).
  public let bestArea: Double?

  /// The area above the best ordering's (E-AURC).
  public var excess: Double? {
    guard let area, let bestArea else { return nil }
    return area - bestArea
  }

  /// The curve of answers with a confidence `[n]` (any scale) that are right or not.
  ///
  /// Equal confidences form one block: within it the errors are spread evenly, the mean over all orders.
  public init(confidence: [Double], correct: [Bool]) {
    precondition(confidence.count == correct.count, "one answer a confidence")
    guard !confidence.contains(where: \.isNaN), !confidence.isEmpty else {
      (risks, area, bestArea) = ([], nil, nil)
      return
    }
    let order = confidence.indices.sorted { confidence[$0] > confidence[$1] }
    var risks: [Double] = []
    risks.reserveCapacity(order.count)
    var errors = 0.0, start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count && confidence[order[end]] == confidence[order[start]] { end += 1 }
      let wrong = Double(order[start..<end].count { !correct[$0] })
      for place in start..<end {
        let part = wrong * Double(place - start + 1) / Double(end - start)
        risks.append((errors + part) / Double(place + 1))
      }
      errors += wrong
      start = end
    }
    let right = order.count - Int(errors)
    let best = (0..<order.count).map { (place: Int) -> Double in
      place < right ? 0 : Double(place - right + 1) / Double(place + 1)
    }
    self.risks = risks
    area = Descriptive.mean(risks)
    bestArea = Descriptive.mean(best)
  }

  /// Answers sorted once, to be asked for many weights (bootstrap).
  public struct Order: Sendable {
    /// Items from the most confident on, and where blocks of equal confidence begin; both empty for NaN.
    private let order, starts: [Int]
    private let correct: [Bool]

    /// Sorts the answers by their confidence `[n]`.
    public init(confidence: [Double], correct: [Bool]) {
      precondition(confidence.count == correct.count, "one answer a confidence")
      self.correct = correct
      guard !confidence.contains(where: \.isNaN) else {
        (order, starts) = ([], [])
        return
      }
      let order = confidence.indices.sorted { (confidence[$1], $0) < (confidence[$0], $1) }
      self.order = order
      starts = order.indices.filter { $0 == 0 || confidence[order[$0]] != confidence[order[$0 - 1]] }
    }

    /// The area under the curve and that of the best order, for items that are there as many times as their weight
    /// says (whole numbers; once without weights). Copies of an item have equal confidence, so the same rule of
    /// blocks holds. Nil for no items.
    public func areas(weights: [Double]? = nil) -> (area: Double, best: Double)? {
      var covered = 0.0, errors = 0.0, sum = 0.0
      for (block, start) in starts.enumerated() {
        let end = block + 1 < starts.count ? starts[block + 1] : order.count
        var size = 0.0, wrong = 0.0
        for item in order[start..<end] {
          let weight = weights?[item] ?? 1
          size += weight
          if !correct[item] { wrong += weight }
        }
        for place in 0..<Int(size) {
          let part = wrong * Double(place + 1) / size
          sum += (errors + part) / (covered + Double(place + 1))
        }
        covered += size
        errors += wrong
      }
      guard covered > 0 else { return nil }
      let right = Int(covered) - Int(errors)
      var best = 0.0
      for place in 0..<Int(errors) { best += Double(place + 1) / Double(right + place + 1) }
      return (sum / covered, best / covered)
    }
  }
}

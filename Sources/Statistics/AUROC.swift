/// The area under the receiver operating characteristic: the probability that a positive item scores above a
/// negative one, ties counting one half (the Mann–Whitney statistic over n₊·n₋).
public struct AUROC: Sendable {
  private let order: [Int]
  private let starts: [Int]
  private let positive: [Bool]
  private let isDefined: Bool

  /// Sorts the items once; the value can then be asked for any weights.
  /// - Parameters:
  ///   - scores: `[n]`, higher meaning more positive.
  ///   - labels: `[n]`, whether the item is positive.
  public init(scores: [Double], labels: [Bool]) {
    precondition(scores.count == labels.count, "one label a score")
    isDefined = !scores.contains { $0.isNaN }
    positive = labels
    order = isDefined ? scores.indices.sorted { scores[$0] < scores[$1] } : []
    var starts: [Int] = []
    for place in order.indices where place == 0 || scores[order[place]] != scores[order[place - 1]] {
      starts.append(place)
    }
    self.starts = starts
  }

  /// The area, nil when a class is missing or a score is NaN.
  /// - Complexity: O(n) after the sort.
  public func value(weights: [Double]? = nil) -> Double? {
    precondition(weights.map { $0.count == positive.count } ?? true, "one weight a score")
    guard isDefined else { return nil }
    var below = 0.0, positives = 0.0, area = 0.0
    for (block, start) in starts.enumerated() {
      let end = block + 1 < starts.count ? starts[block + 1] : order.count
      var up = 0.0, down = 0.0
      for place in start..<end {
        let item = order[place]
        let weight = weights?[item] ?? 1
        if positive[item] { up += weight } else { down += weight }
      }
      area += up * (below + down / 2)
      below += down
      positives += up
    }
    return positives > 0 && below > 0 ? area / (positives * below) : nil
  }

  /// The area of plain scores, nil when a class is missing or a score is NaN.
  public static func value(scores: [Double], labels: [Bool]) -> Double? {
    AUROC(scores: scores, labels: labels).value()
  }
}

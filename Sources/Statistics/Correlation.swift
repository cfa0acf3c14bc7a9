/// Correlation of paired values.
public enum Correlation {
  /// Pearson's r of `[n]` pairs; nil for fewer than two, or when a side is constant or not finite.
  public static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
    precondition(x.count == y.count, "pairs")
    guard x.count > 1, let meanX = Descriptive.mean(x), let meanY = Descriptive.mean(y) else { return nil }
    var xy = 0.0, xx = 0.0, yy = 0.0
    for (a, b) in zip(x, y) {
      xy += (a - meanX) * (b - meanY)
      xx += (a - meanX) * (a - meanX)
      yy += (b - meanY) * (b - meanY)
    }
    let r = xy / (xx.squareRoot() * yy.squareRoot())
    return r.isFinite ? min(1, max(-1, r)) : nil
  }

  /// Spearman's ρ: Pearson's r of the ranks, ties at their middle rank. Nil as above, and for NaN.
  public static func spearman(_ x: [Double], _ y: [Double]) -> Double? {
    guard !x.contains(where: \.isNaN), !y.contains(where: \.isNaN) else { return nil }
    return pearson(ranks(x), ranks(y))
  }

  /// Ranks `[n]` from 1, ties at the middle of their places.
  public static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count && values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}

/// Divides a whole number among parts so that the parts add up to it exactly.
enum Apportion {
  /// Shares in proportion to sizes: part i gets ⌊total·C_i/S⌋ − ⌊total·C_{i−1}/S⌋, C the running sum of the sizes
  /// and S all of it. Every part is within one of its exact share and at most as large as its size.
  static func proportional(_ total: Int, _ sizes: [Int]) -> [Int] {
    let whole = sizes.reduce(0, +)
    precondition(total >= 0 && total <= whole, "\(total) of \(whole)")
    var before = 0, running = 0
    return sizes.map { size in
      running += size
      let end = whole == 0 ? 0 : share(total, running, whole)
      defer { before = end }
      return end - before
    }
  }

  /// Part `index` of `count` equal ones, by the same rule.
  @inline(__always)
  static func equal(_ total: Int, part index: Int, of count: Int) -> Int {
    share(total, index + 1, count) - share(total, index, count)
  }

  /// Rounds parts that add up to `total` (up to rounding errors) so that they do exactly: their running sum is rounded.
  /// No part exceeds its size.
  static func rounded(_ total: Int, _ parts: [Double], sizes: [Int]) -> [Int] {
    precondition(total >= 0 && total <= sizes.reduce(0, +))
    var before = 0
    var running = 0.0
    var result = zip(parts, sizes).map { part, size in
      running += part
      let end = min(before + size, max(before, Int(running.rounded())))
      defer { before = end }
      return end - before
    }
    // What rounding errors and limits left over, from the last part backwards.
    var left = total - before
    for i in result.indices.reversed() where left != 0 {
      let moved = max(-result[i], min(left, sizes[i] - result[i]))
      result[i] += moved
      left -= moved
    }
    return result
  }

  /// ⌊total · part / whole⌋ in 128 bits.
  private static func share(_ total: Int, _ part: Int, _ whole: Int) -> Int {
    let product = total.multipliedFullWidth(by: part)
    return whole.dividingFullWidth(product).quotient
  }
}

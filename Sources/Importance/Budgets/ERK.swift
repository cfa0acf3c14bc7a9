import Runtime

extension BudgetKind {
  /// Erdős–Rényi kernel densities (arXiv 1911.11134, section 3.1; matrices have no kernel): the density of a matrix is
  /// proportional to (N + K) / (N · K), at most 1, so that small and narrow matrices keep more.
  public static let erk = BudgetKind(
    name: "erk", summary: "density proportional to (N + K) / (N · K): small matrices keep more",
    reference: "arXiv 1911.11134", unit: .matrix
  ) { budget, matrices, _, _ in
    let sizes = matrices.map(\.count)
    let total = try budget.total(of: matrices)
    let kept = Waterfill.level(
      Double(sizes.reduce(0, +) - total),
      parts: zip(matrices, sizes).map { ($0.outputs + $0.inputs, $1) }.map {
        (weight: Double($0.0), limit: Double($0.1))
      })
    return Apportion.rounded(total, zip(sizes, kept).map { Double($0) - $1 }, sizes: sizes)
  }
}

/// Shares in proportion to weights, each at most its limit, that add up to a total.
enum Waterfill {
  /// min(limit, λ·weight) with λ such that the sum is `total`. Exact up to rounding: limits are met one after the
  /// other, in the order in which they bind.
  /// - Complexity: O(n log n).
  static func level(_ total: Double, parts: [(weight: Double, limit: Double)]) -> [Double] {
    let order = parts.indices.filter { parts[$0].weight > 0 }.sorted {
      (parts[$0].limit / parts[$0].weight, $0) < (parts[$1].limit / parts[$1].weight, $1)
    }
    var left = total
    var weights = order.reduce(0) { $0 + parts[$1].weight }
    var result = [Double](repeating: 0, count: parts.count)
    for (place, index) in order.enumerated() {
      let factor = weights > 0 ? left / weights : 0
      if factor * parts[index].weight < parts[index].limit {
        for rest in order[place...] { result[rest] = factor * parts[rest].weight }
        return result
      }
      result[index] = parts[index].limit
      left -= parts[index].limit
      weights -= parts[index].weight
    }
    return result
  }
}

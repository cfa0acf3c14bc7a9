import Glibc

/// Entropies in nats.
public enum Entropy {
  /// −Σ p log p of probabilities that sum to one; zeros count nothing.
  public static func of(_ probabilities: [Double]) -> Double {
    -Descriptive.sum(probabilities.map { $0 > 0 ? $0 * log($0) : 0 })
  }

  /// The entropy of the distribution that counts or weights are proportional to; nil when they sum to zero.
  public static func of(counts: [Double]) -> Double? {
    let total = Descriptive.sum(counts)
    return total > 0 ? of(counts.map { $0 / total }) : nil
  }

  /// Σ p log(p / q); infinity where q is 0 and p is not.
  public static func divergence(_ p: [Double], from q: [Double]) -> Double {
    precondition(p.count == q.count, "two distributions over the same classes")
    return Descriptive.sum(zip(p, q).map { $0 > 0 ? $0 * log($0 / $1) : 0 })
  }
}

import Runtime
import Statistics

/// The trace of a Hessian by Hutchinson's estimate: the mean of zᵀ H z over vectors z of ±1.
public struct HessianTrace: Sendable, Equatable {
  /// The mean with its standard error over vectors.
  public let estimate: MeanEstimate

  /// Draws vectors until the standard error is at most `tolerance` of the mean's magnitude (at least `least` of them), or
  /// `limit` are drawn. The published code stops by a change relative to the mean itself, which a negative mean fulfils at once.
  /// - Throws: ``Interrupted``.
  public init(
    _ hessian: HessianProduct, limit: Int = 50, least: Int = 10, tolerance: Double = 0.05, seed: UInt64 = 0
  ) throws {
    precondition(limit > 1, "a standard error needs two vectors")
    let random = CounterRandom(seed: seed, stream: "hutchinson")
    var values: [Double] = []
    while true {
      let z = hessian.signs(random.stream(UInt64(values.count)))
      values.append(zip(z, try hessian(z)).reduce(0) { $0 + $1.0 * $1.1 })
      guard let estimate = Descriptive.estimate(values), let error = estimate.standardError else { continue }
      let isSharp = values.count >= least && error <= tolerance * abs(estimate.mean)
      guard isSharp || values.count == limit else { continue }
      self.estimate = estimate
      return
    }
  }
}

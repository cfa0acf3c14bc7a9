import Glibc

/// cost = factor · work^exponent, fitted by least squares to the logarithms.
///
/// An exponent of 1 says that cost grows with the work, less that fixed costs still count, more that something grows
/// faster than the work it does.
public struct PowerLaw: Sendable, Equatable {
  /// Cost of one unit of work, were the exponent all there is.
  public let factor: Double
  /// How cost grows with work.
  public let exponent: Double
  /// Points that were fitted.
  public let n: Int

  /// Fits points; nil with fewer than two amounts of work, or with a number that is not positive.
  public init?(work: [Double], cost: [Double]) {
    precondition(work.count == cost.count, "a cost for each amount of work")
    guard (work + cost).allSatisfy({ $0 > 0 && $0.isFinite }), Set(work).count > 1 else { return nil }
    let x = work.map { log($0) }, y = cost.map { log($0) }
    let meanX = Descriptive.sum(x) / Double(x.count), meanY = Descriptive.sum(y) / Double(y.count)
    let spread = Descriptive.sum(x.map { ($0 - meanX) * ($0 - meanX) })
    exponent = Descriptive.sum(zip(x, y).map { ($0 - meanX) * ($1 - meanY) }) / spread
    factor = exp(meanY - exponent * meanX)
    n = x.count
  }

  /// The cost of an amount of work.
  public func cost(_ work: Double) -> Double { factor * pow(work, exponent) }
}

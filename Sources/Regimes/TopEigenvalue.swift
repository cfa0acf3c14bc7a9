import LinearAlgebra
import Runtime
import Statistics

/// The largest eigenvalue of a Hessian by Lanczos' iteration with full reorthogonalisation.
public struct TopEigenvalue: Sendable, Equatable {
  /// The eigenvalue: of a mean loss in nats, over squared units of weight.
  public let value: Double
  /// ‖H v − λ v‖ of the unit vector found: an eigenvalue lies at most this far away.
  public let residual: Double
  /// Standard error over groups of items of vᵀ H_g v along the vector found; it says how far the choice of items matters.
  public let standardError: Double?
  /// Products with the Hessian that it took.
  public let products: Int

  /// Iterates until the residual is below `tolerance` · |λ|, or `limit` products are done.
  /// - Complexity: `limit` · P numbers of memory in f64.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  public init(_ hessian: HessianProduct, limit: Int = 30, tolerance: Double = 1e-3, seed: UInt64 = 0) throws {
    precondition(limit > 0, "at least one product")
    var basis: [[Double]] = []
    var diagonal: [Double] = [], beside: [Double] = []
    var next = Self.unit(hessian.signs(CounterRandom(seed: seed, stream: "lanczos"))) ?? []
    var best = (value: 0.0, residual: 0.0, vector: [Double]())
    while diagonal.count < limit, !next.isEmpty {
      basis.append(next)
      var w = try hessian(next)
      diagonal.append(Self.dot(w, next))
      // Twice is enough to keep the basis orthogonal to rounding.
      for _ in 0..<2 { for q in basis { Self.remove(q, from: &w) } }
      let length = Self.dot(w, w).squareRoot()
      best = try Self.largest(diagonal, beside, length)
      if best.residual <= tolerance * abs(best.value) || length <= 1e-12 * abs(best.value) { break }
      beside.append(length)
      next = w.map { $0 / length }
    }
    var vector = [Double](repeating: 0, count: hessian.size)
    for (q, share) in zip(basis, best.vector) { for i in vector.indices { vector[i] += share * q[i] } }
    value = best.value
    residual = best.residual
    products = diagonal.count
    standardError = basis.isEmpty ? nil : Descriptive.estimate(try hessian.curvatures(vector))?.standardError
  }

  /// The largest eigenvalue of the tridiagonal matrix, its residual |β_m s_m| and its vector s.
  private static func largest(
    _ diagonal: [Double], _ beside: [Double], _ length: Double
  ) throws -> (value: Double, residual: Double, vector: [Double]) {
    let m = diagonal.count
    var values = [Double](repeating: 0, count: m * m)
    for i in 0..<m {
      values[i * m + i] = diagonal[i]
      if i + 1 < m { (values[i * m + i + 1], values[(i + 1) * m + i]) = (beside[i], beside[i]) }
    }
    let eigen = try SymmetricEigen(Matrix(m, m, values))
    let top = m - 1
    let vector = eigen.vectors.map { Array($0.row(top)) } ?? []
    return (eigen.values[top], abs(length * (vector.last ?? 0)), vector)
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  private static func remove(_ q: [Double], from w: inout [Double]) {
    let share = dot(w, q)
    for i in w.indices { w[i] -= share * q[i] }
  }

  private static func unit(_ v: [Double]) -> [Double]? {
    let length = dot(v, v).squareRoot()
    return length > 0 ? v.map { $0 / length } : nil
  }
}

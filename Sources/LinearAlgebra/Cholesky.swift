import Glibc

/// The Cholesky factor of a symmetric positive definite matrix A = L·Lᵀ, to solve A·x = b with.
public struct Cholesky<Scalar: LinearScalar>: Sendable {
  /// The matrix's size, `D`.
  public let size: Int
  private var factor: [Scalar]

  /// Factors a matrix of which the lower triangle is read.
  ///
  /// - Parameters:
  ///   - matrix: `[D, D]`.
  ///   - ridge: added to the diagonal first.
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(size:pivot:)``, ``LinearAlgebraError/notFinite(routine:)``,
  ///   ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: D³/3 operations.
  public init(_ matrix: consuming Matrix<Scalar>, ridge: Scalar = 0) throws(LinearAlgebraError) {
    precondition(matrix.rows == matrix.columns, "Cholesky needs a square matrix")
    let size = matrix.rows
    let n = try narrow(size, "potrf")
    var values = matrix.values
    if ridge != 0 { for i in 0..<size { values[i * size + i] += ridge } }
    let status = values.withPointer { Scalar.potrf(n, $0) }
    if status < 0 { throw .notFinite(routine: "potrf") }
    if status > 0 { throw .notPositiveDefinite(size: size, pivot: Int(status) - 1) }
    for i in 0..<size where !values[i * size + i].isFinite { throw .notFinite(routine: "potrf") }
    self.size = size
    self.factor = values
  }

  /// Solves A·x = b for one right-hand side, `[D]`.
  public func solve(_ b: [Scalar]) -> [Scalar] {
    precondition(b.count == size, "a right-hand side of the matrix's size")
    var x = b
    x.withPointer { solve(inPlace: $0, count: 1) }
    return x
  }

  /// Solves for each row of `[R, D]`, in place.
  public func solve(_ b: inout Matrix<Scalar>) {
    precondition(b.columns == size, "rows of the matrix's size")
    b.values.withPointer { solve(inPlace: $0, count: b.rows) }
  }

  /// Solves for `count` right-hand sides `[count, D]` in place.
  public func solve(inPlace b: UnsafeMutablePointer<Scalar>, count: Int) {
    guard size > 0, count > 0 else { return }
    let status = factor.withPointer {
      Scalar.potrs(Int32(truncatingIfNeeded: size), Int32(truncatingIfNeeded: count), $0, b)
    }
    precondition(status <= 0, "potrs has no positive status")
  }

  /// log det A.
  public var logDeterminant: Scalar {
    var sum: Double = 0
    for i in 0..<size { sum += 2 * log(Double(factor[i * size + i])) }
    return Scalar(sum)
  }

  /// The factor L `[D, D]`, zeros above the diagonal.
  public var lower: Matrix<Scalar> {
    var result = Matrix(size, size, factor)
    for i in 0..<size { for j in i + 1..<max(size, i + 1) { result[i, j] = 0 } }
    return result
  }
}

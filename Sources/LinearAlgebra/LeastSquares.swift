/// Least squares: the x of smallest norm that minimises ‖A·x − b‖ (LAPACK's gelsd, by singular values).
public struct LeastSquares<Scalar: LinearScalar>: Sendable {
  /// The solutions, `[N, R]`.
  public let solution: Matrix<Scalar>
  /// How many singular values count.
  public let rank: Int
  /// The singular values of A, descending.
  public let singularValues: [Scalar]

  /// Solves for A `[M, N]` and right-hand sides B `[M, R]`.
  ///
  /// Singular values below the fraction `cutoff` of the largest count as zero; nil means the rounding unit times
  /// the larger size.
  /// - Throws: ``LinearAlgebraError``.
  public init(_ a: consuming Matrix<Scalar>, _ b: Matrix<Scalar>, cutoff: Scalar? = nil)
    throws(LinearAlgebraError)
  {
    precondition(a.rows == b.rows, "one right-hand row a row")
    let rows = a.rows, columns = a.columns
    let m = try narrow(rows, "gelsd"), n = try narrow(columns, "gelsd")
    let right = try narrow(b.columns, "gelsd")
    guard rows > 0, columns > 0, b.columns > 0 else {
      solution = Matrix(zeros: columns, b.columns)
      rank = 0
      singularValues = []
      return
    }
    var values = a.values
    var x = b.values + [Scalar](repeating: 0, count: max(0, columns - rows) * b.columns)
    var s = [Scalar](repeating: 0, count: min(rows, columns))
    var count: Int32 = 0
    let limit = cutoff ?? Scalar.ulpOfOne * Scalar(max(rows, columns))
    let status = values.withPointer { a in
      x.withPointer { x in s.withPointer { Scalar.gelsd(m, n, right, a, x, $0, limit, &count) } }
    }
    if status > 0 { throw .noConvergence(routine: "gelsd") }
    if status < 0 { throw .notFinite(routine: "gelsd") }
    solution = Matrix(columns, b.columns, Array(x[..<(columns * b.columns)]))
    rank = Int(count)
    singularValues = s
  }
}

/// Solves (c·Zᵀ·Z + μ·I)·x = v for one Z `[N, D]` and many c, μ and v, by the smaller of two matrices:
/// the Gram matrix Zᵀ·Z `[D, D]`, or, when N < D, the kernel matrix Z·Zᵀ `[N, N]` and Woodbury's identity
/// x = (v − Zᵀ·(Z·Zᵀ + (μ/c)·I)⁻¹·Z·v) / μ.
public struct RidgeSolver<Scalar: LinearScalar>: Sendable {
  /// Rows of Z, `N`.
  public let rows: Int
  /// Columns of Z, `D`.
  public let columns: Int
  /// Whether the kernel matrix is used.
  public let isDual: Bool
  /// Zᵀ·Z or Z·Zᵀ, lower triangle.
  public let matrix: Matrix<Scalar>

  /// Multiplies once: N·D·min(N, D) operations.
  ///
  /// Z is not kept: ``Factored/solve(_:)`` is given it again, because callers hold it anyway.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  public init(_ z: UnsafePointer<Scalar>, rows: Int, columns: Int) throws(LinearAlgebraError) {
    self.rows = rows
    self.columns = columns
    isDual = rows < columns
    let size = min(rows, columns), isDual = isDual
    var matrix = Matrix<Scalar>(zeros: size, size)
    try matrix.values.withPointer { target throws(LinearAlgebraError) in
      if isDual {
        try Product.kernel(target, z, rows: rows, columns: columns)
      } else {
        try Product.gram(target, z, rows: rows, columns: columns)
      }
    }
    self.matrix = matrix
  }

  /// The sum of the squares of all elements of Z: the trace of either matrix.
  public var trace: Scalar { (0..<matrix.rows).reduce(0) { $0 + matrix[$1, $1] } }

  /// The sum of the squares of all elements of Zᵀ·Z (and of Z·Zᵀ).
  public var squaredNorm: Double {
    var sum = 0.0
    for i in 0..<matrix.rows {
      for j in 0..<i { sum += 2 * Double(matrix[i, j]) * Double(matrix[i, j]) }
      sum += Double(matrix[i, i]) * Double(matrix[i, i])
    }
    return sum
  }

  /// One c and μ, ready to solve.
  public struct Factored: Sendable {
    let cholesky: Cholesky<Scalar>
    let rows: Int, columns: Int
    let isDual: Bool
    /// μ with the kernel matrix, c with the Gram matrix: what the result is divided by.
    let divisor: Scalar

    /// x for a right-hand side v `[D]`; `z` is the matrix that the solver was made from.
    /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
    public func solve(_ v: [Scalar], _ z: UnsafePointer<Scalar>) throws(LinearAlgebraError) -> [Scalar] {
      precondition(v.count == columns, "a right-hand side of Z's columns")
      guard isDual else { return cholesky.solve(v).map { $0 / divisor } }
      var inner = [Scalar](repeating: 0, count: rows)
      try inner.withPointer { target throws(LinearAlgebraError) in
        try v.withPointer { v throws(LinearAlgebraError) in
          try Product.gemv(target, z, v, m: rows, n: columns)
        }
      }
      inner = cholesky.solve(inner)
      var x = v
      try x.withPointer { x throws(LinearAlgebraError) in
        try inner.withPointer { inner throws(LinearAlgebraError) in
          try Product.gemv(x, z, transpose: true, inner, m: rows, n: columns, alpha: -1, beta: 1)
        }
      }
      for i in 0..<columns { x[i] /= divisor }
      return x
    }
  }

  /// Factors c·Zᵀ·Z + μ·I for c > 0, μ ≥ 0 (μ > 0 when N < D).
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(size:pivot:)``.
  /// - Complexity: min(N, D)³/3 operations.
  public func factored(scale: Scalar, ridge: Scalar) throws(LinearAlgebraError) -> Factored {
    precondition(scale > 0 && ridge >= 0 && (ridge > 0 || !isDual), "a positive scale and ridge")
    // Dividing by the scale keeps one copy: (Zᵀ·Z + (μ/c)·I)⁻¹ / c.
    return Factored(
      cholesky: try Cholesky(matrix, ridge: ridge / scale), rows: rows, columns: columns, isDual: isDual,
      divisor: isDual ? ridge : scale)
  }
}

/// The singular value decomposition A `[M, N]` = U·diag(s)·Vᵀ, economy size `K` = min(M, N), s descending.
public struct SingularValues<Scalar: LinearScalar>: Sendable {
  /// The singular values, `[K]`, descending.
  public let values: [Scalar]
  /// Left singular vectors as columns, `[M, K]`; nil when only values were asked for.
  public let left: Matrix<Scalar>?
  /// Right singular vectors as rows, Vᵀ `[K, N]`, each with its largest component positive.
  public let right: Matrix<Scalar>?

  /// Decomposes a matrix (LAPACK's gesdd).
  /// - Throws: ``LinearAlgebraError``.
  /// - Complexity: about 4·max(M, N)·K² + 8·K³ operations with vectors.
  public init(_ matrix: consuming Matrix<Scalar>, vectors: Bool = true) throws(LinearAlgebraError) {
    let rows = matrix.rows, columns = matrix.columns
    let rank = min(rows, columns)
    // The workspace grows with the square of the smaller size and must fit 32 bits.
    _ = try narrow(rank, "gesdd", limit: 20_000)
    let m = try narrow(rows, "gesdd"), n = try narrow(columns, "gesdd")
    guard rank > 0 else {
      values = []
      left = vectors ? Matrix(zeros: rows, 0) : nil
      right = vectors ? Matrix(zeros: 0, columns) : nil
      return
    }
    var a = matrix.values
    var s = [Scalar](repeating: 0, count: rank)
    var u = [Scalar](repeating: 0, count: vectors ? rows * rank : 1)
    var vt = [Scalar](repeating: 0, count: vectors ? rank * columns : 1)
    let status = a.withPointer { a in
      s.withPointer { s in
        u.withPointer { u in vt.withPointer { Scalar.gesdd(vectors, m, n, a, s, u, $0) } }
      }
    }
    if status > 0 { throw .noConvergence(routine: "gesdd") }
    if status < 0 { throw .notFinite(routine: "gesdd") }
    values = s
    guard vectors else {
      left = nil
      right = nil
      return
    }
    for index in 0..<rank where orient(&vt, index * columns..<(index + 1) * columns) {
      for row in 0..<rows { u[row * rank + index] = -u[row * rank + index] }
    }
    left = Matrix(rows, rank, u)
    right = Matrix(rank, columns, vt)
  }
}

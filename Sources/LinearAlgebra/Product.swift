import Tensors

/// Dense products, row-major, over pointers into memory that the caller keeps alive.
///
/// Legend: `M` rows of the result, `N` its columns, `K` the summed dimension. Strides are in elements. Results do
/// not depend on the number of threads.
public enum Product {
  /// C `[M, N]` = α · op(A) · op(B) + β · C.
  ///
  /// A is `[M, K]`, or `[K, M]` when `transposeA`; B is `[K, N]`, or `[N, K]` when `transposeB`. With β = 0 the result
  /// is only written.
  ///
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: 2·M·N·K operations.
  public static func gemm<Scalar: LinearScalar>(
    _ c: UnsafeMutablePointer<Scalar>, cStride: Int? = nil, _ a: UnsafePointer<Scalar>, aStride: Int? = nil,
    transposeA: Bool = false, _ b: UnsafePointer<Scalar>, bStride: Int? = nil, transposeB: Bool = false,
    m: Int, n: Int, k: Int, alpha: Scalar = 1, beta: Scalar = 0
  ) throws(LinearAlgebraError) {
    let cStride = cStride ?? n, aStride = aStride ?? (transposeA ? m : k),
      bStride = bStride ?? (transposeB ? k : n)
    precondition(
      cStride >= n && aStride >= (transposeA ? m : k) && bStride >= (transposeB ? k : n), "strides")
    _ = try narrow(m, "gemm")
    let columns = try narrow(n, "gemm"), depth = try narrow(k, "gemm")
    let lda = try narrow(max(1, aStride), "gemm"), ldb = try narrow(max(1, bStride), "gemm")
    let ldc = try narrow(max(1, cStride), "gemm")
    guard n > 0 else { return }
    if k == 0 {
      for row in 0..<m {
        for column in 0..<n { c[row * cStride + column] = beta == 0 ? 0 : beta * c[row * cStride + column] }
      }
      return
    }
    RowBlocks.forEach(m) { rows in
      let start = rows.lowerBound
      Scalar.gemm(
        transposeA, transposeB, Int32(truncatingIfNeeded: rows.count), columns, depth, alpha,
        a + (transposeA ? start : start * aStride), lda, b, ldb, beta, c + start * cStride, ldc)
    }
  }

  /// The Gram matrix G `[D, D]` = α · Aᵀ·A + β · G of A `[N, D]`, lower triangle only unless `mirror`.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: N·D² operations.
  public static func gram<Scalar: LinearScalar>(
    _ g: UnsafeMutablePointer<Scalar>, _ a: UnsafePointer<Scalar>, rows: Int, columns: Int,
    aStride: Int? = nil,
    alpha: Scalar = 1, beta: Scalar = 0, mirror: Bool = false
  ) throws(LinearAlgebraError) {
    try triangle(
      true, g, a, size: columns, depth: rows, stride: aStride ?? columns, alpha: alpha, beta: beta,
      mirror: mirror)
  }

  /// The kernel matrix K `[N, N]` = α · A·Aᵀ + β · K of A `[N, D]`, lower triangle only unless `mirror`.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: N²·D operations.
  public static func kernel<Scalar: LinearScalar>(
    _ g: UnsafeMutablePointer<Scalar>, _ a: UnsafePointer<Scalar>, rows: Int, columns: Int,
    aStride: Int? = nil,
    alpha: Scalar = 1, beta: Scalar = 0, mirror: Bool = false
  ) throws(LinearAlgebraError) {
    try triangle(
      false, g, a, size: rows, depth: columns, stride: aStride ?? columns, alpha: alpha, beta: beta,
      mirror: mirror)
  }

  /// Panels of rows: the square at the diagonal by syrk, what lies left of it by gemm.
  private static func triangle<Scalar: LinearScalar>(
    _ transposeFirst: Bool, _ g: UnsafeMutablePointer<Scalar>, _ a: UnsafePointer<Scalar>, size: Int,
    depth: Int,
    stride: Int, alpha: Scalar, beta: Scalar, mirror: Bool
  ) throws(LinearAlgebraError) {
    let k = try narrow(depth, "syrk"), lda = try narrow(max(1, stride), "syrk"),
      ldg = try narrow(size, "syrk")
    guard size > 0 else { return }
    RowBlocks.forEachDescending(size) { rows in
      let start = rows.lowerBound
      let own = a + (transposeFirst ? start : start * stride)
      let m = Int32(truncatingIfNeeded: rows.count)
      Scalar.syrk(transposeFirst, m, k, alpha, own, lda, beta, g + start * size + start, ldg)
      if start > 0, depth > 0 {
        Scalar.gemm(
          transposeFirst, !transposeFirst, m, Int32(truncatingIfNeeded: start), k, alpha, own, lda, a, lda,
          beta,
          g + start * size, ldg)
      } else if start > 0 {
        for row in rows {
          for column in 0..<start { g[row * size + column] = beta == 0 ? 0 : beta * g[row * size + column] }
        }
      }
    }
    if mirror { self.mirror(g, size: size) }
  }

  /// y = α · op(A) · x + β · y, for A `[M, N]`: y `[M]`, x `[N]`, or exchanged when `transpose`.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  public static func gemv<Scalar: LinearScalar>(
    _ y: UnsafeMutablePointer<Scalar>, _ a: UnsafePointer<Scalar>, aStride: Int? = nil,
    transpose: Bool = false,
    _ x: UnsafePointer<Scalar>, m: Int, n: Int, alpha: Scalar = 1, beta: Scalar = 0
  ) throws(LinearAlgebraError) {
    let lda = try narrow(max(1, aStride ?? n), "gemv")
    let rows = try narrow(m, "gemv"), columns = try narrow(n, "gemv")
    if m == 0 || n == 0 {
      for i in 0..<(transpose ? n : m) { y[i] = beta == 0 ? 0 : beta * y[i] }
      return
    }
    if beta == 0 { y.update(repeating: 0, count: transpose ? n : m) }  // 0 · NaN would stay NaN
    Scalar.gemv(transpose, rows, columns, alpha, a, lda, x, beta, y)
  }

  /// The product of two matrices, `[M, K] · [K, N]`.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  public static func matrix<Scalar: LinearScalar>(
    _ a: Matrix<Scalar>, _ b: Matrix<Scalar>, transposeA: Bool = false, transposeB: Bool = false
  ) throws(LinearAlgebraError) -> Matrix<Scalar> {
    let m = transposeA ? a.columns : a.rows, k = transposeA ? a.rows : a.columns
    let n = transposeB ? b.rows : b.columns
    precondition(k == (transposeB ? b.columns : b.rows), "the summed sizes agree")
    var result = Matrix<Scalar>(zeros: m, n)
    try result.values.withPointer { c throws(LinearAlgebraError) in
      try a.values.withPointer { a throws(LinearAlgebraError) in
        try b.values.withPointer { b throws(LinearAlgebraError) in
          try gemm(c, a, transposeA: transposeA, b, transposeB: transposeB, m: m, n: n, k: k)
        }
      }
    }
    return result
  }

  /// Copies the lower triangle of a square matrix into the upper one.
  public static func mirror<Scalar: LinearScalar>(_ g: UnsafeMutablePointer<Scalar>, size: Int) {
    let tile = 64
    for top in stride(from: 0, to: size, by: tile) {
      for left in stride(from: 0, through: top, by: tile) {
        for row in top..<min(top + tile, size) {
          for column in left..<min(left + tile, row) { g[column * size + row] = g[row * size + column] }
        }
      }
    }
  }
}

extension Array {
  /// The elements' address; never nil, also for an empty array.
  @inline(__always)
  func withPointer<Failure: Error, Result>(
    _ body: (UnsafePointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { buffer throws(Failure) in
      try body(buffer.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped)
    }
  }

  /// The elements' address for writing; never nil, also for an empty array.
  @inline(__always)
  mutating func withPointer<Failure: Error, Result>(
    _ body: (UnsafeMutablePointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try body(buffer.baseAddress ?? UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped)
    }
  }
}

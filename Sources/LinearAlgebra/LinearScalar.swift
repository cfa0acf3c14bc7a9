import CLAPACKE
import COpenBLAS

/// The number types with BLAS and LAPACK routines: `Float` and `Double`.
///
/// The requirements are the raw routines, row-major where they say nothing else; use ``Product``, ``Cholesky``,
/// ``SymmetricEigen``, ``SingularValues`` and ``LeastSquares``, which check sizes and results.
public protocol LinearScalar: BinaryFloatingPoint, Sendable {
  /// C = α op(A) op(B) + β C.
  static func gemm(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Self,
    _ a: UnsafePointer<Self>, _ lda: Int32, _ b: UnsafePointer<Self>, _ ldb: Int32, _ beta: Self,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int32)
  /// The lower triangle of C = α Aᵀ A + β C, or of α A Aᵀ + β C.
  static func syrk(
    _ transposeFirst: Bool, _ n: Int32, _ k: Int32, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int32,
    _ beta: Self, _ c: UnsafeMutablePointer<Self>, _ ldc: Int32)
  /// y = α op(A) x + β y.
  static func gemv(
    _ transpose: Bool, _ m: Int32, _ n: Int32, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int32,
    _ x: UnsafePointer<Self>, _ beta: Self, _ y: UnsafeMutablePointer<Self>)
  /// The Cholesky factor in the lower triangle.
  static func potrf(_ n: Int32, _ a: UnsafeMutablePointer<Self>) -> Int32
  /// Solves for each row of `b`.
  static func potrs(_ n: Int32, _ right: Int32, _ a: UnsafePointer<Self>, _ b: UnsafeMutablePointer<Self>)
    -> Int32
  /// The inverse of the lower triangle, in its place.
  static func trtri(_ n: Int32, _ a: UnsafeMutablePointer<Self>) -> Int32
  /// Eigenvalues, and eigenvectors as rows in place of `a`.
  static func syevd(
    _ vectors: Bool, _ n: Int32, _ a: UnsafeMutablePointer<Self>, _ values: UnsafeMutablePointer<Self>
  ) -> Int32
  /// Singular values, and with `u` `[m, k]` and `vt` `[k, n]` the vectors.
  static func gesdd(
    _ vectors: Bool, _ m: Int32, _ n: Int32, _ a: UnsafeMutablePointer<Self>,
    _ values: UnsafeMutablePointer<Self>, _ u: UnsafeMutablePointer<Self>, _ vt: UnsafeMutablePointer<Self>
  ) -> Int32
  /// The least squares of smallest norm; the solution replaces `b`.
  static func gelsd(
    _ m: Int32, _ n: Int32, _ right: Int32, _ a: UnsafeMutablePointer<Self>, _ b: UnsafeMutablePointer<Self>,
    _ values: UnsafeMutablePointer<Self>, _ cutoff: Self, _ rank: inout Int32
  ) -> Int32
}

// A row-major matrix is the transpose of a column-major one. The symmetric routines are therefore called
// column-major with the other triangle, and the singular value decomposition with U and V exchanged: LAPACKE's own
// row-major calls would copy and transpose.

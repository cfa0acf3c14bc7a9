import CLAPACKE
import COpenBLAS

private let upper = CChar(UInt8(ascii: "U"))
private let withVectors = CChar(UInt8(ascii: "V"))
private let valuesOnly = CChar(UInt8(ascii: "N"))
private let economy = CChar(UInt8(ascii: "S"))

extension Double: LinearScalar {
  public static func gemm(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Double,
    _ a: UnsafePointer<Double>, _ lda: Int32, _ b: UnsafePointer<Double>, _ ldb: Int32, _ beta: Double,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int32
  ) {
    BLASLibrary.prepare()
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, m, n, k,
      alpha, a,
      lda, b, ldb, beta, c, ldc)
  }

  public static func syrk(
    _ transposeFirst: Bool, _ n: Int32, _ k: Int32, _ alpha: Double, _ a: UnsafePointer<Double>, _ lda: Int32,
    _ beta: Double, _ c: UnsafeMutablePointer<Double>, _ ldc: Int32
  ) {
    BLASLibrary.prepare()
    cblas_dsyrk(
      CblasRowMajor, CblasLower, transposeFirst ? CblasTrans : CblasNoTrans, n, k, alpha, a, lda, beta, c, ldc
    )
  }

  public static func gemv(
    _ transpose: Bool, _ m: Int32, _ n: Int32, _ alpha: Double, _ a: UnsafePointer<Double>, _ lda: Int32,
    _ x: UnsafePointer<Double>, _ beta: Double, _ y: UnsafeMutablePointer<Double>
  ) {
    BLASLibrary.prepare()
    cblas_dgemv(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, m, n, alpha, a, lda, x, 1, beta, y, 1)
  }

  public static func potrf(_ n: Int32, _ a: UnsafeMutablePointer<Double>) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_dpotrf(LAPACK_COL_MAJOR, upper, n, a, max(1, n))
  }

  public static func potrs(
    _ n: Int32, _ right: Int32, _ a: UnsafePointer<Double>, _ b: UnsafeMutablePointer<Double>
  ) -> Int32 {
    LAPACKE_dpotrs(LAPACK_COL_MAJOR, upper, n, right, a, max(1, n), b, max(1, n))
  }

  public static func trtri(_ n: Int32, _ a: UnsafeMutablePointer<Double>) -> Int32 {
    LAPACKE_dtrtri(LAPACK_COL_MAJOR, upper, valuesOnly, n, a, max(1, n))
  }

  public static func syevd(
    _ vectors: Bool, _ n: Int32, _ a: UnsafeMutablePointer<Double>, _ values: UnsafeMutablePointer<Double>
  ) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, vectors ? withVectors : valuesOnly, upper, n, a, max(1, n), values)
  }

  public static func gesdd(
    _ vectors: Bool, _ m: Int32, _ n: Int32, _ a: UnsafeMutablePointer<Double>,
    _ values: UnsafeMutablePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ vt: UnsafeMutablePointer<Double>
  ) -> Int32 {
    BLASLibrary.prepare()
    let k = Swift.max(1, Swift.min(m, n))
    return LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, vectors ? economy : valuesOnly, n, m, a, max(1, n), values, vt, max(1, n), u, k)
  }

  public static func gelsd(
    _ m: Int32, _ n: Int32, _ right: Int32, _ a: UnsafeMutablePointer<Double>,
    _ b: UnsafeMutablePointer<Double>,
    _ values: UnsafeMutablePointer<Double>, _ cutoff: Double, _ rank: inout Int32
  ) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_dgelsd(
      LAPACK_ROW_MAJOR, m, n, right, a, max(1, n), b, max(1, right), values, cutoff, &rank)
  }
}

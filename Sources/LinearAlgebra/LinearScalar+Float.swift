import CLAPACKE
import COpenBLAS

private let upper = CChar(UInt8(ascii: "U"))
private let withVectors = CChar(UInt8(ascii: "V"))
private let valuesOnly = CChar(UInt8(ascii: "N"))
private let economy = CChar(UInt8(ascii: "S"))

extension Float: LinearScalar {
  public static func gemm(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int32, _ b: UnsafePointer<Float>, _ ldb: Int32, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
  ) {
    BLASLibrary.prepare()
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, m, n, k,
      alpha, a,
      lda, b, ldb, beta, c, ldc)
  }

  public static func syrk(
    _ transposeFirst: Bool, _ n: Int32, _ k: Int32, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int32,
    _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
  ) {
    BLASLibrary.prepare()
    cblas_ssyrk(
      CblasRowMajor, CblasLower, transposeFirst ? CblasTrans : CblasNoTrans, n, k, alpha, a, lda, beta, c, ldc
    )
  }

  public static func gemv(
    _ transpose: Bool, _ m: Int32, _ n: Int32, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int32,
    _ x: UnsafePointer<Float>, _ beta: Float, _ y: UnsafeMutablePointer<Float>
  ) {
    BLASLibrary.prepare()
    cblas_sgemv(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, m, n, alpha, a, lda, x, 1, beta, y, 1)
  }

  public static func potrf(_ n: Int32, _ a: UnsafeMutablePointer<Float>) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_spotrf(LAPACK_COL_MAJOR, upper, n, a, max(1, n))
  }

  public static func potrs(
    _ n: Int32, _ right: Int32, _ a: UnsafePointer<Float>, _ b: UnsafeMutablePointer<Float>
  ) -> Int32 {
    LAPACKE_spotrs(LAPACK_COL_MAJOR, upper, n, right, a, max(1, n), b, max(1, n))
  }

  public static func trtri(_ n: Int32, _ a: UnsafeMutablePointer<Float>) -> Int32 {
    LAPACKE_strtri(LAPACK_COL_MAJOR, upper, valuesOnly, n, a, max(1, n))
  }

  public static func syevd(
    _ vectors: Bool, _ n: Int32, _ a: UnsafeMutablePointer<Float>, _ values: UnsafeMutablePointer<Float>
  ) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_ssyevd(
      LAPACK_COL_MAJOR, vectors ? withVectors : valuesOnly, upper, n, a, max(1, n), values)
  }

  public static func gesdd(
    _ vectors: Bool, _ m: Int32, _ n: Int32, _ a: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>, _ u: UnsafeMutablePointer<Float>, _ vt: UnsafeMutablePointer<Float>
  ) -> Int32 {
    BLASLibrary.prepare()
    let k = Swift.max(1, Swift.min(m, n))
    return LAPACKE_sgesdd(
      LAPACK_COL_MAJOR, vectors ? economy : valuesOnly, n, m, a, max(1, n), values, vt, max(1, n), u, k)
  }

  public static func gelsd(
    _ m: Int32, _ n: Int32, _ right: Int32, _ a: UnsafeMutablePointer<Float>,
    _ b: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>, _ cutoff: Float, _ rank: inout Int32
  ) -> Int32 {
    BLASLibrary.prepare()
    return LAPACKE_sgelsd(
      LAPACK_ROW_MAJOR, m, n, right, a, max(1, n), b, max(1, right), values, cutoff, &rank)
  }
}

import COpenBLAS
import Tensors

/// The BLAS this process was linked with, as `doctor` and every report's system facts print it.
public enum BLASLibrary {
  /// One OpenBLAS thread, set once: with more of them the last bits of a product depend on their number.
  private static let singleThread: Void = openblas_set_num_threads(1)

  /// Every routine of this module passes here first.
  @inline(__always) static func prepare() { _ = singleThread }

  /// The processor type whose kernels are used, such as `Cooperlake`. A forced one (`OPENBLAS_CORETYPE`) can halve the
  /// speed and changes the last bits.
  public static var coreName: String {
    openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }

  /// Version and build options, such as `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …`.
  public static var configuration: String {
    openblas_get_config().map { String(cString: $0) } ?? "unknown"
  }

  /// OpenBLAS threads in use: 1 after the first product.
  public static var threads: Int {
    prepare()
    return Int(openblas_get_num_threads())
  }
}

/// How outputs are shared among threads: cut at multiples of 96 rows, where the bits of OpenBLAS's products do not
/// depend on the cuts (a test holds this for the processor it runs on).
enum RowBlocks {
  /// Rows of one block.
  static let size = 96

  /// Calls `body` for ranges that tile `0..<rows`, each starting at a multiple of ``size``.
  static func forEach(_ rows: Int, _ body: (Range<Int>) -> Void) {
    if rows > 0 { body(0..<rows) }
  }
}

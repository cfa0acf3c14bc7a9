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
/// depend on the cuts (a test holds this for the processor it runs on). The cuts follow from the sizes alone.
enum RowBlocks {
  /// Rows of one block.
  static let size = 96

  /// Calls `body` for ranges that tile `0..<rows`, each starting at a multiple of ``size``; at most 16 of them.
  static func forEach(_ rows: Int, _ body: (Range<Int>) -> Void) {
    guard rows > size else {
      if rows > 0 { body(0..<rows) }
      return
    }
    let blocks = (rows + size - 1) / size
    Parallel.forEach(blocks, grain: (blocks + 15) / 16) { range in
      body(range.lowerBound * size..<min(range.upperBound * size, rows))
    }
  }

  /// The same for the rows of a lower triangle, the longest first.
  static func forEachDescending(_ rows: Int, _ body: (Range<Int>) -> Void) {
    let blocks = (rows + size - 1) / size
    let grain = max(1, (blocks + 15) / 16)
    let panels = (blocks + grain - 1) / grain
    Parallel.forEach(panels, grain: 1) { range in
      for place in range {
        let panel = panels - 1 - place
        body(panel * grain * size..<min((panel + 1) * grain * size, rows))
      }
    }
  }
}

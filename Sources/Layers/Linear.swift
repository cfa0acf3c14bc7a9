import CKernels

/// Linear layers. The number contract is in the module's README: every output has the same bits whatever rows are
/// computed with it, on any number of threads and any instruction set.
public enum Linear {
  /// y`[M, N]` = x`[M, K]` · Wᵀ + b.
  /// - Parameters:
  ///   - y: the result; must not overlap x.
  ///   - yStride: floats from one row of y to the next, at least N.
  ///   - x: the input.
  ///   - xStride: floats from one row of x to the next, at least K.
  ///   - rows: M.
  ///   - w: W and the bias.
  /// - Complexity: O(M · N · K), on the pool.
  public static func forward(
    _ y: UnsafeMutablePointer<Float>, yStride: Int, _ x: UnsafePointer<Float>, xStride: Int, rows: Int,
    _ w: LinearWeight
  ) {
    precondition(rows <= 1 || (yStride >= w.outputs && xStride >= w.inputs), "rows that overlap")
    w.withMatrix { matrix, bias in
      ck_linear(y, yStride, x, xStride, matrix, bias, nil, rows, w.outputs, w.inputs)
    }
  }

  /// Only the outputs `indices`, in their order: y`[M, R]`, with the bits of the full product's columns.
  public static func forward(
    _ y: UnsafeMutablePointer<Float>, selected indices: [Int], yStride: Int, _ x: UnsafePointer<Float>,
    xStride: Int, rows: Int, _ w: LinearWeight
  ) {
    precondition(rows <= 1 || (yStride >= indices.count && xStride >= w.inputs), "rows that overlap")
    precondition(indices.allSatisfy { $0 >= 0 && $0 < w.outputs }, "an output that the layer does not have")
    w.withMatrix { matrix, bias in
      indices.map(Int64.init).withUnsafeBufferPointer {
        ck_linear(y, yStride, x, xStride, matrix, bias, $0.baseAddress, rows, indices.count, w.inputs)
      }
    }
  }

  /// Products of every row of W with a direction, and the rows' squared lengths, in f64 (plain products and sums in
  /// 16 lanes).
  /// - Parameters:
  ///   - w: W `[N, K]`, in any storage.
  ///   - direction: `[K]`.
  /// - Returns: W · direction `[N]` and |row|² `[N]`.
  public static func rowProducts(
    _ w: LinearWeight, direction: [Double]
  ) -> (dots: [Double], squares: [Double]) {
    precondition(direction.count == w.inputs, "a direction of \(direction.count) for \(w.inputs) inputs")
    var dots = [Double](repeating: 0, count: w.outputs)
    var squares = dots
    w.withMatrix { matrix, _ in ck_dot_rows(&dots, &squares, matrix, direction, w.outputs, w.inputs) }
    return (dots, squares)
  }
}

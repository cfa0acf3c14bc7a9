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
  ///   - compute: with ``ComputeMode/bf16`` x is rounded to bf16 where W is stored as bf16; other weights are products
  ///     of f32 in both modes.
  /// - Complexity: O(M · N · K), on the pool.
  public static func forward(
    _ y: UnsafeMutablePointer<Float>, yStride: Int, _ x: UnsafePointer<Float>, xStride: Int, rows: Int,
    _ w: LinearWeight, compute: ComputeMode = .f32
  ) {
    precondition(rows <= 1 || (yStride >= w.outputs && xStride >= w.inputs), "rows that overlap")
    run(y, yStride: yStride, x, xStride: xStride, rows: rows, w, w.stored(nil), compute)
  }

  /// Only the outputs `indices`, in their order: y`[M, R]`, with the bits of the full product's columns.
  public static func forward(
    _ y: UnsafeMutablePointer<Float>, selected indices: [Int], yStride: Int, _ x: UnsafePointer<Float>,
    xStride: Int, rows: Int, _ w: LinearWeight, compute: ComputeMode = .f32
  ) {
    precondition(rows <= 1 || (yStride >= indices.count && xStride >= w.inputs), "rows that overlap")
    precondition(indices.allSatisfy { $0 >= 0 && $0 < w.outputs }, "an output that the layer does not have")
    run(y, yStride: yStride, x, xStride: xStride, rows: rows, w, w.stored(indices), compute)
  }

  private static func run(
    _ y: UnsafeMutablePointer<Float>, yStride: Int, _ x: UnsafePointer<Float>, xStride: Int, rows: Int,
    _ w: LinearWeight, _ selection: [Int64]?, _ compute: ComputeMode
  ) {
    let kernel = compute.products(with: w.dtype) == .bf16 ? ck_linear_bf16 : ck_linear
    w.withMatrix { matrix, bias in
      guard let selection else {
        kernel(y, yStride, x, xStride, matrix, bias, nil, rows, w.outputs, w.inputs)
        return
      }
      selection.withUnsafeBufferPointer {
        kernel(y, yStride, x, xStride, matrix, bias, $0.baseAddress, rows, $0.count, w.inputs)
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
    let selection = w.stored(nil)
    let outputs = selection == nil ? w.outputs : w.storedOutputs
    var dots = [Double](repeating: 0, count: outputs)
    var squares = dots
    w.withMatrix { matrix, _ in ck_dot_rows(&dots, &squares, matrix, direction, outputs, w.inputs) }
    guard let selection else { return (dots, squares) }
    return (selection.map { dots[Int($0)] }, selection.map { squares[Int($0)] })
  }
}

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

  /// Products of the rows of a matrix with a direction, in f64.
  public struct RowProducts: Sendable, Equatable {
    /// W · direction, `[N]`.
    public var dots: [Double]
    /// |row|² of the compared rows, `[N]`.
    public var squares: [Double]
    /// |row|² of the rows as they are stored, `[N]`; ``squares`` where no gain is given.
    public var storedSquares: [Double]
  }

  /// Products of every row of W with a direction, and the rows' squared lengths, in f64 (plain products and sums in
  /// 16 lanes), in one pass over W.
  /// - Parameters:
  ///   - w: W `[N, K]`, in any storage.
  ///   - gain: multiplies the columns first, rounded to f32, `[K]`.
  ///   - direction: `[K]`.
  public static func rowProducts(_ w: LinearWeight, gain: [Float]? = nil, direction: [Float]) -> RowProducts {
    precondition(direction.count == w.inputs, "a direction of \(direction.count) for \(w.inputs) inputs")
    precondition(gain.map { $0.count == w.inputs } ?? true, "a gain of other length than the direction")
    let wide = direction.map(Double.init)
    let selection = w.stored(nil)
    let outputs = selection == nil ? w.outputs : w.storedOutputs
    var dots = [Double](repeating: 0, count: outputs)
    var (squares, stored) = (dots, dots)
    w.withMatrix { matrix, _ in
      if let gain {
        ck_dot_rows_gained(&dots, &squares, &stored, matrix, gain, wide, outputs, w.inputs)
      } else {
        ck_dot_rows(&dots, &squares, matrix, wide, outputs, w.inputs)
        stored = squares
      }
    }
    guard let selection else { return RowProducts(dots: dots, squares: squares, storedSquares: stored) }
    func chosen(_ values: [Double]) -> [Double] { selection.map { values[Int($0)] } }
    return RowProducts(dots: chosen(dots), squares: chosen(squares), storedSquares: chosen(stored))
  }
}

import CKernels

/// Norms of rows. Sums are f32 in 16 lanes and one tree; every row stands alone.
public enum Norm {
  /// y`[M, D]` = x / √(mean(x²) + eps) · (gain + gainOffset). `y` may be `x`.
  /// - Parameters:
  ///   - y: the result.
  ///   - x: the input.
  ///   - gain: `[D]`.
  ///   - rows: M.
  ///   - width: D.
  ///   - eps: added to the mean square.
  ///   - gainOffset: 1 for families that store gain - 1 (Gemma), else 0.
  public static func rms(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, rows: Int,
    width: Int, eps: Float, gainOffset: Float = 0
  ) {
    ck_norm_rms(y, x, gain, gainOffset, eps, rows, width)
  }

  /// y`[M, D]` = (x - mean) / √(variance + eps) · gain + bias, with the variance over D. `y` may be `x`.
  public static func layer(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, rows: Int, width: Int, eps: Float
  ) {
    ck_norm_layer(y, x, gain, bias, eps, rows, width)
  }
}

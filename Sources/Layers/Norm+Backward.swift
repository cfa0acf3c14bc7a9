import CKernels

/// Gradients of norms. Those of gain and bias are added to what is there; dx`[M, D]` is written, or added to when
/// `accumulating`. Rows are summed in at most 64 blocks that follow from M alone.
extension Norm {
  /// With r = 1 / √(mean(x²) + eps) and a = dy · (gain + gainOffset): dx = r a − x r³ mean(a x), dgain`[D]` += Σ dy x r.
  public static func rmsBackward(
    _ dx: UnsafeMutablePointer<Float>, gain dgain: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>,
    _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, rows: Int, width: Int, eps: Float,
    gainOffset: Float = 0, accumulating: Bool = false
  ) {
    ck_norm_rms_backward(
      dx, accumulating ? 1 : 0, dgain, dy, x, gain, gainOffset, eps, rows, width)
  }

  /// With h = (x − mean) r and a = dy · gain: dx = r (a − mean(a) − h mean(a h)), dgain`[D]` += Σ dy h, dbias`[D]` += Σ dy.
  public static func layerBackward(
    _ dx: UnsafeMutablePointer<Float>, gain dgain: UnsafeMutablePointer<Float>,
    bias dbias: UnsafeMutablePointer<Float>?, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    gain: UnsafePointer<Float>, rows: Int, width: Int, eps: Float, accumulating: Bool = false
  ) {
    ck_norm_layer_backward(dx, accumulating ? 1 : 0, dgain, dbias, dy, x, gain, eps, rows, width)
  }
}

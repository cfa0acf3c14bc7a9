import CKernels

/// An element-wise function, with its own polynomials: the same bits on every instruction set.
public enum Activation: String, Sendable, CaseIterable {
  /// x / (1 + e^-x), also called swish.
  case silu
  /// x Φ(x) with the error function.
  case gelu
  /// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
  case geluTanh = "gelu_tanh"
  /// max(x, 0).
  case relu
  /// x / (1 + e^(-1.702 x)).
  case quickGelu = "quick_gelu"
  /// tanh x.
  case tanh

  var kernelFunction: Int32 {
    switch self {
    case .silu: Int32(CK_SILU)
    case .gelu: Int32(CK_GELU)
    case .geluTanh: Int32(CK_GELU_TANH)
    case .relu: Int32(CK_RELU)
    case .quickGelu: Int32(CK_QUICK_GELU)
    case .tanh: Int32(CK_TANH)
    }
  }

  /// x`[n]` = f(x), in place.
  public func apply(_ x: UnsafeMutablePointer<Float>, count: Int) {
    ck_activate(x, x, kernelFunction, count)
  }

  /// y`[n]` = f(x). `y` may be `x`.
  public func apply(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, count: Int) {
    ck_activate(y, x, kernelFunction, count)
  }

  /// Every element := f(element).
  public func apply(_ x: inout [Float]) {
    x.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { apply(base, count: $0.count) } }
  }

  /// out`[M, F]` = f(gate`[M, F]`) · up`[M, F]`; strides are floats between rows, so that gate and up may be parts of
  /// one wider result. `out` may be `gate` or `up`.
  public func gated(
    _ out: UnsafeMutablePointer<Float>, outStride: Int, gate: UnsafePointer<Float>, gateStride: Int,
    up: UnsafePointer<Float>, upStride: Int, rows: Int, width: Int
  ) {
    ck_activate_gated(out, outStride, gate, gateStride, up, upStride, kernelFunction, rows, width)
  }
}

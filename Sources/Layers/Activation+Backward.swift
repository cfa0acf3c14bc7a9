import Glibc

extension Activation {
  /// dx`[n]` = dy · f'(x), from the input x of ``apply(_:count:)``; at 0 the slope of ReLU is 0. `dx` may be `dy`.
  public func backward(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, count: Int
  ) {
    switch self {
    case .relu: for i in 0..<count { dx[i] = x[i] > 0 ? dy[i] : 0 }
    case .silu: each(dx, dy, x, count) { Self.sigmoidSlope($0, 1) }
    case .quickGelu: each(dx, dy, x, count) { Self.sigmoidSlope($0, 1.702) }
    case .tanh:
      each(dx, dy, x, count) {
        let t = tanhf($0)
        return 1 - t * t
      }
    case .gelu:
      // Φ(x) + x φ(x)
      each(dx, dy, x, count) {
        0.5 * (1 + erff($0 * 0.707_106_78)) + $0 * 0.398_942_28 * expf(-0.5 * $0 * $0)
      }
    case .geluTanh:
      each(dx, dy, x, count) {
        let inner: Float = 0.797_884_56 * ($0 + 0.044_715 * $0 * $0 * $0)
        let t = tanhf(inner)
        let slope: Float = 0.797_884_56 * (1 + 3 * 0.044_715 * $0 * $0)
        return 0.5 * (1 + t) + 0.5 * $0 * (1 - t * t) * slope
      }
    }
  }

  /// d/dx of x·σ(a x) = σ + a x σ (1 − σ).
  private static func sigmoidSlope(_ x: Float, _ a: Float) -> Float {
    let s = 1 / (1 + expf(-a * x))
    return s + a * x * s * (1 - s)
  }

  @inline(__always)
  private func each(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ count: Int,
    _ slope: (Float) -> Float
  ) {
    for i in 0..<count { dx[i] = dy[i] * slope(x[i]) }
  }
}

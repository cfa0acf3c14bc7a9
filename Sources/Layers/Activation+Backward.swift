import CKernels

extension Activation {
  /// dx`[n]` = dy · f'(x), from the input x of ``apply(_:count:)``; at 0 the slope of ReLU is 0. `dx` may be `dy`.
  public func backward(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, count: Int
  ) {
    ck_activate_backward(dx, dy, x, kernelFunction, count)
  }

  /// Of y`[n]` = f(gate) · up: dgate = dy · up · f'(gate) and dup = dy · f(gate). `dup` may be `dy`.
  public func gatedBackward(
    gate dgate: UnsafeMutablePointer<Float>, up dup: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>,
    gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int
  ) {
    ck_activate_gated_backward(dgate, dup, dy, gate, up, kernelFunction, count)
  }
}

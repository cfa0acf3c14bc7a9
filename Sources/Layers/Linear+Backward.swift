import CKernels
import Tensors

/// Gradients of ``Linear/forward(_:yStride:_:xStride:rows:_:)`` with a dense W `[N, K]` of f32. Both are products of the
/// same kernel, so their bits do not depend on threads either: every number is one sum over 16 lanes.
extension Linear {
  /// dx`[M, K]` = dy`[M, N]` · W.
  /// - Complexity: O(M · N · K), on the pool.
  public static func backwardInput(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, rows: Int, _ weight: Tensor
  ) {
    let stored = LinearWeight(weight, transposed: true)  // outputs K, inputs N
    forward(dx, yStride: stored.outputs, dy, xStride: stored.inputs, rows: rows, stored)
  }

  /// dW`[N, K]` = dyᵀ · x; `scratch` holds dyᵀ `[N, M]`.
  /// - Complexity: O(M · N · K), on the pool.
  public static func backwardWeight(
    _ dw: Tensor, _ dy: UnsafePointer<Float>, _ x: Tensor, rows: Int, scratch: Tensor
  ) {
    let (outputs, inputs) = (dw.shape[0], dw.shape[1])
    precondition(
      scratch.count >= outputs * rows && x.shape == [rows, inputs], "shapes of a weight's gradient")
    Matrices.transpose(scratch.f32, dy, rows: rows, columns: outputs)
    let stored = LinearWeight(x, transposed: true)  // outputs K, inputs M
    forward(dw.f32, yStride: inputs, scratch.f32, xStride: rows, rows: outputs, stored)
  }

  /// db`[N]` = Σ over rows of dy`[M, N]`, row after row.
  public static func backwardBias(
    _ db: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, rows: Int, outputs: Int
  ) {
    for n in 0..<outputs { db[n] = 0 }
    for row in 0..<rows {
      let from = dy + row * outputs
      for n in 0..<outputs { db[n] += from[n] }
    }
  }
}

/// Dense f32 matrices, row-major.
public enum Matrices {
  /// to`[columns, rows]` = fromᵀ, from`[rows, columns]`, in tiles of 16 by 16.
  public static func transpose(
    _ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>, rows: Int, columns: Int
  ) {
    Parallel.forEach((columns + 15) / 16, grain: max(1, 4096 / max(1, rows))) { tiles in
      for tile in tiles {
        let c0 = tile * 16, c1 = min(columns, c0 + 16)
        for r0 in stride(from: 0, to: rows, by: 16) {
          let r1 = min(rows, r0 + 16)
          for c in c0..<c1 { for r in r0..<r1 { to[c * rows + r] = from[r * columns + c] } }
        }
      }
    }
  }
}

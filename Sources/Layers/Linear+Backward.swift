import CKernels
import Tensors

/// Gradients of linear layers with f32 weights, and the forward product in the same order of sums.
///
/// These products are chains of fused multiply-adds in the order of what is summed over (``Matrices/product``), which is
/// faster than the 16 lanes of ``Linear/forward(_:yStride:_:xStride:rows:_:)`` and as independent of threads and
/// instruction set; the last bits of the two forward products differ.
extension Linear {
  /// y`[M, N]` = x`[M, K]` · Wᵀ + b, dense rows, as training takes it.
  /// - Complexity: O(M · N · K), on the pool.
  public static func trainingForward(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, rows: Int, _ weight: LinearWeight
  ) {
    let w = weight.matrixOfFloats
    Matrices.product(
      y, stride: weight.outputs, Matrices.View(x, stride: weight.inputs), w.turned, rows: rows,
      columns: weight.outputs, depth: weight.inputs)
    guard let bias = weight.bias else { return }
    withExtendedLifetime(bias.storage) {
      for row in 0..<rows { Vector.add(y + row * weight.outputs, bias.f32, count: weight.outputs) }
    }
  }

  /// dx`[M, K]` = dy`[M, N]` · W, or dx + that when `accumulating`.
  /// - Complexity: O(M · N · K), on the pool.
  public static func backwardInput(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, rows: Int, _ weight: LinearWeight,
    accumulating: Bool = false
  ) {
    Matrices.product(
      dx, stride: weight.inputs, Matrices.View(dy, stride: weight.outputs), weight.matrixOfFloats, rows: rows,
      columns: weight.inputs, depth: weight.outputs, accumulating: accumulating)
  }

  /// Adds dyᵀ · x to the gradient of W, and the sums of dy`[M, N]` over its rows to that of b.
  /// - Parameters:
  ///   - weight: W, a whole tensor or a part of one.
  ///   - gradient: the gradient of the whole tensor, of its size.
  ///   - bias: the gradient of b `[N]`, where there is one.
  ///   - dy: `[M, N]`.
  ///   - x: the input of the forward product, `[M, K]`.
  ///   - rows: M.
  ///   - accumulating: whether the sum goes on what is there; false overwrites it.
  /// - Complexity: O(M · N · K), on the pool.
  public static func backwardWeight(
    of weight: LinearWeight, in gradient: TensorStorage, bias: UnsafeMutablePointer<Float>?,
    _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Int, accumulating: Bool = true
  ) {
    let (outputs, inputs) = (weight.outputs, weight.inputs)
    let to = weight.place(in: gradient)
    let (slopes, states) = (Matrices.View(dy, stride: outputs), Matrices.View(x, stride: inputs))
    if weight.isTransposed {
      Matrices.product(
        to.start, stride: to.stride, states.turned, slopes, rows: inputs, columns: outputs, depth: rows,
        accumulating: accumulating)
    } else {
      Matrices.product(
        to.start, stride: to.stride, slopes.turned, states, rows: outputs, columns: inputs, depth: rows,
        accumulating: accumulating)
    }
    if let bias { backwardBias(bias, dy, rows: rows, outputs: outputs, accumulating: accumulating) }
  }

  /// db`[N]` = Σ over rows of dy`[M, N]`, row after row, or db + that when `accumulating`.
  public static func backwardBias(
    _ db: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, rows: Int, outputs: Int,
    accumulating: Bool = false
  ) {
    Parallel.forEach((outputs + 63) / 64, grain: 1 + 1024 / max(1, rows)) { parts in
      let columns = parts.lowerBound * 64..<min(outputs, parts.upperBound * 64)
      if !accumulating { for n in columns { db[n] = 0 } }
      for row in 0..<rows {
        Vector.add(db + columns.lowerBound, dy + row * outputs + columns.lowerBound, count: columns.count)
      }
    }
  }
}

extension LinearWeight {
  /// W `[N, K]` as a matrix of f32 in memory.
  var matrixOfFloats: Matrices.View {
    precondition(selection == nil && dtype == .f32, "a product of training with \(dtype) or chosen outputs")
    let start = UnsafePointer(weight.f32) + firstColumn
    return isTransposed
      ? Matrices.View(start, stride: weight.shape[1]).turned : Matrices.View(start, stride: weight.shape[1])
  }

  /// Where this weight's numbers would lie if its tensor were stored there, and the floats from one stored row to the next.
  func place(in storage: TensorStorage) -> (start: UnsafeMutablePointer<Float>, stride: Int) {
    precondition(selection == nil && dtype == .f32, "a gradient of \(dtype) or chosen outputs")
    precondition(storage.byteCount >= weight.byteOffset + weight.byteCount, "a gradient of another size")
    let start = (storage.base + weight.byteOffset).assumingMemoryBound(to: Float.self)
    return (start + firstColumn, weight.shape[1])
  }

  /// The memory of the tensor that it is, or is a part of.
  public var storage: TensorStorage { weight.storage }
}

/// Dense f32 matrices.
public enum Matrices {
  /// A matrix in memory the caller holds: rows or columns lie together.
  public struct View {
    let dense: ck_dense

    /// Rows that lie `stride` floats apart.
    public init(_ start: UnsafePointer<Float>, stride: Int) {
      dense = ck_dense(data: start, row_stride: stride, column_stride: 1)
    }

    private init(_ dense: ck_dense) { self.dense = dense }

    /// Its transpose, the same memory.
    public var turned: View {
      View(
        ck_dense(data: dense.data, row_stride: dense.column_stride, column_stride: dense.row_stride))
    }
  }

  /// c`[rows, columns]` = a`[rows, depth]` · b`[depth, columns]`, or c + that when `accumulating`; rows of c lie `stride`
  /// floats apart. Every number is one chain of fused multiply-adds in the order of `depth`.
  /// - Complexity: O(rows · columns · depth), on the pool.
  public static func product(
    _ c: UnsafeMutablePointer<Float>, stride: Int, _ a: View, _ b: View, rows: Int, columns: Int, depth: Int,
    accumulating: Bool = false
  ) {
    precondition(rows <= 1 || stride >= columns, "rows that overlap")
    ck_gemm(c, stride, a.dense, b.dense, accumulating ? 1 : 0, rows, columns, depth)
  }
}

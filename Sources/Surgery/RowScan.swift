import Layers
import Tensors

/// Cosine and length of every row of a matrix against one direction; sums in f64.
enum RowScan {
  struct Row: Sendable {
    var cosine: Float
    var norm: Float
  }

  /// - Parameters:
  ///   - weight: `[N, K]`, read in place in the type it is stored in.
  ///   - gain: multiplies the columns before the comparison (not the reported length), `[K]`.
  ///   - direction: `[K]`.
  /// - Complexity: one pass over the matrix; a second over a widened copy of it where there is a gain.
  static func run(_ weight: LinearWeight, gain: [Float]?, direction: [Float]) -> [Row] {
    let wide = direction.map(Double.init)
    let length = wide.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let plain = Linear.rowProducts(weight, direction: wide)
    let compared = gain.map { Linear.rowProducts(scaled(weight, by: $0), direction: wide) } ?? plain
    return plain.squares.indices.map { row in
      let scale = compared.squares[row].squareRoot() * length
      return Row(
        cosine: scale > 0 ? Float(compared.dots[row] / scale) : 0,
        norm: Float(plain.squares[row].squareRoot()))
    }
  }

  private static func scaled(_ weight: LinearWeight, by gain: [Float]) -> LinearWeight {
    let copy = Tensor(weight.toFloats(), shape: [weight.outputs, weight.inputs])
    for row in 0..<weight.outputs {
      let numbers = copy.f32 + row * weight.inputs
      for k in 0..<weight.inputs { numbers[k] *= gain[k] }
    }
    return LinearWeight(copy)
  }
}

import Tensors

/// Cosine and length of every row of a matrix against one direction; sums in f64.
public enum RowCosines {
  /// One row.
  public struct Row: Sendable {
    /// Cosine of the row, its columns multiplied by the gain where there is one; 0 for a row of zeros.
    public var cosine: Float
    /// Length of the row as it is stored.
    public var norm: Float
  }

  /// - Parameters:
  ///   - weight: `[N, K]`, read in place in the type it is stored in.
  ///   - gain: multiplies the columns before the comparison (not the reported length), `[K]`.
  ///   - direction: `[K]`.
  /// - Returns: cosine and length of each row, `[N]`.
  /// - Complexity: one pass over the matrix; a second, over widened blocks of its rows, where there is a gain.
  public static func of(_ weight: LinearWeight, gain: [Float]?, direction: [Float]) -> [Row] {
    let wide = direction.map(Double.init)
    let length = wide.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let plain = Linear.rowProducts(weight, direction: wide)
    let compared = gain.map { gained(weight, by: $0, direction: wide) } ?? plain
    return plain.squares.indices.map { row in
      let scale = compared.squares[row].squareRoot() * length
      return Row(
        cosine: scale > 0 ? Float(compared.dots[row] / scale) : 0,
        norm: Float(plain.squares[row].squareRoot()))
    }
  }

  /// Weights that a thread holds widened at a time: 1 MiB.
  private static let block = 1 << 18

  /// The products and squared lengths of the rows with their columns multiplied by the gain: each row by itself, so
  /// neither blocks nor threads matter.
  private static func gained(
    _ weight: LinearWeight, by gain: [Float], direction: [Double]
  ) -> (dots: [Double], squares: [Double]) {
    let inputs = weight.inputs
    let dots = Slots(repeating: 0.0, count: weight.outputs)
    let squares = Slots(repeating: 0.0, count: weight.outputs)
    let size = max(1, block / max(1, inputs))
    Parallel.forEach(weight.outputs, grain: size) { range in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
        let rows = start..<min(start + size, range.upperBound)
        let copy = Tensor(weight.rows(rows).toFloats(), shape: [rows.count, inputs])
        for row in 0..<rows.count {
          let numbers = copy.f32 + row * inputs
          for k in 0..<inputs { numbers[k] *= gain[k] }
        }
        let products = Linear.rowProducts(LinearWeight(copy), direction: direction)
        for row in 0..<rows.count {
          dots[start + row] = products.dots[row]
          squares[start + row] = products.squares[row]
        }
      }
    }
    return (dots.values, squares.values)
  }
}

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
  /// - Complexity: one pass over the matrix.
  public static func of(_ weight: LinearWeight, gain: [Float]?, direction: [Float]) -> [Row] {
    let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let products = Linear.rowProducts(weight, gain: gain, direction: direction)
    return products.dots.indices.map { row in
      let scale = products.squares[row].squareRoot() * length
      return Row(
        cosine: scale > 0 ? Float(products.dots[row] / scale) : 0,
        norm: Float(products.storedSquares[row].squareRoot()))
    }
  }
}

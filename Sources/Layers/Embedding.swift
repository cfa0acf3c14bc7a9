import Tensors

/// Rows of a table, one a token.
public enum Embedding {
  /// Adds dy`[M, D]` · scale to the rows `tokens` of dtable`[V, D]`, in the order of M.
  /// - Complexity: O(M · D), on the pool by columns, so that equal tokens never meet.
  public static func backward(
    _ dtable: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, tokens: [Int32], width: Int,
    scale: Float = 1
  ) {
    Parallel.forEach((width + 63) / 64, grain: 1 + 1024 / max(1, tokens.count)) { parts in
      let columns = parts.lowerBound * 64..<min(width, parts.upperBound * 64)
      for (row, token) in tokens.enumerated() {
        Vector.addScaled(
          dtable + Int(token) * width + columns.lowerBound, scale, dy + row * width + columns.lowerBound,
          count: columns.count)
      }
    }
  }
}

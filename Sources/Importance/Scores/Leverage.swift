import Layers
import LinearAlgebra
import Runtime
import Tensors

extension ScoreKind {
  /// The leverage of each row: Σ_{k ≤ r} U_ik² over the r leading left singular vectors of W (arXiv 1104.5557, section
  /// 2.3). With r the full rank every row of a wide matrix has leverage 1 and nothing is told apart, so r is the
  /// smallest number of directions that hold the share `energy` of Σ σ². The sum of all leverages is r.
  public static let leverage = ScoreKind(
    name: "leverage", summary: "how much of the leading singular directions rests on the weight's row",
    reference: "arXiv 1104.5557", finest: .row,
    parameters: [
      MethodParameter(
        "energy", "share of the squared singular values that the leading directions hold",
        .number(0.01...1, standard: 0.9))
    ]
  ) { matrix, _, score in
    try MatrixCheck.requireFinite(matrix)
    let rows = try Leverage.rows(matrix, energy: score.settings.number("energy") ?? 0.9)
    return MatrixScore(matrix, rows: rows.map(Float.init))
  }
}

/// Leverage scores by the eigenvectors of the smaller Gram matrix, in f64.
enum Leverage {
  /// The leverage of every row, `[N]`.
  /// - Throws: ``LinearAlgebraError``.
  /// - Complexity: O(N·K·min(N, K) + min(N, K)³); holds 3 · min(N, K)² f64 and W once as f64.
  static func rows(_ matrix: PrunableMatrix, energy: Double) throws -> [Double] {
    let (outputs, inputs) = (matrix.outputs, matrix.inputs)
    let values = UnsafeMutablePointer<Double>.allocate(capacity: max(1, matrix.count))
    defer { values.deallocate() }
    let weights = MatrixScore(matrix) { rows, out in matrix.weight.copyFloats(rows: rows, to: out) }
    weights.forEachPiece { rows, part in
      let target = values + rows.lowerBound * inputs
      for i in 0..<rows.count * inputs { target[i] = Double(part[i]) }
    }
    let size = min(outputs, inputs)
    let isWide = outputs <= inputs
    var gram = Matrix<Double>(zeros: size, size)
    try gram.values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      if isWide {
        try Product.kernel(base, values, rows: outputs, columns: inputs)
      } else {
        try Product.gram(base, values, rows: outputs, columns: inputs)
      }
    }
    let eigen = try SymmetricEigen(gram)
    let count = leading(eigen.values, energy: energy)
    guard let vectors = eigen.vectors else { return [] }
    var result = [Double](repeating: 0, count: outputs)
    if isWide {
      for k in size - count..<size { for i in 0..<outputs { result[i] += vectors[k, i] * vectors[k, i] } }
      return result
    }
    // U = W·V·Σ⁻¹: the leading right vectors, one product.
    var projected = [Double](repeating: 0, count: outputs * count)
    try projected.withUnsafeMutableBufferPointer { projected in
      try vectors.values.withUnsafeBufferPointer { vectors in
        guard let out = projected.baseAddress, let right = vectors.baseAddress else { return }
        try Product.gemm(
          out, values, right + (size - count) * size, transposeB: true, m: outputs, n: count, k: inputs)
      }
    }
    for i in 0..<outputs {
      for k in 0..<count {
        let value = projected[i * count + k]
        result[i] += value * value / eigen.values[size - count + k]
      }
    }
    return result
  }

  /// How many of the largest eigenvalues (ascending) hold the share, at least one.
  private static func leading(_ values: [Double], energy: Double) -> Int {
    let whole = values.reduce(0) { $0 + max(0, $1) }
    // Below the rounding of the Gram matrix nothing is a direction.
    let floor = (values.last ?? 0) * Double(values.count) * 0x1p-52
    var sum = 0.0
    for (count, value) in values.reversed().enumerated() {
      if count > 0, sum >= energy * whole || value <= floor { return count }
      sum += max(0, value)
    }
    return values.count
  }
}

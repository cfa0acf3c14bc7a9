import LinearAlgebra
import Testing

@Suite struct DecompositionTests {
  static func positive(_ size: Int, seed: UInt64) -> Matrix<Double> {
    let a = Naive.random(size + 3, size, seed: seed, as: Double.self)
    return Naive.product(a.transposed, a)
  }

  @Test(arguments: [1, 2, 5, 33, 100]) func choleskySolves(size: Int) throws {
    let a = Self.positive(size, seed: 11)
    let x = (0..<size).map { Double($0 % 7) - 3 }
    let b = Naive.product(a, Matrix(size, 1, x)).values
    let cholesky = try Cholesky(a)
    #expect(zip(cholesky.solve(b), x).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(Naive.difference(Naive.product(cholesky.lower, cholesky.lower.transposed), a) < 1e-10)
    var many = Matrix(2, size, b + b.map { -2 * $0 })
    cholesky.solve(&many)
    #expect(zip(many.row(1), x).allSatisfy { abs($0 + 2 * $1) < 2e-6 })
  }

  @Test func choleskyReadsTheLowerTriangleOnly() throws {
    var a = Self.positive(6, seed: 12)
    let full = try Cholesky(a).solve([1, 2, 3, 4, 5, 6])
    for i in 0..<6 { for j in i + 1..<6 { a[i, j] = .greatestFiniteMagnitude } }
    #expect(try Cholesky(a).solve([1, 2, 3, 4, 5, 6]) == full)
  }

  @Test func choleskyRefuses() throws {
    var a = Matrix<Double>(identity: 4)
    a[2, 2] = -1
    #expect(throws: LinearAlgebraError.notPositiveDefinite(size: 4, pivot: 2)) { try Cholesky(a) }
    #expect(try Cholesky(a, ridge: 2).solve([3, 3, 1, 3]).allSatisfy { abs($0 - 1) < 1e-15 })
    a[2, 2] = .nan
    #expect(throws: LinearAlgebraError.self) { try Cholesky(a) }
    let two = try Cholesky(Matrix<Double>(2, 2, [4, 0, 2, 5]))
    #expect(abs(two.logDeterminant - 2.772588722239781) < 1e-14)  // log 16
  }

  @Test(arguments: [1, 2, 7, 40]) func eigenvectorsRebuildTheMatrix(size: Int) throws {
    let a = Self.positive(size, seed: 13)
    let eigen = try SymmetricEigen(a)
    let vectors = try #require(eigen.vectors)
    #expect(eigen.values == eigen.values.sorted())
    var scaled = vectors
    for i in 0..<size { for j in 0..<size { scaled[i, j] *= eigen.values[i] } }
    #expect(Naive.difference(Naive.product(vectors.transposed, scaled), a) < 1e-10)
    #expect(Naive.difference(Naive.product(vectors, vectors.transposed), Matrix(identity: size)) < 1e-13)
    let values = try SymmetricEigen(a, vectors: false)
    #expect(values.vectors == nil && zip(values.values, eigen.values).allSatisfy { abs($0 - $1) < 1e-10 })
  }

  @Test(arguments: [(1, 1), (5, 3), (3, 5), (40, 17), (17, 40)])
  func singularVectorsRebuildTheMatrix(rows: Int, columns: Int) throws {
    let a = Naive.random(rows, columns, seed: 14, as: Float.self)
    let svd = try SingularValues(a)
    let left = try #require(svd.left), right = try #require(svd.right)
    let rank = min(rows, columns)
    #expect(left.rows == rows && left.columns == rank && right.rows == rank && right.columns == columns)
    #expect(svd.values == svd.values.sorted(by: >))
    var scaled = right
    for i in 0..<rank { for j in 0..<columns { scaled[i, j] *= svd.values[i] } }
    #expect(Naive.difference(Naive.product(left, scaled), a) < 1e-5)
    #expect(Naive.difference(Naive.product(left.transposed, left), Matrix(identity: rank)) < 1e-5)
    for i in 0..<rank { #expect(right.row(i).max { abs($0) < abs($1) }.map { $0 > 0 } ?? false) }
    let values = try SingularValues(a, vectors: false).values
    #expect(zip(values, svd.values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func leastSquares() throws {
    let a = Naive.random(30, 4, seed: 15, as: Double.self)
    let x = Matrix<Double>(4, 2, [1, -1, 2, 0, -3, 4, 0.5, 1])
    let fit = try LeastSquares(a, Naive.product(a, x))
    #expect(fit.rank == 4 && Naive.difference(fit.solution, x) < 1e-12)
    // Of many solutions the one of smallest norm: two equal columns share the weight.
    let twice = Matrix(3, 2, [1.0, 1, 2, 2, 3, 3])
    let shared = try LeastSquares(twice, Matrix(3, 1, [2.0, 4, 6]))
    #expect(shared.rank == 1)
    #expect(shared.solution.values.allSatisfy { abs($0 - 1) < 1e-12 })
    // More columns than rows.
    let wide = try LeastSquares(Matrix(1, 2, [3.0, 4]), Matrix(1, 1, [25.0]))
    #expect(abs(wide.solution[0, 0] - 3) < 1e-12 && abs(wide.solution[1, 0] - 4) < 1e-12)
  }

  @Test func emptyAndNaN() throws {
    #expect(try SingularValues(Matrix<Float>(zeros: 0, 4)).values.isEmpty)
    #expect(try SymmetricEigen(Matrix<Float>(zeros: 0, 0)).values.isEmpty)
    #expect(throws: LinearAlgebraError.notFinite(routine: "gesdd")) {
      try SingularValues(Matrix<Float>(2, 2, [1, .nan, 0, 1]))
    }
  }
}

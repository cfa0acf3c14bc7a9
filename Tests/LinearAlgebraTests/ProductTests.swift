import LinearAlgebra
import Runtime
import Testing

/// Naive references in f64, and random matrices.
enum Naive {
  static func random<S: LinearScalar>(_ rows: Int, _ columns: Int, seed: UInt64, as type: S.Type = S.self)
    -> Matrix<S>
  {
    var random = CounterRandom(seed: seed, stream: "matrix")
    return Matrix(rows, columns, (0..<rows * columns).map { _ in S(random.normal()) })
  }

  static func product<S: LinearScalar>(_ a: Matrix<S>, _ b: Matrix<S>) -> Matrix<S> {
    var c = Matrix<S>(zeros: a.rows, b.columns)
    for i in 0..<a.rows {
      for j in 0..<b.columns {
        var sum = 0.0
        for k in 0..<a.columns { sum += Double(a[i, k]) * Double(b[k, j]) }
        c[i, j] = S(sum)
      }
    }
    return c
  }

  static func difference<S: LinearScalar>(_ a: Matrix<S>, _ b: Matrix<S>) -> Double {
    guard a.rows == b.rows, a.columns == b.columns else { return .infinity }
    return zip(a.values, b.values).reduce(0) { max($0, abs(Double($1.0 - $1.1))) }
  }
}

@Suite struct ProductTests {
  static let shapes = [
    (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (1, 7, 5), (3, 5, 7), (17, 1, 33), (95, 64, 31),
    (97, 33, 130),
    (200, 193, 97),
  ]

  @Test(arguments: shapes) func equalsTheNaiveProduct(m: Int, n: Int, k: Int) throws {
    try check(m, n, k, tolerance: 1e-4, as: Float.self)
    try check(m, n, k, tolerance: 1e-12, as: Double.self)
  }

  private func check<S: LinearScalar>(_ m: Int, _ n: Int, _ k: Int, tolerance: Double, as type: S.Type) throws
  {
    let a = Naive.random(m, k, seed: 1, as: type), b = Naive.random(k, n, seed: 2, as: type)
    let expected = Naive.product(a, b)
    #expect(try Naive.difference(Product.matrix(a, b), expected) < tolerance)
    #expect(try Naive.difference(Product.matrix(a.transposed, b, transposeA: true), expected) < tolerance)
    #expect(try Naive.difference(Product.matrix(a, b.transposed, transposeB: true), expected) < tolerance)
    #expect(
      try Naive.difference(
        Product.matrix(a.transposed, b.transposed, transposeA: true, transposeB: true), expected) < tolerance)
  }

  @Test(arguments: [(0, 4), (1, 1), (5, 3), (3, 5), (130, 97), (64, 129)])
  func gramAndKernel(rows: Int, columns: Int) throws {
    let a = Naive.random(rows, columns, seed: 3, as: Double.self)
    var gram = Matrix<Double>(zeros: columns, columns), kernel = Matrix<Double>(zeros: rows, rows)
    try a.values.withUnsafeBufferPointer { a in
      guard let a = a.baseAddress else { return }
      try gram.values.withUnsafeMutableBufferPointer {
        try Product.gram(#require($0.baseAddress), a, rows: rows, columns: columns, mirror: true)
      }
      try kernel.values.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        try Product.kernel(base, a, rows: rows, columns: columns, alpha: 2, mirror: true)
      }
    }
    #expect(Naive.difference(gram, Naive.product(a.transposed, a)) < 1e-12)
    let doubled = Matrix(rows, rows, Naive.product(a, a.transposed).values.map { 2 * $0 })
    #expect(Naive.difference(kernel, doubled) < 1e-12)
  }

  @Test func partsOfWiderRowsAndBeta() throws {
    let a = Naive.random(4, 6, seed: 4, as: Double.self), b = Naive.random(6, 5, seed: 5, as: Double.self)
    var c = Naive.random(4, 5, seed: 6, as: Double.self)
    let before = c
    // C[:, 1..<3] = 2 · A[:, 2..<6] · B[1..<5, 3..<5] + 0.5 · C[:, 1..<3]
    try a.values.withUnsafeBufferPointer { a in
      try b.values.withUnsafeBufferPointer { b in
        try c.values.withUnsafeMutableBufferPointer { c in
          try Product.gemm(
            #require(c.baseAddress) + 1, cStride: 5, #require(a.baseAddress) + 2, aStride: 6,
            #require(b.baseAddress) + 8, bStride: 5, m: 4, n: 2, k: 4, alpha: 2, beta: 0.5)
        }
      }
    }
    for i in 0..<4 {
      for j in 0..<5 {
        var expected = before[i, j]
        if j == 1 || j == 2 {
          expected = 0.5 * before[i, j]
          for k in 0..<4 { expected += 2 * a[i, 2 + k] * b[1 + k, 2 + j] }
        }
        #expect(abs(c[i, j] - expected) < 1e-13)
      }
    }
  }

  @Test func vectorProducts() throws {
    let a = Naive.random(9, 4, seed: 7, as: Double.self)
    let x = (0..<4).map { Double($0) - 1.5 }
    var y = [Double](repeating: .nan, count: 9), z = [Double](repeating: 1, count: 4)
    try Product.gemv(&y, a.values, x, m: 9, n: 4)
    let expected = Naive.product(a, Matrix(4, 1, x)).values
    #expect(zip(y, expected).allSatisfy { abs($0 - $1) < 1e-13 })
    try Product.gemv(&z, a.values, transpose: true, y, m: 9, n: 4, alpha: 2, beta: 1)
    let back = Naive.product(a.transposed, Matrix(9, 1, y)).values
    #expect(zip(z, back).allSatisfy { abs($0 - (1 + 2 * $1)) < 1e-12 })
  }

  /// What makes results independent of the number of threads: cutting the rows at multiples of 96 changes no bit.
  @Test(arguments: [(512, 130, 300), (480, 768, 768), (200, 64, 1024)])
  func rowsCutAtMultiplesOf96HaveTheSameBits(m: Int, n: Int, k: Int) throws {
    let a = Naive.random(m, k, seed: 8, as: Float.self), b = Naive.random(k, n, seed: 9, as: Float.self)
    let whole = try Product.matrix(a, b)
    for cut in stride(from: 96, to: m, by: 192) {
      let top = try Product.matrix(Matrix(cut, k, Array(a.values[..<(cut * k)])), b)
      let bottom = try Product.matrix(Matrix(m - cut, k, Array(a.values[(cut * k)...])), b)
      #expect(top.values + bottom.values == whole.values)
    }
  }

  @Test func theLibraryIsNamedAndSingleThreaded() {
    #expect(BLASLibrary.threads == 1)
    #expect(BLASLibrary.configuration.contains("OpenBLAS"))
    #expect(!BLASLibrary.coreName.isEmpty)
  }

  @Test func sizesBeyond32BitsAreRefused() {
    var c: [Double] = [0]
    #expect(throws: LinearAlgebraError.tooLarge(routine: "gemm", size: 1 << 32, limit: Int(Int32.max))) {
      try Product.gemm(&c, [1.0], aStride: 1, [1.0], bStride: 1 << 32, m: 1, n: 1, k: 1)
    }
  }
}

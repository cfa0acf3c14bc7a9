import LinearAlgebra
import Testing

@Suite struct InverseFactorTests {
  @Test(arguments: [1, 2, 5, 33, 130]) func rebuildsTheInverse(size: Int) throws {
    let a = DecompositionTests.positive(size, seed: 21)
    var memory = a.values
    let diagonal = (0..<size).map { a[$0, $0] }
    try memory.withUnsafeMutableBufferPointer {
      try InverseFactor.replace(#require($0.baseAddress), diagonal: diagonal, size: size)
    }
    var factor = Matrix<Double>(zeros: size, size)
    memory.withUnsafeBufferPointer { memory in
      factor.values.withUnsafeMutableBufferPointer { factor in
        guard let memory = memory.baseAddress, let factor = factor.baseAddress else { return }
        for row in 0..<size {
          InverseFactor.copy(
            row: row, columns: row..<size, of: memory, size: size, to: factor + row * size + row)
        }
      }
    }
    // Uᵀ·U·A is the identity, and the strict upper triangle of A still stands.
    let inverse = Naive.product(factor.transposed, factor)
    #expect(Naive.difference(Naive.product(inverse, a), Matrix(identity: size)) < 1e-8)
    for i in 0..<size { for j in i + 1..<max(size, i + 1) { #expect(memory[i * size + j] == a[i, j]) } }
    #expect((0..<size).allSatisfy { factor[$0, $0] > 0 })
  }

  @Test func refusesWhatIsNotPositiveDefinite() throws {
    // Two equal columns: singular, and positive definite with a little on the diagonal.
    var values: [Double] = [1, 1, 1, 1]
    func attempt(_ diagonal: [Double]) throws {
      try values.withUnsafeMutableBufferPointer {
        try InverseFactor.replace(#require($0.baseAddress), diagonal: diagonal, size: 2)
      }
    }
    #expect(throws: LinearAlgebraError.notPositiveDefinite(size: 2, pivot: 1)) { try attempt([1, 1]) }
    try attempt([1.01, 1.01])
    #expect(throws: LinearAlgebraError.self) { try attempt([.nan, 1]) }
  }
}

import LinearAlgebra
import Testing

@Suite struct RidgeSolverTests {
  @Test(arguments: [(1, 1), (30, 5), (5, 30), (40, 40), (7, 1), (1, 7)])
  func bothFormsSolveTheSameSystem(rows: Int, columns: Int) throws {
    let z = Naive.random(rows, columns, seed: 21, as: Double.self)
    let v = (0..<columns).map { Double($0 % 5) - 1.7 }
    let solver = try z.values.withUnsafeBufferPointer {
      try RidgeSolver(#require($0.baseAddress), rows: rows, columns: columns)
    }
    #expect(solver.isDual == (rows < columns))
    for (scale, ridge) in [(1.0, 0.5), (0.25, 1e-3), (3, 20)] {
      let factored = try solver.factored(scale: scale, ridge: ridge)
      let x = try z.values.withUnsafeBufferPointer { try factored.solve(v, #require($0.baseAddress)) }
      var system = Naive.product(z.transposed, z)
      for i in 0..<columns { for j in 0..<columns { system[i, j] *= scale } }
      for i in 0..<columns { system[i, i] += ridge }
      let back = Naive.product(system, Matrix(columns, 1, x)).values
      #expect(zip(back, v).allSatisfy { abs($0 - $1) < 1e-9 })
    }
    let gram = Naive.product(z.transposed, z)
    #expect(
      abs(solver.squaredNorm - gram.values.reduce(0) { $0 + $1 * $1 }) < 1e-9 * (1 + solver.squaredNorm))
    #expect(abs(solver.trace - (0..<columns).reduce(0) { $0 + gram[$1, $1] }) < 1e-10 * (1 + solver.trace))
  }
}

import JSON
import Runtime
import Statistics
import Testing
import Training

@testable import Regimes

/// Products, eigenvalue and trace against the explicit Hessian that PyTorch takes in f64.
@Suite struct HessianTests {
  @Test func product() throws {
    let landscape = try Landscape()
    let before = landscape.network.weights
    let hessian = try HessianProduct(landscape.network, data: landscape.data, items: 40)
    let v = Landscape.doubles(landscape.json["vector"]),
      expected = Landscape.doubles(landscape.json["product"])
    let found = try hessian(v)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 2e-4, "\(a) for \(b)") }
    #expect(landscape.network.weights == before)
    let curvature = zip(v, expected).reduce(0) { $0 + $1.0 * $1.1 }
    let groups = try hessian.curvatures(v)
    #expect(groups.count == 10 && abs(groups.reduce(0, +) / 10 - curvature) < 1e-3 * abs(curvature))
  }

  @Test(arguments: [false, true])
  func eigenvalueAndTrace(_ pruned: Bool) throws {
    let landscape = try Landscape(pruned: pruned)
    let expected = try #require(landscape.json[pruned ? "kept" : "whole"])
    let top = try #require(expected["top"]?.double), trace = try #require(expected["trace"]?.double)
    let hessian = try HessianProduct(landscape.network, data: landscape.data, items: 40)
    let found = try TopEigenvalue(hessian)
    #expect(abs(found.value - top) < 2e-3 * top && found.residual < 2e-3 * top)
    let spread = try #require(found.standardError)
    #expect(spread > 0 && found.products <= 30)
    let sum = try HessianTrace(hessian, limit: 2000, tolerance: 0.02).estimate
    let error = try #require(sum.standardError)
    #expect(abs(sum.mean - trace) < 4 * error && error < 0.05 * trace)
  }

  /// A signs' vector has no entry where a number is pruned.
  @Test func prunedNumbersStayOut() throws {
    let landscape = try Landscape(pruned: true)
    let hessian = try HessianProduct(landscape.network, data: landscape.data, items: 40)
    let z = hessian.signs(CounterRandom(seed: 3))
    let product = try hessian(z)
    for place in landscape.json["pruned"]?.array?.compactMap(\.int) ?? [] {
      #expect(z[place] == 0 && product[place] == 0)
    }
    #expect(z.count { $0 != 0 } == z.count - 5)
  }

  @Test func tooFewItems() throws {
    let landscape = try Landscape()
    #expect(throws: RegimesError.self) {
      try HessianProduct(landscape.network, data: landscape.data, items: 5)
    }
  }
}

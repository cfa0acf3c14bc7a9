import JSON
import Runtime
import Testing

@testable import Regimes

/// Linear CKA against NumPy's Gram form and what must hold of any similarity.
@Suite struct CenteredKernelAlignmentTests {
  @Test func recorded() throws {
    let cka = try #require(try Landscape().json["cka"])
    let x = Landscape.doubles(cka["x"]), y = Landscape.doubles(cka["y"]), z = Landscape.doubles(cka["z"])
    for (other, name) in [(y, "xy"), (z, "xz")] {
      let found = try #require(CenteredKernelAlignment(x, other, count: 12))
      let expected = Landscape.doubles(cka[name])
      #expect(abs(found.biased - expected[0]) < 1e-12)
      let unbiased = try #require(found.unbiased)
      #expect(abs(unbiased - expected[1]) < 1e-10)
      #expect(found.count == 12)
    }
  }

  @Test func turnedMovedAndScaledIsTheSame() throws {
    var random = CounterRandom(seed: 1)
    let x: [Double] = (0..<60).map { _ in random.normal() }
    var turned: [Double] = []
    for item in 0..<30 {
      turned.append(3 * x[2 * item + 1] + 5)
      turned.append(-3 * x[2 * item] - 1)
    }
    let found = try #require(CenteredKernelAlignment(x, turned, count: 30))
    #expect(abs(found.biased - 1) < 1e-12 && abs((found.unbiased ?? 0) - 1) < 1e-10)
  }

  /// Unrelated outputs: the biased estimate is far above 0 for few items, the unbiased one about 0.
  @Test func unrelated() throws {
    var random = CounterRandom(seed: 2)
    var biased = 0.0, unbiased = 0.0
    for _ in 0..<40 {
      let x = (0..<200).map { _ in random.normal() }, y = (0..<200).map { _ in random.normal() }
      let found = try #require(CenteredKernelAlignment(x, y, count: 20))
      biased += found.biased / 40
      unbiased += (found.unbiased ?? 0) / 40
    }
    #expect(biased > 0.25 && abs(unbiased) < 0.08)
  }

  @Test func constantOutputsHaveNone() {
    #expect(CenteredKernelAlignment([1, 1, 1], [1, 2, 3], count: 3) == nil)
    #expect(CenteredKernelAlignment([1, 2, 4], [1, 2, 3], count: 3)?.unbiased == nil)
  }
}

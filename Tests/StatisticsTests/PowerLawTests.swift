import Glibc
import Statistics
import Testing

/// Exponents of cost against work.
struct PowerLawTests {
  @Test(arguments: [0.5, 1.0, 1.7])
  func findsItsOwn(exponent: Double) throws {
    let law = try #require(PowerLaw(work: [1, 2, 4, 8], cost: [1, 2, 4, 8].map { 3 * pow($0, exponent) }))
    #expect(abs(law.exponent - exponent) < 1e-12)
    #expect(abs(law.factor - 3) < 1e-12)
    #expect(abs(law.cost(16) - 3 * pow(16, exponent)) < 1e-9)
    #expect(law.n == 4)
  }

  @Test func hasNoneForTooLittle() {
    #expect(PowerLaw(work: [2, 2], cost: [1, 2]) == nil)
    #expect(PowerLaw(work: [1, 2], cost: [0, 2]) == nil)
    #expect(PowerLaw(work: [], cost: []) == nil)
  }
}

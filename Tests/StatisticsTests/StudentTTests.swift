import Statistics
import Testing

/// Against `scipy.stats.t` 1.17.
@Suite struct StudentTTests {
  @Test(arguments: [
    (0.975, 1, 12.706204736174694), (0.975, 2, 4.302652729749462), (0.975, 4, 2.7764451051977934),
    (0.975, 9, 2.262157162798205), (0.95, 4, 2.1318467863266495), (0.995, 29, 2.756385903670605),
    (0.975, 1000, 1.9623390808264083), (0.2, 4, -0.9409645772351811),
  ])
  func quantiles(p: Double, degrees: Int, expected: Double) {
    let found = StudentT.quantile(p, degrees: degrees)
    #expect(abs(found - expected) < 1e-9 * abs(expected), "\(found)")
    #expect(abs(StudentT.cumulative(found, degrees: degrees) - p) < 1e-12)
  }

  @Test func intervalsOfFewValuesAreWide() throws {
    let estimate = try #require(Descriptive.estimate([1, 2, 3, 4, 5]))
    let interval = try #require(estimate.studentInterval())
    // 3 ± 2.776 · √(2.5/5)
    #expect(abs(interval.upper - (3 + 2.7764451051977934 * 0.5.squareRoot())) < 1e-9)
    #expect(abs(interval.lower + interval.upper - 6) < 1e-12)
    #expect(Descriptive.estimate([1])?.studentInterval() == nil)
  }
}

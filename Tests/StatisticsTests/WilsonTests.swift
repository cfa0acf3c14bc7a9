import Statistics
import Testing

@Suite struct WilsonTests {
  @Test func knownIntervals() throws {
    // Newcombe 1998, table I, method 3 (score): 81/263, 15/148, 0/20, 1/29.
    for (successes, total, lower, upper) in [
      (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
    ] {
      let interval = try #require(Wilson.interval(successes: successes, total: total))
      #expect(abs(interval.lower - lower) < 5.1e-5)
      #expect(abs(interval.upper - upper) < 5.1e-5)
    }
  }

  @Test func endsAreExact() {
    #expect(Wilson.interval(successes: 0, total: 7)?.lower == 0)
    #expect(Wilson.interval(successes: 7, total: 7)?.upper == 1)
    #expect(Wilson.interval(successes: 0, total: 0) == nil)
  }

  @Test func aMetricSaysWhyItIsEmpty() {
    let metric = Wilson.metric("hostile_rate", successes: 0, total: 0, higherIsBetter: false)
    #expect(metric.value == nil && metric.reason == "nothing was counted" && metric.interval == nil)
    #expect(Wilson.metric("hostile_rate", successes: 1, total: 4).value == 0.25)
  }

  @Test func normalQuantiles() {
    #expect(abs(Normal.quantile(0.975) - 1.959963984540054) < 1e-14)
    #expect(abs(Normal.quantile(0.995) - 2.5758293035489004) < 1e-14)
    #expect(Normal.quantile(0.5).magnitude < 1e-15)
    #expect(abs(Normal.quantile(1e-10) + 6.361340902404056) < 1e-12)
    for p in [1e-6, 0.01, 0.2, 0.7, 0.999] { #expect(abs(Normal.cumulative(Normal.quantile(p)) - p) < 1e-15) }
  }

  @Test func aMetricRefusesNumbersThatAreNotFinite() {
    let metric = Metric(name: "x", value: .infinity, unit: "nats", n: 3)
    #expect(metric.value == nil && metric.reason == "the value is inf")
  }
}

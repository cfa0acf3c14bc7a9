import Runtime
import Statistics
import Testing

@Suite struct BootstrapTests {
  @Test func resamplesAreFunctionsOfSeedAndIndex() {
    let a = Bootstrap(count: 20, resamples: 10, seed: 5)
    let b = Bootstrap(count: 20, resamples: 10, seed: 5)
    #expect(a.weights(3) == b.weights(3))
    #expect(a.weights(3) != a.weights(4))
    #expect(Bootstrap(count: 20, seed: 6).weights(3) != a.weights(3))
    for index in 0..<10 { #expect(a.weights(index).reduce(0, +) == 20) }
  }

  @Test func groupsStayTogether() {
    let groups = ["a", "b", "a", "c", "b", "a"]
    let bootstrap = Bootstrap(count: 6, groups: groups, resamples: 50, seed: 1)
    #expect(bootstrap.groupCount == 3)
    for index in 0..<50 {
      let weights = bootstrap.weights(index)
      #expect(weights[0] == weights[2] && weights[0] == weights[5] && weights[1] == weights[4])
      #expect(weights[0] + weights[1] + weights[3] == 3)
    }
  }

  @Test func intervalOfAMeanAgreesWithTheNormalOne() throws {
    var random = CounterRandom(seed: 2)
    let values = (0..<400).map { _ in 3 + 2 * random.normal() }
    let bootstrap = try #require(Bootstrap(count: 400, resamples: 4000, seed: 9).mean(values))
    let normal = try #require(Descriptive.estimate(values)?.interval())
    #expect(abs(bootstrap.lower - normal.lower) < 0.02)
    #expect(abs(bootstrap.upper - normal.upper) < 0.02)
    #expect(bootstrap.method == "bootstrap percentile, 4000 resamples of 400 items")
  }

  @Test func coverageIsNearItsLevel() throws {
    var hits = 0
    for trial in 0..<300 {
      var random = CounterRandom(seed: UInt64(trial), stream: "coverage")
      let values = (0..<60).map { _ in random.normal() }
      let interval = try #require(
        Bootstrap(count: 60, resamples: 300, seed: UInt64(trial)).mean(values, level: 0.9))
      if interval.contains(0) { hits += 1 }
    }
    #expect((245...290).contains(hits))
  }

  @Test func dependentItemsNeedGroups() throws {
    var random = CounterRandom(seed: 4)
    let values = (0..<30).flatMap { _ in [Double](repeating: random.normal(), count: 10) }
    let alone = try #require(Bootstrap(count: 300, seed: 1).mean(values))
    let grouped = try #require(
      Bootstrap(count: 300, groups: (0..<300).map { $0 / 10 }, seed: 1).mean(values))
    #expect(grouped.upper - grouped.lower > 2.5 * (alone.upper - alone.lower))
  }

  @Test func aPairedDifferenceIsNarrowerThanItsParts() throws {
    var random = CounterRandom(seed: 8)
    let a = (0..<200).map { _ in 5 * random.normal() }
    let b = a.map { $0 + 0.5 + 0.1 * random.normal() }
    let bootstrap = Bootstrap(count: 200, seed: 3)
    let difference = try #require(
      bootstrap.difference(
        { Descriptive.mean(b, weights: $0) }, { Descriptive.mean(a, weights: $0) }))
    #expect(difference.lower > 0.45 && difference.upper < 0.55)
  }

  @Test func undefinedResamplesAreCountedOrRefused() throws {
    let labels = [true] + [Bool](repeating: false, count: 9)
    let auroc = AUROC(scores: (0..<10).map(Double.init), labels: labels)
    // The one positive is missing in (0.9)^10 = 35 % of the resamples.
    #expect(Bootstrap(count: 10, seed: 1).interval { auroc.value(weights: $0) } == nil)
    #expect(Bootstrap(count: 1).mean([2]) == nil)
    #expect(Bootstrap(count: 0).mean([]) == nil)
    let some = (0..<60).map { $0 % 20 == 0 }
    let rare = AUROC(scores: (0..<60).map { Double(($0 * 7) % 60) }, labels: some)
    let interval = try #require(Bootstrap(count: 60, seed: 1).interval { rare.value(weights: $0) })
    #expect(interval.method.contains("of them undefined"))
  }
}

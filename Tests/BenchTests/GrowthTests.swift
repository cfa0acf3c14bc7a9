import JSON
import Reports
import Runtime
import Testing
import Transformers

@testable import Bench

/// Growth curves, what counts as a finding, and estimates of larger models.
struct GrowthTests {
  private func curve(_ exponents: [Double], isJudged: Bool = true) -> GrowthCurve {
    // Work doubles; cost grows by the given exponent from point to point.
    var points = [GrowthCurve.Point(at: 1, work: 1, cost: 1, rate: 1, load: 1)]
    for exponent in exponents {
      let last = points[points.count - 1]
      var cost = last.cost * 2
      // 2^exponent for exponents 0, 1 and 2.
      if exponent == 0 { cost = last.cost }
      if exponent == 2 { cost = last.cost * 4 }
      points.append(
        .init(at: last.at * 2, work: last.work * 2, cost: cost, rate: last.work * 2 / cost, load: 1))
    }
    return GrowthCurve(
      name: "x", title: "X", of: "x", workUnit: "operations", rateUnit: "tokens/s", isJudged: isJudged,
      points: points)
  }

  @Test func whatCountsAsAFinding() {
    #expect(!curve([1, 1, 1, 1]).growsTooFast)
    #expect(curve([2, 2]).growsTooFast)
    #expect(!curve([2, 2], isJudged: false).growsTooFast)
    // Fixed costs hide it in the whole curve, not in its larger half.
    let late = curve([0, 0, 0, 0, 2, 2])
    #expect((late.exponent ?? 9) < 1 && (late.tailExponent ?? 0) > 1.5 && late.growsTooFast)
    #expect(GrowthCurve(name: "x", title: "", of: "", workUnit: "bytes", rateUnit: "").exponent == nil)
  }

  private static let estimates = GrowthEstimates(
    one: MachineRates(
      threads: 1, operationsPerSecond: 1e11, readBytesPerSecond: 1e10, hashBytesPerSecond: 1e9),
    all: MachineRates(
      threads: 2, operationsPerSecond: 1.9e11, readBytesPerSecond: 1.5e10, hashBytesPerSecond: 2e9))

  @Test func ratesOfOtherMachines() {
    let two = Self.estimates.rates(cores: 2), many = Self.estimates.rates(cores: 64)
    // Two cores are the machine itself.
    #expect(abs(two.operationsPerSecond - 1.9e11) < 1 && two.readBytesPerSecond == 1.5e10)
    #expect(many.operationsPerSecond > 5 * two.operationsPerSecond)
    #expect(many.operationsPerSecond < 64 * 1e11)
    #expect(many.readBytesPerSecond == GrowthEstimates.socketBytesPerSecond)
  }

  @Test func generationIsBoundByMemory() throws {
    let all = try Self.estimates.estimates()
    #expect(all.count == 16)
    let one = try #require(
      all.first { $0.model == "8 B" && $0.cores == 64 && $0.unit == "tokens" && $0.limit == "memory" })
    // 8.03 B parameters of two bytes once a token at 200 GB/s: 128 tokens take 10 s.
    #expect(one.seconds > 9.5 && one.seconds < 11)
    for model in ["8 B", "70 B"] {
      let states = all.filter { $0.model == model && $0.job.hasPrefix("hidden") }
      #expect(states.map(\.limit) == ["arithmetic", "arithmetic"] && states[1].seconds < states[0].seconds)
    }
  }

  @Test func thePageShowsEveryCurve() throws {
    var envelope = ReportEnvelope(kind: "bench.growth")
    envelope.results = [
      "machine": .object(MachineFacts().members), "rates": ["one_thread": Self.estimates.one.json],
      "tolerance": 0.1, "curves": .array([curve([1, 1]), curve([2, 2])].map(\.json)),
      "estimates": .array(try Self.estimates.estimates().map(\.json)),
      "assumptions": .strings(Self.estimates.assumptions),
    ]
    envelope.run.status = .ok
    envelope.run.exitCode = .done
    try SchemaRegistry.validate(envelope.json)
    let page = try HTMLReport.render(report: envelope.json)
    #expect(page.contains("It grows faster than its work.") && page.contains("work^1.00"))
    let table = try GrowthReport.table([curve([2, 2])]).text(.md, terminal: false)
    #expect(table.contains("GROWS TOO FAST"))
  }
}

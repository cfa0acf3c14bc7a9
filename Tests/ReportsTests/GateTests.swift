import Reports
import Runtime
import Statistics
import Testing

@Suite struct GateTests {
  let metrics = [
    Metric(
      name: "kl_mean", value: 0.02, unit: "nats", n: 100,
      interval: Interval(lower: 0.01, upper: 0.03, level: 0.95, method: "bootstrap")),
    Metric(name: "perplexity_rise", value: 0.023, unit: "fraction", n: 100),
    Metric(name: "share", value: 40, unit: "%", n: 10),
    Metric(name: "auroc", value: nil, unit: "AUROC", n: 3, reason: "one class only"),
  ]

  @Test(arguments: [
    ("kl_mean>0.05", true), ("kl_mean > 0.01", false), ("kl_mean>=0.02", false), ("kl_mean<=0.01", true),
    ("kl_mean==0.02", false), ("kl_mean!=0.02", true), ("kl_mean<1e-3", true), ("perplexity_rise>5%", true),
    ("perplexity_rise>2%", false), ("share>50%", true), ("share > 30 %", false), ("share>30", false),
    ("kl_mean.upper>0.025", false), ("kl_mean.lower>0.025", true), ("kl_mean>-1", false),
  ])
  func failIfComparesTheMetric(text: String, holds: Bool) throws {
    let outcome = try Gate(failIf: text).outcome(metrics)
    #expect(outcome.held == holds)
    #expect(outcome.reason == nil)
  }

  @Test func recipesSayWhatMustHold() throws {
    #expect(try Gate(metric: "perplexity_rise", requires: "<= 5%").outcome(metrics).held)
    #expect(try !Gate(metric: "perplexity_rise", requires: ">= 50%").outcome(metrics).held)
    #expect(try Gate(metric: "perplexity_rise", requires: "<= 5%").outcome(metrics).threshold == 0.05)
  }

  @Test func whatHasNoValueDoesNotHold() throws {
    let outcome = try Gate(failIf: "auroc<0.8").outcome(metrics)
    #expect(!outcome.held)
    #expect(outcome.reason == "one class only")
    let interval = try Gate(failIf: "perplexity_rise.upper>1").outcome(metrics)
    #expect(!interval.held)
    #expect(interval.reason == "the metric has no interval")
  }

  @Test func anUnknownMetricIsAUsageErrorWithASuggestion() throws {
    let gate = try Gate(failIf: "kl_men>0.05")
    let error = #expect(throws: ReportError.self) { try gate.outcome(metrics) }
    #expect(error?.exitCode == .usage)
    #expect(error?.suggestion == "did you mean kl_mean?")
    #expect(throws: ReportError.self) { try gate.check(known: metrics.map(\.name)) }
    try Gate(failIf: "kl_mean.lower>0.05").check(known: ["kl_mean"])
  }

  @Test(arguments: [
    "", "kl_mean", "kl_mean>", "kl_mean=3", ">3", "kl mean>3", "kl_mean>x", "kl_mean>nan", "a<=%", "a=>3",
    "a<<3",
  ])
  func refusesWhatIsNoGate(text: String) {
    #expect(throws: ReportError.self) { try Gate(failIf: text) }
  }
}

import JSON
import OrderedCollections
import Runtime
import Statistics
import Testing

@testable import Probing

@Suite struct LayerSweepTests {
  /// Texts whose class shows in sites from `onset` on, not in their words.
  static func toy(texts count: Int = 240, sites: Int = 5, onset: Int = 2, width: Int = 12) throws -> (
    LabelledTexts, [Features]
  ) {
    var random = CounterRandom(seed: 31, stream: "toy")
    let words = ["oak", "elm", "ash", "fir", "yew", "box", "bay", "fig"]
    let texts = try LabelledTexts(
      (0..<count).map { index in
        LabelledText(
          id: "\(index)", text: (0..<6).map { _ in random.pick(words) }.joined(separator: " ") + " \(index)",
          label: index % 2, group: "g\(index / 4)")
      })
    let hidden = (0..<width).map { _ in random.normal() }
    let features = try (0..<sites).map { site in
      try Features(
        site: "blocks.\(site).output",
        rows: texts.texts.map { text in
          let shift = site < onset ? 0.0 : (text.label == 1 ? 0.5 : -0.5)
          return (0..<width).map { Float(shift * hidden[$0] + random.normal()) }
        })
    }
    return (texts, features)
  }

  @Test func choosesTheEarliestGoodSite() throws {
    let (texts, features) = try Self.toy()
    let split = try Split(texts, seed: 3)
    var options = LayerSweep.Options()
    options.kinds = [("logistic", [:]), ("means", [:]), ("lda", [:])]
    options.resamples = 300
    let outcome = try LayerSweep.run(
      features.map { LayerSweep.Source($0) }, texts: texts, split: split, options: options)
    #expect(outcome.cells.count == 15 && outcome.agreements.count == 15)
    #expect(["blocks.2.output", "blocks.3.output", "blocks.4.output"].contains(outcome.best.site))
    for cell in outcome.cells {
      let auroc = try #require(cell.metrics.first { $0.name == "auroc" })
      let isGood = cell.site >= "blocks.2.output"
      let value = try #require(auroc.value)
      #expect(isGood ? value > 0.8 : abs(value - 0.5) < 0.25, "\(cell.site) \(cell.kind) \(value)")
      #expect(try #require(auroc.interval).contains(value))
      #expect(auroc.interval?.method.contains("groups") == true)
    }
    let names = outcome.testMetrics.map(\.name)
    #expect(names.starts(with: ["auroc", "balanced_accuracy", "accuracy", "majority_accuracy", "log_loss"]))
    let test = try #require(outcome.testMetrics.value("auroc"))
    #expect(test > 0.8)
    // Controls: permuted labels know nothing, words and length neither.
    #expect(outcome.controls.map(\.name) == ["shuffled_labels", "bag_of_words", "length"])
    let shuffled = try #require(outcome.controls[0].metrics.first)
    #expect(shuffled.interval?.contains(0.5) == true)
    #expect(try #require(outcome.controls[0].metrics.value("p")) < 0.06)
    for control in outcome.controls[1...] {
      let metric = try #require(control.metrics.first)
      #expect(metric.interval?.contains(0.5) == true, "\(control.name): \(metric)")
    }
    #expect(outcome.reason.contains(outcome.best.site))
  }

  @Test func testTextsChangeNothing() throws {
    let (texts, features) = try Self.toy(texts: 120, sites: 3, onset: 1)
    let split = try Split(texts, seed: 3)
    var options = LayerSweep.Options()
    options.resamples = 50
    options.permutations = 0
    options.textControls = false
    let first = try LayerSweep.run(
      features.map { LayerSweep.Source($0) }, texts: texts, split: split, options: options)
    // Other features for the test texts: choice, fits and validation numbers stay as they were.
    let spoiled = try features.map { site in
      try Features(
        site: site.site,
        rows: (0..<site.rows).map { row in
          split.test.contains(row) ? site.vector(row).map { -$0 } : site.vector(row)
        })
    }
    let second = try LayerSweep.run(
      spoiled.map { LayerSweep.Source($0) }, texts: texts, split: split, options: options)
    #expect(first.chosen == second.chosen)
    for (a, b) in zip(first.cells, second.cells) { #expect(a.fit == b.fit && a.metrics == b.metrics) }
    #expect(first.testMetrics != second.testMetrics)
  }

  private func cell(_ site: String, _ kind: String, _ value: Double, _ error: Double) -> LayerSweep.Cell {
    LayerSweep.Cell(
      site: site, kind: kind, fit: LinearFit(direction: [1], bias: 0),
      metrics: [
        Metric(name: "auroc", value: value, unit: "fraction", n: 9),
        Metric(name: "log_loss", value: 1 - value, unit: "nats", n: 9),
      ],
      standardError: error, trainAUROC: nil)
  }

  @Test func theOneStandardErrorRule() {
    let cells = [
      cell("a", "logistic", 0.80, 0.01), cell("a", "means", 0.899, 0.01), cell("b", "logistic", 0.895, 0.01),
      cell("b", "means", 0.7, 0.01), cell("c", "logistic", 0.90, 0.01), cell("c", "means", 0.85, 0.01),
    ]
    #expect(LayerSweep.choose(cells, .auroc).chosen == 2)  // within .01 of .90, same kind, earlier
    #expect(LayerSweep.choose(cells, .logLoss).chosen == 2)
    #expect(LayerSweep.choose(Array(cells[3...]), .auroc).chosen == 1)
    // Ties go to the earlier one.
    #expect(LayerSweep.choose([cell("a", "x", 1, 0), cell("b", "x", 1, 0)], .auroc).chosen == 0)
  }

  @Test func chosenSettingsAreFixedForControls() throws {
    let oracle = try ProbeOracle("tall")
    for name in ["logistic", "lda"] {
      let kind = try ProbeKind.named(name)
      let fit = try kind.fit(oracle.problem(), name == "lda" ? ["rule": .choice("validation")] : [:])
      let settings = fit.chosenSettings(kind, [:])
      let again = try kind.fit(oracle.problem(), settings)
      #expect(again.details["tried"] == nil)
      let cosine = try #require(LinearFit.cosine(fit.direction, again.direction))
      #expect(cosine > 0.9999)
    }
  }
}

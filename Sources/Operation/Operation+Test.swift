import Architectures
import Evaluation
import Runtime
import Statistics
import Surgery
import Tokenizers
import Transformers

/// Everything that was measured on test data, once, on the written checkpoint.
struct TestStage {
  /// One measured edit with its name.
  struct Entry {
    var name: String
    var draw = 0
    var strength: Double?
    var site: String?
    var measurement: EditMeasurement
  }
  var base: EditMeasurement
  var edited: EditMeasurement
  /// Greedy replies of both.
  var baseGreedy, editedGreedy: BehaviourRates
  /// Other kinds of prompts, base and edited.
  var others: [(name: String, base: BehaviourRates, edited: BehaviourRates)]
  /// Controls at the chosen edit's damage.
  var controls: [Entry]
  /// Ablation and addition of the same direction.
  var comparisons: [Entry]
  /// Behaviour rate when one block is left out of the edit.
  var leftOut: [Int: Double]
  /// Texts of the wanted kind: base and edited perplexity.
  var wantedTexts: Divergence?
}

extension Operation {
  /// Measures the written checkpoint, its controls and the comparisons on test prompts and texts.
  func testEdit(_ edit: EditStage, _ sweep: SweepStage, _ probes: ProbeStage) throws -> TestStage {
    guard let point = sweep.chosen, let arm = sweep.arm else {
      throw SurgeryError.nothingPasses(points: sweep.outcome.points.count, best: "none")
    }
    let panel = MeasurementPanel(
      target: try BehaviourTest(
        prompts: data.targetTest, tokenizer: tokenizer, judge: data.judge, options: generation),
      neutral: try DivergenceTest(model: base, texts: encode(data.neutralTest)),
      facts: data.factsTest.isEmpty ? nil : try ClozeTest(data.factsTest, tokenizer: tokenizer))
    let controls = try PlanSweep.controls(
      of: arm.plan, ranking: rankingOf(arm, sweep), draws: recipe.sweep.controls, seed: recipe.seed)
    let jobs = 6 + data.others.count + controls.count + arm.plan.blocks.count
    var done = 0
    func finished() {
      done += 1
      progress(ProgressEvent(stage: "test", completed: done, total: max(jobs, done), unit: "measurements"))
    }
    func measure(_ overlay: Overlay?, edited: Model? = nil) throws -> EditMeasurement {
      try Cancellation.check()
      defer { finished() }
      return try panel.measure(base, tokenizer: tokenizer, overlay: overlay, edited: edited)
    }

    let baseResult = try measure(nil)
    let editedResult = try measure(nil, edited: edit.edited)
    let greedy = SamplingOptions(temperature: 0)
    let baseGreedy = try panel.target.run(base, tokenizer: tokenizer, sampling: greedy)
    let editedGreedy = try panel.target.run(edit.edited, tokenizer: tokenizer, sampling: greedy)
    finished()
    let others = try data.others.map { name, prompts in
      let test = try BehaviourTest(
        prompts: prompts.map { PromptText($0) }, tokenizer: tokenizer, judge: data.judge, options: generation)
      defer { finished() }
      return (
        name: name, base: try test.run(base, tokenizer: tokenizer),
        edited: try test.run(edit.edited, tokenizer: tokenizer)
      )
    }

    // Equal damage is set on validation texts: the chosen point's KL there.
    let kl = point.summary.kl
    let neutral = sweep.panel.neutral
    let controlResults = try controls.map { control in
      let matched = try control.strength(
        atKL: kl, start: abs(point.strength), limit: 6 * abs(point.strength), model: base, neutral: neutral)
      return TestStage.Entry(
        name: control.kind.rawValue, draw: control.draw, strength: matched.strength,
        measurement: try measure(control.plan.overlay(strength: matched.strength, of: base)))
    }

    var leftOut: [Int: Double] = [:]
    for block in arm.plan.blocks {
      let plan = arm.plan.leavingOut(block: block)
      leftOut[block] = try sweep.panel.target.run(
        base, tokenizer: tokenizer, overlay: plan.overlay(strength: point.strength, of: base)
      ).rate(.behaviour)
      finished()
    }
    let comparisons = try self.comparisons(probes, neutral: neutral, kl: kl, measure)
    let wanted =
      data.wantedTexts.isEmpty
      ? nil
      : try DivergenceTest(model: base, texts: encode(data.wantedTexts)).compare(nil, in: edit.edited)
    return TestStage(
      base: baseResult, edited: editedResult, baseGreedy: baseGreedy, editedGreedy: editedGreedy,
      others: others,
      controls: controlResults, comparisons: comparisons, leftOut: leftOut, wantedTexts: wanted)
  }

  /// The ranking that a plan's rows were taken from; an ablation has none.
  private func rankingOf(_ arm: Sweep.Arm, _ sweep: SweepStage) throws -> Locate.Ranking? {
    guard let plan = arm.plan as? RowPlan else { return nil }
    guard let ranking = sweep.rankings["\(plan.space.rawValue)/\(arm.direction)"] else {
      throw SurgeryError.nothingPasses(points: 0, best: arm.name)
    }
    return ranking
  }

  /// Ablation and addition of the edit's own kind of direction, read in the residual stream where the layer curve's
  /// choice lies; addition at the damage of the chosen edit.
  private func comparisons(
    _ probes: ProbeStage, neutral: DivergenceTest, kl: Double,
    _ measure: (Overlay?, Model?) throws -> EditMeasurement
  ) throws -> [TestStage.Entry] {
    var entries: [TestStage.Entry] = []
    for direction in probes.residualDirections {
      let length = direction.vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let unit = direction.vector.map { Float(Double($0) / length) }
      entries.append(
        TestStage.Entry(
          name: "ablation (\(direction.name))", site: direction.site.description,
          measurement: try measure(Overlay.ablation(of: unit, blocks: base.network.blocks), nil)))
      func addition(_ factor: Double) -> Overlay {
        Overlay([.add(site: direction.site, vector: direction.vector.map { Float(-factor * Double($0)) })])
      }
      let factor = try Matching.factor(target: kl, start: 0.5, limit: 6) {
        try neutral.compare(addition($0)).meanKL
      }.factor
      entries.append(
        TestStage.Entry(
          name: "addition (\(direction.name))", strength: -factor, site: direction.site.description,
          measurement: try measure(addition(factor), nil)))
    }
    return entries
  }
}

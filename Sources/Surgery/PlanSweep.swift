import Evaluation
import JSON
import Runtime
import Tokenizers
import Transformers

/// A sweep of one plan over strengths and budgets, with controls at the chosen point's damage.
public struct PlanSweep: Sendable {
  /// What is measured on, and over what.
  public struct Options: Sendable {
    /// Strengths, ascending; negative ones turn the direction round.
    public var strengths: [Double] = [0.25, 0.5, 1]
    /// Budgets; empty takes the plan's own.
    public var budgets: [RowBudget] = []
    /// Limits of the chosen point.
    public var gates = Gates([])
    /// Draws of each random control; 0 makes none.
    public var controls = 8
    /// Points at most.
    public var maximumPoints = 40
    /// Seed of the controls.
    public var seed: UInt64 = 0

    /// The usual options.
    public init() {}
  }

  /// A control at the strength where it does the chosen point's damage.
  public struct ControlPoint: Sendable {
    /// The control.
    public let control: Control
    /// Its strength, and the KL reached there.
    public let strength, kl: Double
    /// What was measured.
    public let summary: EditSummary
  }

  /// What came out.
  public struct Outcome: Sendable {
    /// Points and choice.
    public let sweep: Sweep.Outcome
    /// Controls of the chosen point; empty where none passes.
    public let controls: [ControlPoint]
  }

  /// The panel of a behaviour test and neutral texts: the base's greedy replies are kept for their KL.
  /// - Throws: ``EvaluationError``, ``TransformerError``, ``Interrupted``.
  public static func panel(
    _ model: Model, target: BehaviourTest, neutral: [[Int32]], task: EvaluationMetric? = nil,
    progress: ProgressSink = ignoreProgress
  ) throws -> MeasurementPanel {
    var greedy = target.options
    greedy.sampling = SamplingOptions(temperature: 0)
    let replies = try model.generate(prompts: target.tokens, options: greedy, progress: progress)
    let texts = zip(target.tokens, replies).map { $0 + $1.tokens }
    let starts = target.tokens.map(\.count)
    let scored = zip(texts, starts).contains { $0.count > $1 }
    return MeasurementPanel(
      target: target, neutral: try DivergenceTest(model: model, texts: neutral),
      replies: scored ? try DivergenceTest(model: model, texts: texts, firstPredicted: starts) : nil,
      task: task)
  }

  /// The arms of a plan: one a budget; an ablation is one.
  /// - Throws: ``SurgeryError/budget(text:reason:)``.
  public static func arms(_ file: StoredPlan, options: Options) throws -> [Sweep.Arm] {
    let direction = file.provenance["probe"]?["kind"]?.string ?? "direction"
    switch file {
    case .rows(let file):
      return try (options.budgets.isEmpty ? [file.budget] : options.budgets).map { budget in
        Sweep.Arm(
          name: "\(file.ranking.space.rawValue)/\(budget)",
          plan: try file.ranking.plan(budget, selection: file.selection), strengths: options.strengths,
          direction: direction)
      }
    case .ablation:
      return [
        Sweep.Arm(
          name: "ablate/\(try file.plan(options.budgets.first).facts.space)", plan: try file.plan(),
          strengths: options.strengths, direction: direction)
      ]
    }
  }

  /// The controls of an arm.
  /// - Throws: ``SurgeryError/budget(text:reason:)``.
  public static func controls(
    of plan: any EditPlan, ranking: Locate.Ranking?, draws: Int, seed: UInt64
  ) throws -> [Control] {
    if let plan = plan as? Ablation { return Control.all(of: plan, draws: draws, seed: seed) }
    guard let plan = plan as? RowPlan, let ranking else { return [] }
    return try Control.all(of: plan, ranking: ranking, draws: draws, seed: seed)
  }

  /// Measures base, grid and controls; points in the log are read back.
  /// - Throws: ``SurgeryError``, ``TransformerError``, ``FileError``, ``Interrupted`` with every finished point kept.
  public static func run(
    _ model: Model, tokenizer: Tokenizer, plan file: StoredPlan, panel: MeasurementPanel, options: Options,
    log: SweepLog?, progress: ProgressSink = ignoreProgress
  ) throws -> Outcome {
    for gate in options.gates.gates where !panel.measures(gate.quantity) {
      throw SurgeryError.gateNotMeasured(gate.quantity)
    }
    let arms = try arms(file, options: options)
    let base: EditSummary
    if let known = log?.point(arm: "base", strength: 0) {
      base = known
    } else {
      base = try panel.measure(model, tokenizer: tokenizer, overlay: nil).summary
      try log?.add(arm: "base", strength: 0, base)
    }
    let outcome = try Sweep(arms: arms, gates: options.gates, maximumPoints: options.maximumPoints).run(
      model, tokenizer: tokenizer, panel: panel, base: base,
      known: { log?.point(arm: $0.name, strength: $1) },
      record: { try log?.add(arm: $0.name, strength: $1, $2) }, progress: progress)
    var controls: [ControlPoint] = []
    if let chosen = outcome.chosen, options.controls > 0 {
      let point = outcome.points[chosen]
      let plan = arms[point.arm].plan
      let ranking: Locate.Ranking? = if case .rows(let file) = file { file.ranking } else { nil }
      let all = try Self.controls(of: plan, ranking: ranking, draws: options.controls, seed: options.seed)
      for (done, control) in all.enumerated() {
        try Cancellation.check()
        let (strength, kl) = try control.strength(
          atKL: point.summary.kl, start: abs(point.strength), limit: 6 * abs(point.strength), model: model,
          neutral: panel.neutral)
        let name = "\(arms[point.arm].name)/\(control.kind.rawValue)/\(control.draw)"
        var summary = log?.point(arm: name, strength: strength)
        if summary == nil {
          let measured = try panel.measure(
            model, tokenizer: tokenizer, overlay: control.plan.overlay(strength: strength, of: model)
          ).summary
          try log?.add(arm: name, strength: strength, measured)
          summary = measured
        }
        if let summary {
          controls.append(ControlPoint(control: control, strength: strength, kl: kl, summary: summary))
        }
        progress(ProgressEvent(stage: "controls", completed: done + 1, total: all.count, unit: "controls"))
      }
    }
    return Outcome(sweep: outcome, controls: controls)
  }
}

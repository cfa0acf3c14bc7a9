import Architectures
import Evaluation
import JSON
import OrderedCollections
import Recipes
import Runtime
import Surgery
import Tokenizers
import Transformers

/// The swept edits and the one that was chosen, all on validation data.
struct SweepStage {
  /// Points, arms and choice.
  var outcome: Sweep.Outcome
  /// Rankings by space and direction kind, for controls.
  var rankings: [String: Locate.Ranking]
  /// What the points were measured on.
  var panel: MeasurementPanel

  /// The chosen point.
  var chosen: Sweep.Point? { outcome.chosen.map { outcome.points[$0] } }
  /// The chosen arm.
  var arm: Sweep.Arm? { chosen.map { outcome.arms[$0.arm] } }
}

extension Operation {
  /// Options of every generation: the recipe's temperature, the operation's seed.
  var generation: GenerationOptions {
    var stops = Set(base.network.eos.map(Int32.init))
    if let text = data.stopText { stops.formUnion(tokenizer.encode(text, addSpecialTokens: false).ids) }
    return GenerationOptions(
      maximumTokens: recipe.prompts.maximumTokens,
      sampling: SamplingOptions(temperature: recipe.prompts.temperature),
      seed: recipe.seed, stops: stops)
  }

  func encode(_ texts: [String]) -> [[Int32]] { texts.map { tokenizer.encode($0).ids } }
  func encode(_ prompts: [PromptText]) -> [[Int32]] { prompts.map { tokenizer.encode($0).ids } }

  /// Validation prompts, neutral texts, the base's greedy replies and facts.
  private func validationPanel() throws -> MeasurementPanel {
    let target = try BehaviourTest(
      prompts: data.targetValidation, tokenizer: tokenizer, judge: data.judge, options: generation)
    var greedy = generation
    greedy.sampling = SamplingOptions(temperature: 0)
    // The damage on the behaviour's own prompts is read off a part of them: it decides nothing.
    let prompts = Array(target.tokens.prefix(96))
    let replies = try base.generate(prompts: prompts, options: greedy)
    let texts = zip(prompts, replies).map { $0 + $1.tokens }
    let starts = prompts.map(\.count)
    let scored = zip(texts, starts).contains { $0.count > $1 }
    return MeasurementPanel(
      target: target, neutral: try DivergenceTest(model: base, texts: encode(data.neutralValidation)),
      replies: scored ? try DivergenceTest(model: base, texts: texts, firstPredicted: starts) : nil,
      facts: data.factsValidation.isEmpty ? nil : try ClozeTest(data.factsValidation, tokenizer: tokenizer))
  }

  /// Sweeps spaces × directions × rows × strengths and chooses; a finished point is read back, not measured again.
  func sweepEdits(_ probes: ProbeStage) throws -> SweepStage {
    let panel = try validationPanel()
    var arms: [Sweep.Arm] = []
    var rankings: [String: Locate.Ranking] = [:]
    let blocks = try recipe.locate.blocks.map { Set(try BlockRange.parse($0, blocks: base.network.blocks)) }
    for (place, kind) in recipe.probe.directions.enumerated() {
      for space in recipe.locate.spaces where recipe.locate.edits.contains(EditKind.addRows.name) {
        // Every space is tried with the first kind of direction, the other kinds in the first space only.
        guard place == 0 || space == recipe.locate.spaces[0] else { continue }
        let direction = try probes.direction(kind: kind, space: space)
        let ranking = try Locate.rank(base, direction, space: space, blocks: blocks, progress: progress)
        rankings["\(space.rawValue)/\(kind)"] = ranking
        for budget in recipe.sweep.rows
        where place == 0 && space == recipe.locate.spaces[0] || budget == middleBudget {
          arms.append(
            Sweep.Arm(
              name: "\(space.rawValue)/\(kind)/\(budget)", plan: try ranking.plan(budget),
              strengths: recipe.sweep.strengths, direction: kind))
        }
      }
      if recipe.locate.edits.contains(EditKind.ablate.name) {
        arms += try ablations(kind, probes, blocks: blocks)
      }
    }
    if recipe.sweep.mirror, let first = arms.first, let plan = first.plan as? RowPlan {
      arms.append(
        Sweep.Arm(
          name: "sign-flip/\(first.name)", plan: first.plan, strengths: recipe.sweep.strengths.map { -$0 },
          direction: first.direction))
      let swapped = try probes.direction(kind: first.direction, space: plan.space).reversed
      let ranking = try Locate.rank(base, swapped, space: plan.space, blocks: blocks)
      arms.append(
        Sweep.Arm(
          name: "class-swap/\(first.name)", plan: try ranking.plan(RowBudget(.count(plan.rows.count))),
          strengths: recipe.sweep.strengths, direction: first.direction))
    }
    let log = try SweepLog(path: folder.file("sweep.jsonl"), of: "operate")
    let baseSummary: EditSummary
    if let known = log.point(arm: "base", strength: 0) {
      baseSummary = known
    } else {
      baseSummary = try panel.measure(base, tokenizer: tokenizer).summary
      try log.add(arm: "base", strength: 0, baseSummary)
    }
    let outcome = try Sweep(arms: arms, gates: recipe.parsedGates(), maximumPoints: recipe.sweep.points).run(
      base, tokenizer: tokenizer, panel: panel, base: baseSummary,
      known: { log.point(arm: $0.name, strength: $1) },
      record: { try log.add(arm: $0.name, strength: $1, $2) }, progress: progress)
    return SweepStage(outcome: outcome, rankings: rankings, panel: panel)
  }

  /// The ablations of one kind of direction: an arm for each way of treating lengths.
  private func ablations(_ kind: String, _ probes: ProbeStage, blocks: Set<Int>?) throws -> [Sweep.Arm] {
    var options = Ablation.Options()
    options.writers = Set(recipe.locate.writers)
    options.blocks = blocks
    options.strengths = recipe.locate.blockStrengths
    return try recipe.locate.norms.map { norms in
      options.norms = norms
      return Sweep.Arm(
        name: "ablate/\(kind)/norms-\(norms.rawValue)",
        plan: try Ablation(base, probes.direction(kind: kind, space: .faithful), options),
        strengths: recipe.sweep.ablationStrengths, direction: kind)
    }
  }

  /// The budget that the other spaces and directions are tried with.
  private var middleBudget: RowBudget { recipe.sweep.rows[recipe.sweep.rows.count / 2] }
}

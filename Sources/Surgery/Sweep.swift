import Evaluation
import Runtime
import Tokenizers
import Transformers

/// Strength × rows at run time, weights untouched: coarse grid, then finer below the first strengths that pass.
public struct Sweep: Sendable {
  /// One way of editing whose strength is swept.
  public struct Arm: Sendable {
    /// Short unique name, such as `faithful/means/2%`.
    public var name: String
    /// Rows and directions.
    public var plan: any EditPlan
    /// Strengths to try, ascending; negative ones are the sign flip.
    public var strengths: [Double]
    /// The kind of direction, for the report.
    public var direction: String

    /// One arm.
    public init(name: String, plan: any EditPlan, strengths: [Double], direction: String) {
      self.name = name
      self.plan = plan
      self.strengths = strengths
      self.direction = direction
    }
  }

  /// One measured point.
  public struct Point: Sendable {
    /// Index of the arm.
    public let arm: Int
    /// Strength: fraction of the chosen rows' median length.
    public let strength: Double
    /// What was measured.
    public let summary: EditSummary
    /// Gates that were missed, with their values.
    public let missed: [(gate: Gates.Gate, value: Double)]

    /// Every gate holds.
    public var passes: Bool { missed.isEmpty }
  }

  /// The result of a sweep.
  public struct Outcome: Sendable {
    /// The unedited model on the same prompts and texts.
    public let base: EditSummary
    /// The arms.
    public let arms: [Arm]
    /// Points in the order in which they were measured.
    public let points: [Point]
    /// Index of the chosen point; nil where none passes.
    public let chosen: Int?

    /// Points that no other point beats in both effect (wanted rate) and damage (neutral KL).
    public var pareto: [Int] {
      points.indices.filter { index in
        let (effect, damage) = Self.axes(points[index])
        return !points.contains { other in
          let (otherEffect, otherDamage) = Self.axes(other)
          return otherEffect >= effect && otherDamage <= damage
            && (otherEffect > effect || otherDamage < damage)
        }
      }
    }

    /// The point that misses its gates by least, for the message when none passes.
    public var nearest: Point? {
      points.min { a, b in
        (a.missed.count, a.missed.reduce(0) { $0 + $1.gate.miss($1.value) })
          < (b.missed.count, b.missed.reduce(0) { $0 + $1.gate.miss($1.value) })
      }
    }

    private static func axes(_ point: Point) -> (effect: Double, damage: Double) {
      (point.summary.wanted, point.summary.kl)
    }
  }

  /// The arms.
  public var arms: [Arm]
  /// Limits that the chosen point must keep.
  public var gates: Gates
  /// Points at most, refinement included.
  public var maximumPoints: Int

  /// A sweep.
  public init(arms: [Arm], gates: Gates, maximumPoints: Int = 40) {
    self.arms = arms
    self.gates = gates
    self.maximumPoints = maximumPoints
  }

  /// Measures the grid, refines, and chooses.
  ///
  /// In each arm the smallest passing strength stands; of the arms, the one whose stands highest in wanted rate, and
  /// at equal rate lowest in neutral KL. Everything here is validation data.
  /// - Parameters:
  ///   - base: the unedited model on the same panel.
  ///   - known: a point of an earlier, interrupted run by arm and strength.
  ///   - record: called with every fresh point, so that it can be kept.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func run(
    _ model: Model, tokenizer: Tokenizer, panel: MeasurementPanel, base: EditSummary,
    known: (Arm, Double) -> EditSummary? = { _, _ in nil },
    record: (Arm, Double, EditSummary) throws -> Void = { _, _, _ in },
    progress: ProgressSink = ignoreProgress
  ) throws -> Outcome {
    var points: [Point] = []
    let planned = min(maximumPoints, arms.reduce(0) { $0 + $1.strengths.count } + arms.count)

    func measure(_ arm: Int, _ strength: Double) throws {
      try Cancellation.check()
      let summary: EditSummary
      if let earlier = known(arms[arm], strength) {
        summary = earlier
      } else {
        summary = try panel.measure(
          model, tokenizer: tokenizer, overlay: arms[arm].plan.overlay(strength: strength, of: model)
        ).summary
        try record(arms[arm], strength, summary)
      }
      points.append(
        Point(arm: arm, strength: strength, summary: summary, missed: gates.missed(summary, base: base)))
      progress(
        ProgressEvent(
          stage: "sweep", completed: points.count, total: max(planned, points.count), unit: "points"))
    }

    // Strength by strength over all arms, so that a short limit still sees every arm.
    let longest = arms.map(\.strengths.count).max() ?? 0
    for position in 0..<longest {
      for (index, arm) in arms.enumerated()
      where position < arm.strengths.count && points.count < maximumPoints {
        try measure(index, arm.strengths[position])
      }
    }
    for index in arms.indices where points.count < maximumPoints {
      if let middle = refinement(index, points) { try measure(index, middle) }
    }
    progress(ProgressEvent(stage: "sweep", completed: points.count, total: points.count, unit: "points"))
    return Outcome(base: base, arms: arms, points: points, chosen: choose(points))
  }

  /// Half-way between the smallest passing strength of an arm and the one below it.
  private func refinement(_ arm: Int, _ points: [Point]) -> Double? {
    let own = points.filter { $0.arm == arm }.sorted { abs($0.strength) < abs($1.strength) }
    guard let first = own.firstIndex(where: \.passes) else {
      // None passes: look between the last that is too weak and the first that does too much damage.
      guard own.count >= 2 else { return nil }
      let weak = own.lastIndex { point in
        point.missed.allSatisfy { [.behaviourDrop, .behaviourRate, .wantedGain].contains($0.gate.quantity) }
      }
      guard let weak, weak + 1 < own.count else { return nil }
      return (own[weak].strength + own[weak + 1].strength) / 2
    }
    return first == 0 ? nil : (own[first - 1].strength + own[first].strength) / 2
  }

  private func choose(_ points: [Point]) -> Int? {
    var standing: [Int] = []
    for arm in arms.indices {
      let passing = points.indices.filter { points[$0].arm == arm && points[$0].passes }
      if let smallest = passing.min(by: { abs(points[$0].strength) < abs(points[$1].strength) }) {
        standing.append(smallest)
      }
    }
    return standing.max { a, b in
      let (first, second) = (points[a].summary, points[b].summary)
      return (first.wanted, -first.kl, -a) < (second.wanted, -second.kl, -b)
    }
  }
}

import Evaluation
import OrderedCollections
import Runtime
import Statistics
import Tensors
import Transformers

/// What a model loses when a share of its weights is set to zero: the smallest, the largest, or random ones
/// (the importance study of SaRA, arXiv 2409.06633, section 3, by percentile and with both controls).
///
/// Weights go through masks at run time: no checkpoint is written, and every point has the bits of a checkpoint with
/// those zeros. Differences from the unchanged model are paired: both see the same resamples of documents.
public struct ImportanceCurve: Sendable {
  /// How a curve is drawn.
  public struct Options: Sendable {
    /// Shares of the weights that are set to zero, ascending, each in 0 < p < 1.
    public var shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    /// Which weights go.
    public var arms = CurveArm.allCases
    /// Which weights compete.
    public var group = ComparisonGroup.global
    /// The damage below which a share counts as free, in the metric's unit.
    public var epsilon = 0.1
    /// Resamples of the intervals.
    public var resamples = 1000
    /// Seed of the intervals and of random weights.
    public var seed: UInt64 = 0

    /// The usual options.
    public init() {}

    /// Reads shares such as `1,2,5,10%` (percent) or `0.01,0.02` (where all are below 1 and none has a %).
    /// - Throws: ``ImportanceError/sparsity(text:reason:)``.
    public static func shares(parsing text: String) throws(ImportanceError) -> [Double] {
      let words = text.split(separator: ",").map { $0.filter { $0 != " " && $0 != "%" } }
      let numbers = words.compactMap { Double($0) }
      guard numbers.count == words.count, !numbers.isEmpty else {
        throw .sparsity(text: text, reason: "no list of numbers")
      }
      let isPercent = text.contains("%") || numbers.contains { $0 >= 1 }
      let shares = Set(numbers.map { isPercent ? $0 / 100 : $0 }).sorted()
      guard shares.allSatisfy({ 0 < $0 && $0 < 1 }) else {
        throw .sparsity(text: text, reason: "outside 0…100 %, the ends excluded")
      }
      return shares
    }
  }

  /// One measurement.
  public struct Point: Sendable {
    /// Which weights went.
    public let arm: CurveArm
    /// The share that was asked for.
    public let share: Double
    /// Weights that were set to zero.
    public let removed: Int
    /// The metric's value.
    public let value: Double?
    /// What was lost against the unchanged model, in the metric's unit: positive is damage.
    public let damage: Double?
    /// Its interval, paired over items.
    public let interval: Interval?
  }

  /// The points of one part.
  public struct Curve: Sendable {
    /// The part.
    public let part: CurvePart
    /// Weights of its matrices.
    public let weights: Int
    /// The points: arm by arm, shares ascending.
    public let points: [Point]
    /// Where the damage starts.
    public let knee: Knee?

    /// The points of one arm.
    public func points(_ arm: CurveArm) -> [Point] { points.filter { $0.arm == arm } }
  }

  /// What ranked the weights.
  public let score: Score
  /// What was measured.
  public let metric: EvaluationMetric
  /// How.
  public let options: Options
  /// The unchanged model.
  public let base: MetricValues
  /// All matrices first, then the parts of the scopes that were asked for.
  public let curves: [Curve]

  /// Measures the curve of all matrices, and of each part of other scopes.
  /// - Parameters:
  ///   - model: the model; it is not changed.
  ///   - matrices: those that lose weights, in network order.
  ///   - score: what ranks the weights.
  ///   - metric: what is measured.
  ///   - scopes: parts beside ``CurveScope/whole``, which always comes first.
  ///   - base: the unchanged model's values, where they are known.
  ///   - evidence: what the score needs beside the weights.
  /// - Throws: ``ImportanceError``, ``TransformerError``, ``Interrupted``.
  /// - Complexity: one pass over the texts a share, arm and part; the memory of one bit a weight and one matrix.
  public init(
    _ model: Model, matrices: [PrunableMatrix], score: Score, metric: EvaluationMetric,
    scopes: [CurveScope] = [], options: Options = Options(), base: MetricValues? = nil,
    evidence: @escaping EvidenceSource = noEvidence, progress: ProgressSink = ignoreProgress
  ) throws {
    guard options.group.patternSparsity == nil else {
      throw ImportanceError.combination(
        what: "a curve with group \(options.group)", reason: "the pattern fixes the share",
        suggestion: "--group global, layer, tensor, row or column")
    }
    let parts = ([.whole] + scopes.filter { $0 != .whole }).flatMap { $0.parts(of: matrices) }
    let total = parts.count * options.arms.count * options.shares.count
    let base = try base ?? metric.measure(model)
    let bootstrap = Bootstrap(
      count: metric.items, resamples: options.resamples, seed: options.seed, stream: "curve")
    var done = 0
    let curves = try parts.map { part in
      let own = part.members.map { matrices[$0] }
      var points: [Point] = []
      for arm in options.arms {
        for share in options.shares {
          try Cancellation.check()
          let masks = try Self.masks(own, arm, share, score, options, evidence)
          let values = try metric.measure(model, overlay: masks.overlay)
          let damage = metric.damage(values, base: base)
          let interval =
            metric.higherIsBetter
            ? bootstrap.difference({ base.value($0) }, { values.value($0) })
            : bootstrap.difference({ values.value($0) }, { base.value($0) })
          points.append(
            Point(
              arm: arm, share: share, removed: masks.prunedCount, value: values.value(), damage: damage,
              interval: interval))
          done += 1
          progress(ProgressEvent(stage: "curve", completed: done, total: total, unit: "points"))
        }
      }
      return Curve(
        part: part, weights: own.reduce(0) { $0 + $1.count }, points: points,
        knee: options.arms.contains(.smallest)
          ? Knee(points.filter { $0.arm == .smallest }, epsilon: options.epsilon) : nil)
    }
    (self.score, self.metric, self.options, self.base, self.curves) = (score, metric, options, base, curves)
  }

  /// The masks of one point. The largest p are what remains when the smallest 1 − p are chosen.
  static func masks(
    _ matrices: [PrunableMatrix], _ arm: CurveArm, _ share: Double, _ score: Score, _ options: Options,
    _ evidence: @escaping EvidenceSource
  ) throws -> MaskSet {
    let score = arm == .random ? try Score(.random, seed: options.seed) : score
    let group = arm == .random ? .global : options.group
    let taken = arm == .largest ? 1 - share : share
    let counts = try Budget.uniform(taken).counts(for: matrices, group: group, evidence: evidence)
    let selection = try Selection(matrices, score: score, group: group, counts: counts, evidence: evidence)
    var masks = try selection.masks()
    if arm == .largest {
      for role in masks.masks.keys { masks[role] = masks[role]?.complement }
    }
    return masks
  }

  /// The curve of all matrices.
  public var whole: Curve { curves[0] }
}

import Architectures
import Glibc
import Layers
import Runtime
import Statistics
import Tensors
import Transformers

/// What a change did to next-token predictions, teacher-forced on fixed texts.
///
/// KL is KL(base‖changed) over the full vocabulary in f64, nats a token. Losses are natural logarithms.
public struct Divergence: Sendable {
  /// Summed negative log-likelihood a text, base and changed, nats.
  public let baseLosses, losses: [Double]
  /// Predicted tokens a text.
  public let counts: [Int]
  /// KL a predicted token.
  public let kl: [Double]
  /// Predicted tokens where base and changed put the same token first.
  public let agreements: Int
  /// Expected calibration error of the changed model's most likely token, 15 equal-width bins; and the base's.
  public let calibrationError, baseCalibrationError: Double

  /// Predicted tokens in all.
  public var tokens: Int { counts.reduce(0, +) }
  /// Perplexity of the base: exp of total loss over total tokens.
  public var basePerplexity: Double { exp(baseLosses.reduce(0, +) / Double(max(1, tokens))) }
  /// Perplexity of the changed model.
  public var perplexity: Double { exp(losses.reduce(0, +) / Double(max(1, tokens))) }
  /// (changed − base) / base.
  public var perplexityRise: Double { perplexity / basePerplexity - 1 }
  /// Mean KL a token, nats.
  public var meanKL: Double { kl.isEmpty ? 0 : kl.reduce(0, +) / Double(kl.count) }
  /// Share of tokens with the same top prediction.
  public var topAgreement: Double { tokens == 0 ? 1 : Double(agreements) / Double(tokens) }
  /// Mean loss a token of the changed model, nats.
  public var meanLoss: Double { losses.reduce(0, +) / Double(max(1, tokens)) }

  /// Quantile of the KL over tokens.
  public func klQuantile(_ q: Double) -> Double {
    guard !kl.isEmpty else { return 0 }
    let sorted = kl.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))]
  }
}

/// Texts on which changed models are compared with the base, with what of the base can be kept.
public final class DivergenceTest: @unchecked Sendable {
  /// Tokens of each text.
  public let texts: [[Int32]]
  /// First predicted token of each text (1 predicts everything after the first token).
  public let firstPredicted: [Int]
  private let model: Model
  private let runs: [Range<Int>]
  /// What the base's head reads, a run of texts each; kept while it stays within the limit.
  private var baseStates: [Tensor?]
  private var kept = 0

  /// Bytes of base states that are kept at most.
  private static let keepLimit = 128 << 20

  /// - Parameters:
  ///   - texts: tokens; texts longer than the context are cut.
  ///   - firstPredicted: where predictions start in each text, for scoring replies only.
  /// - Throws: ``EvaluationError/nothingToMeasure(what:)``.
  public init(model: Model, texts: [[Int32]], firstPredicted: [Int]? = nil) throws {
    let context = model.network.contextLength
    let cut = texts.map { Array($0.prefix(context)) }
    let starts = firstPredicted ?? cut.map { _ in 1 }
    let usable = zip(cut, starts).filter { $0.0.count > $0.1 }
    guard !usable.isEmpty else {
      throw EvaluationError.nothingToMeasure(what: "text with a token to predict")
    }
    self.model = model
    self.texts = usable.map(\.0)
    self.firstPredicted = usable.map { max(1, $0.1) }
    self.runs = Batch.cut(self.texts, tokens: Model.defaultBatchTokens)
    self.baseStates = runs.map { _ in nil }
  }

  /// Compares an overlay, or another checkpoint of the same shape, with the base; neither gives the base against
  /// itself.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func compare(
    _ overlay: Overlay?, in other: Model? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> Divergence {
    let changedModel = overlay == nil ? other : other ?? model
    var tally = Tally(texts: texts.count)
    for (number, run) in runs.enumerated() {
      try Cancellation.check()
      let base = try baseStates(number)
      let changed = try changedModel?.finalStates(Array(texts[run]), overlay: overlay)
      var row = 0
      for text in run {
        let tokens = texts[text]
        let first = firstPredicted[text]
        let rows = (row + first - 1)..<(row + tokens.count - 1)
        row += tokens.count
        try score(
          text: text, rows: rows, targets: tokens[first...], base: base, changed: changed, changedModel,
          overlay, &tally)
      }
      progress(ProgressEvent(stage: "compare", completed: run.upperBound, total: texts.count, unit: "texts"))
    }
    return tally.divergence()
  }

  private func baseStates(_ run: Int) throws -> Tensor {
    if let states = baseStates[run] { return states }
    let states = try model.finalStates(Array(texts[runs[run]]))
    if kept + states.byteCount <= Self.keepLimit {
      kept += states.byteCount
      baseStates[run] = states
    }
    return states
  }

  /// Scores one text in pieces, so that the logits of a large vocabulary stay small.
  private func score(
    text: Int, rows: Range<Int>, targets: ArraySlice<Int32>, base: Tensor, changed: Tensor?,
    _ changedModel: Model?, _ overlay: Overlay?, _ tally: inout Tally
  ) throws {
    let piece = max(1, (8 << 20) / (4 * model.network.vocabulary))
    let targets = Array(targets)
    var start = rows.lowerBound
    while start < rows.upperBound {
      let part = start..<min(rows.upperBound, start + piece)
      let baseLogits = try model.logits(of: base, rows: part)
      let logits = try changed.flatMap { try changedModel?.logits(of: $0, rows: part, overlay: overlay) }
      let offset = start - rows.lowerBound
      let scores = TokenScore.all(
        base: baseLogits, changed: logits ?? baseLogits,
        targets: Array(targets[offset..<(offset + part.count)]),
        same: logits == nil)
      tally.add(scores, text: text)
      start = part.upperBound
    }
  }
}

/// What one predicted token contributes.
struct TokenScore: Sendable {
  var baseLoss = 0.0
  var loss = 0.0
  var kl = 0.0
  var agrees = false
  var confidence = 0.0
  var correct = false
  var baseConfidence = 0.0
  var baseCorrect = false

  /// Scores of some rows of logits `[rows, V]`, in parallel; every row by itself, so the result is the same on any
  /// number of threads.
  static func all(base: Tensor, changed: Tensor, targets: [Int32], same: Bool) -> [TokenScore] {
    let width = base.rowCount
    let slots = Slots(repeating: TokenScore(), count: targets.count)
    Parallel.forEach(targets.count, grain: 4) { range in
      for row in range {
        slots[row] = TokenScore(
          base: base.f32 + row * width, changed: changed.f32 + row * width, width: width,
          target: Int(targets[row]),
          same: same)
      }
    }
    return slots.values
  }

  private init() {}

  private init(
    base: UnsafePointer<Float>, changed: UnsafePointer<Float>, width: Int, target: Int, same: Bool
  ) {
    let base = UnsafeBufferPointer(start: base, count: width)
    let changed = UnsafeBufferPointer(start: changed, count: width)
    let baseBest = Softmax.argmax(base)
    let baseSum = Softmax.logSumExp(base)
    baseLoss = baseSum - Double(base[target])
    baseConfidence = exp(Double(base[baseBest]) - baseSum)
    baseCorrect = baseBest == target
    guard !same else {
      (loss, agrees, confidence, correct) = (baseLoss, true, baseConfidence, baseCorrect)
      return
    }
    let best = Softmax.argmax(changed)
    let sum = Softmax.logSumExp(changed)
    loss = sum - Double(changed[target])
    agrees = best == baseBest
    confidence = exp(Double(changed[best]) - sum)
    correct = best == target
    kl = Softmax.divergence(base, changed)
  }
}

/// Sums over the tokens of all texts.
struct Tally {
  var baseLosses, losses: [Double]
  var counts: [Int]
  var kl: [Double] = []
  var agreements = 0
  var calibration = CalibrationBins(count: 15)
  var baseCalibration = CalibrationBins(count: 15)

  init(texts: Int) {
    baseLosses = Array(repeating: 0, count: texts)
    losses = baseLosses
    counts = Array(repeating: 0, count: texts)
  }

  mutating func add(_ scores: [TokenScore], text: Int) {
    for score in scores {
      baseLosses[text] += score.baseLoss
      losses[text] += score.loss
      kl.append(score.kl)
      if score.agrees { agreements += 1 }
      calibration.add(confidence: score.confidence, correct: score.correct)
      baseCalibration.add(confidence: score.baseConfidence, correct: score.baseCorrect)
    }
    counts[text] += scores.count
  }

  func divergence() -> Divergence {
    Divergence(
      baseLosses: baseLosses, losses: losses, counts: counts, kl: kl, agreements: agreements,
      calibrationError: calibration.error, baseCalibrationError: baseCalibration.error)
  }
}

/// Equal-width bins of confidence, filled one prediction at a time.
struct CalibrationBins {
  private var confidences, hits: [Double]
  private var total = 0.0

  init(count: Int) {
    confidences = Array(repeating: 0, count: count)
    hits = confidences
  }

  mutating func add(confidence: Double, correct: Bool) {
    let bin = min(confidences.count - 1, max(0, Int(confidence * Double(confidences.count))))
    confidences[bin] += confidence
    if correct { hits[bin] += 1 }
    total += 1
  }

  /// Σ |hits − confidence| / n, the expected calibration error.
  var error: Double {
    total == 0 ? 0 : zip(confidences, hits).reduce(0) { $0 + abs($1.0 - $1.1) } / total
  }
}

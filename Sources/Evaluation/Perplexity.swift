import Architectures
import Glibc
import Runtime
import Statistics
import Tensors
import Tokenizers
import Transformers

/// Perplexity of documents under one model, or of a model against a reference in the same pass.
///
/// Total loss over total predicted tokens. A document longer than the window is cut into windows that start every
/// `stride` tokens; a token is predicted once, in the first window that reaches it, from what the window holds before
/// it. The first token of a document is never predicted.
public struct PerplexityTest: Sendable {
  /// Everything the number depends on beside model and texts.
  public struct Options: Sendable, Equatable {
    /// Tokens that a window holds; nil is the model's context.
    public var window: Int?
    /// Tokens from the start of a window to that of the next; nil is the window, without overlap.
    public var stride: Int?
    /// Whether documents get the tokenizer's special tokens (BOS where the tokenizer has it).
    public var addSpecialTokens = true
    /// Tokens of a document at most; the rest is cut off. Nil keeps all.
    public var cut: Int?

    /// The usual options.
    public init() {}
  }

  /// A model, with a change at run time where wanted.
  public struct Side: Sendable {
    /// The model.
    public var model: Model
    /// The change.
    public var overlay: Overlay?

    /// One side.
    public init(_ model: Model, overlay: Overlay? = nil) {
      self.model = model
      self.overlay = overlay
    }
  }

  /// A stretch of a document that goes through the model at once.
  struct Window: Sendable {
    var document: Int
    var tokens: [Int32]
    /// First token of the window that is predicted in it.
    var first: Int
  }

  /// The options with nothing left open.
  public let window, stride: Int
  /// Number of documents, and those of them without a token to predict.
  public let documents, skipped: Int
  /// Tokens in all, and those cut off.
  public let tokens, cutOff: Int
  /// Number of windows.
  public var windowCount: Int { windows.count }
  /// Predicted tokens.
  public var predicted: Int { windows.reduce(0) { $0 + $1.tokens.count - $1.first } }
  /// Whether a document begins with the tokenizer's BOS.
  public let beginsWithBOS: Bool
  /// UTF-8 bytes of all texts (what was cut off included).
  public let bytes: Int
  let windows: [Window]

  /// Encodes and cuts the documents once.
  /// - Throws: ``EvaluationError``.
  public init(_ texts: [String], tokenizer: Tokenizer, contextLength: Int, options: Options = Options())
    throws
  {
    let window = min(options.window ?? contextLength, contextLength)
    let stride = min(options.stride ?? window, window)
    guard window >= 2, stride >= 1 else {
      throw EvaluationError.window(window: window, stride: stride, context: contextLength)
    }
    if let asked = options.window, asked > contextLength {
      throw EvaluationError.window(window: asked, stride: stride, context: contextLength)
    }
    var windows: [Window] = []
    var (skipped, tokens, cutOff) = (0, 0, 0)
    var bos = false
    for (index, text) in texts.enumerated() {
      let ids = tokenizer.encode(text, addSpecialTokens: options.addSpecialTokens).ids
      let kept = Array(ids.prefix(options.cut ?? .max))
      (tokens, cutOff) = (tokens + kept.count, cutOff + ids.count - kept.count)
      if let first = kept.first, first == tokenizer.bos, options.addSpecialTokens { bos = true }
      let own = Self.windows(kept, document: index, window: window, stride: stride)
      if own.isEmpty { skipped += 1 }
      windows += own
    }
    guard !windows.isEmpty else {
      throw EvaluationError.nothingToMeasure(what: "text with a token to predict")
    }
    (self.window, self.stride, self.windows) = (window, stride, windows)
    (self.documents, self.skipped, self.tokens, self.cutOff) = (texts.count, skipped, tokens, cutOff)
    beginsWithBOS = bos
    bytes = texts.reduce(0) { $0 + $1.utf8.count }
  }

  /// The windows of one document; none where there is nothing to predict.
  static func windows(_ ids: [Int32], document: Int, window: Int, stride: Int) -> [Window] {
    var windows: [Window] = []
    var (start, reached) = (0, 1)
    while reached < ids.count {
      let end = min(ids.count, start + window)
      // Without overlap a window's first token has nothing before it: it stays unpredicted.
      let first = max(reached - start, 1)
      if end - start > first {
        windows.append(Window(document: document, tokens: Array(ids[start..<end]), first: first))
      }
      reached = end
      start += stride
      if end == ids.count { break }
    }
    return windows
  }

  /// Runs all windows; with a reference, KL(reference‖side) is measured in the same pass.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func run(_ side: Side, reference: Side? = nil, progress: ProgressSink = ignoreProgress) throws
    -> Divergence
  {
    try run(side, reference: reference, progress: progress) { _, _ in }
  }

  /// A stretch of predicted tokens of one document.
  struct Stretch {
    /// Which document.
    let document: Int
    /// The tokens, and the changed model's logits `[tokens, V]` for them.
    let targets: [Int32], logits: Tensor
  }

  /// The same, showing the scores of every stretch of predicted tokens.
  func run(
    _ side: Side, reference: Side?, progress: ProgressSink, _ body: ([TokenScore], Stretch) -> Void
  ) throws -> Divergence {
    var tally = Tally(texts: documents)
    let runs = Batch.cut(windows.map(\.tokens), tokens: Model.defaultBatchTokens)
    let width = side.model.network.vocabulary
    let piece = max(1, (8 << 20) / (4 * width))
    for run in runs {
      try Cancellation.check()
      let texts = windows[run].map(\.tokens)
      let states = try side.model.finalStates(texts, overlay: side.overlay)
      let others = try reference.map { try $0.model.finalStates(texts, overlay: $0.overlay) }
      var row = 0
      for index in run {
        let window = windows[index]
        var start = window.first
        while start < window.tokens.count {
          let part = start..<min(window.tokens.count, start + piece)
          let rows = (row + part.lowerBound - 1)..<(row + part.upperBound - 1)
          let logits = try side.model.logits(of: states, rows: rows, overlay: side.overlay)
          var base = logits
          if let reference, let others {
            base = try reference.model.logits(of: others, rows: rows, overlay: reference.overlay)
          }
          let stretch = Stretch(
            document: window.document, targets: Array(window.tokens[part]), logits: logits)
          let scores = TokenScore.all(
            base: base, changed: logits, targets: stretch.targets, same: reference == nil)
          tally.add(scores, text: window.document)
          body(scores, stretch)
          start = part.upperBound
        }
        row += window.tokens.count
      }
      progress(
        ProgressEvent(stage: "perplexity", completed: run.upperBound, total: windows.count, unit: "windows"))
    }
    return tally.divergence()
  }
}

extension Divergence {
  /// The perplexity with an interval over documents; `prefix` names it in reports.
  public func perplexityMetrics(reference: Bool, bytes: Int, seed: UInt64) -> [Metric] {
    let bootstrap = Bootstrap(count: counts.count, seed: seed, stream: "perplexity")
    let sizes = counts.map(Double.init)
    func ratio(_ sums: [Double], _ weights: [Double]) -> Double? {
      let total = zip(sizes, weights).reduce(0) { $0 + $1.0 * $1.1 }
      return total == 0 ? nil : zip(sums, weights).reduce(0) { $0 + $1.0 * $1.1 } / total
    }
    func metric(_ name: String, _ unit: String, _ value: Double, _ of: @escaping ([Double]) -> Double?)
      -> Metric
    {
      Metric(
        name: name, value: value, unit: unit, n: counts.count { $0 > 0 }, higherIsBetter: false,
        interval: bootstrap.interval(of))
    }
    var metrics = [
      metric("perplexity", "perplexity", perplexity) { ratio(losses, $0).map(exp) },
      metric("loss", "nats", meanLoss) { ratio(losses, $0) },
      Metric(
        name: "bits_per_byte", value: losses.reduce(0, +) / log(2) / Double(max(1, bytes)), unit: "bits",
        n: counts.count, higherIsBetter: false),
      Metric(
        name: "calibration_error", value: calibrationError, unit: "fraction", n: counts.count,
        higherIsBetter: false),
    ]
    guard reference else { return metrics }
    var (start, klSums) = (0, [Double]())
    for count in counts {
      klSums.append(kl[start..<(start + count)].reduce(0, +))
      start += count
    }
    metrics += [
      metric("reference_perplexity", "perplexity", basePerplexity) { ratio(baseLosses, $0).map(exp) },
      metric("perplexity_rise", "fraction", perplexityRise) { weights in
        guard let own = ratio(losses, weights), let base = ratio(baseLosses, weights) else { return nil }
        return exp(own - base) - 1
      },
      metric("kl_mean", "nats", meanKL) { ratio(klSums, $0) },
      Metric(
        name: "top_agreement", value: topAgreement, unit: "fraction", n: counts.count, higherIsBetter: true),
    ]
    return metrics
  }
}

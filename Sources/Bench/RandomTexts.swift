import Architectures
import Runtime
import Tensors
import Transformers

/// Texts of random tokens, and the passes over them that stages, comparisons and growth curves time.
struct RandomTexts {
  /// The model that reads them.
  let model: Model
  /// The texts, `count` of `length` tokens.
  let texts: [[Int32]]

  /// Some texts of one length.
  init(_ model: Model, count: Int, length: Int) {
    var random = CounterRandom(seed: 0, stream: "bench-tokens")
    self.model = model
    texts = (0..<count).map { _ in
      (0..<length).map { _ in Int32(random.below(model.network.vocabulary)) }
    }
  }

  /// All tokens.
  var tokens: Int { texts.reduce(0) { $0 + $1.count } }

  /// Hidden states of every block's output, and of the final norm where there is one, of which each text's last token
  /// is kept; no head.
  func hiddenStates() throws {
    let network = model.network
    var sites = (0..<network.blocks).map { Site.blockOutput($0) }
    if network.hasFinalNorm { sites.append(.finalNorm) }
    var kept: [Float] = []
    kept.reserveCapacity(sites.count * texts.count * network.width)
    try model.observe(texts, sites: sites) { _, batch, _, rows, width in
      for segment in batch.segments {
        kept.append(
          contentsOf: UnsafeBufferPointer(start: rows + (segment.rows.upperBound - 1) * width, count: width))
      }
    }
  }

  /// Times ``hiddenStates()``; one pass before maps the weights and starts the pool.
  func measureForward(_ watch: inout Stopwatch, runs: Int) throws {
    try hiddenStates()
    try watch.measure(
      "forward", "\(texts.count)×\(texts[0].count)", amount: Double(tokens), unit: "tokens", runs: runs,
      bound: Bounds.forward, hiddenStates)
  }

  /// Times continuing every text by `new` tokens; with an edit in passing where there is an overlay.
  func measureGeneration(_ watch: inout Stopwatch, new: Int, runs: Int, overlay: Overlay? = nil) throws {
    let options = GenerationOptions(maximumTokens: new, stops: [])
    _ = try watch.measure(
      overlay == nil ? "generate" : "generate with overlay", "\(texts.count)×\(new)",
      amount: Double(texts.count * new), unit: "tokens", runs: runs, bound: Bounds.forward
    ) { try model.generate(prompts: texts, options: options, overlay: overlay) }
  }
}

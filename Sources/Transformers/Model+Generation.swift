import Architectures
import Layers
import Runtime
import Tensors

/// How texts are continued.
public struct GenerationOptions: Sendable {
  /// New tokens at most.
  public var maximumTokens: Int
  /// How a token is chosen.
  public var sampling: SamplingOptions
  /// Seed; every prompt draws from a stream of its own, numbered by its place in the list.
  public var seed: UInt64
  /// Tokens that end a text (they are kept out of the result); nil takes those of the config.
  public var stops: Set<Int32>?
  /// Texts that are continued side by side; the result does not depend on it.
  public var batchSize: Int

  /// Options of generation.
  public init(
    maximumTokens: Int = 64, sampling: SamplingOptions = SamplingOptions(), seed: UInt64 = 0,
    stops: Set<Int32>? = nil, batchSize: Int = 256
  ) {
    self.maximumTokens = maximumTokens
    self.sampling = sampling
    self.seed = seed
    self.stops = stops
    self.batchSize = batchSize
  }
}

/// One continuation.
public struct Generated: Sendable, Equatable {
  /// Why it ended.
  public enum Ending: String, Sendable {
    /// A stop token came.
    case stop
    /// The limit of new tokens was reached.
    case length
    /// The model's context was full.
    case context
  }
  /// New tokens without the stop token.
  public var tokens: [Int32]
  /// The stop token, where one came.
  public var stop: Int32?
  /// Why it ended.
  public var ending: Ending
}

extension Model {
  /// Continues prompts with a key-value cache. The bits of a step are those of a full forward pass.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func generate(
    prompts: [[Int32]], options: GenerationOptions, overlay: Overlay? = nil,
    progress: ProgressSink = ignoreProgress
  ) throws -> [Generated] {
    try check(prompts)
    try requireHead()
    let placed = try PlacedOverlay(overlay, model: self)
    let random = CounterRandom(seed: options.seed, stream: "generate")
    var results: [Generated] = []
    for start in stride(from: 0, to: prompts.count, by: max(1, options.batchSize)) {
      try Cancellation.check()
      let range = start..<min(prompts.count, start + max(1, options.batchSize))
      var group = GenerationGroup(
        model: self, prompts: Array(prompts[range]), randoms: range.map { random.stream(UInt64($0)) },
        options: options, overlay: placed)
      try group.run()
      results += group.results
      progress(
        ProgressEvent(stage: "generate", completed: range.upperBound, total: prompts.count, unit: "texts"))
    }
    return results
  }
}

/// Prompts that are continued side by side.
private struct GenerationGroup {
  let model: Model
  let options: GenerationOptions
  let overlay: PlacedOverlay?
  let stops: Set<Int32>
  private let prompts: [[Int32]]
  private var randoms: [CounterRandom]
  private var caches: [KeyValueCache]
  private var limits: [Int]
  private(set) var results: [Generated]

  init(
    model: Model, prompts: [[Int32]], randoms: [CounterRandom], options: GenerationOptions,
    overlay: PlacedOverlay?
  ) {
    let network = model.network
    self.model = model
    self.options = options
    self.overlay = overlay
    self.stops = options.stops ?? Set(network.eos.map(Int32.init))
    self.prompts = prompts
    self.randoms = randoms
    // The last new token is drawn from a full context and need not fit into it.
    limits = prompts.map { min(options.maximumTokens, network.contextLength + 1 - $0.count) }
    caches = zip(prompts, limits).map { prompt, limit in
      KeyValueCache(
        blocks: network.blocks, width: network.keyValueHeads * network.headSize,
        capacity: prompt.count + max(0, limit))
    }
    results = limits.map { limit in
      Generated(tokens: [], stop: nil, ending: limit < options.maximumTokens ? .context : .length)
    }
  }

  mutating func run() throws {
    var active = limits.indices.filter { limits[$0] > 0 }
    guard !active.isEmpty else { return }
    // The prompts may be many tokens: they go through in pieces of a batch's size.
    let first = active.map { prompts[$0] }
    var chosen: [Int32] = []
    for piece in Batch.cut(first, tokens: Model.defaultBatchTokens) {
      let members = Array(active[piece])
      chosen += try step(members, Batch(first[piece]))
    }
    while true {
      var going: [Int] = []
      var tokens: [Int32] = []
      for (index, token) in zip(active, chosen) {
        if stops.contains(token) {
          results[index].stop = token
          results[index].ending = .stop
          continue
        }
        results[index].tokens.append(token)
        guard results[index].tokens.count < limits[index] else { continue }
        going.append(index)
        tokens.append(token)
      }
      active = going
      if active.isEmpty { return }
      chosen = try step(active, Batch(tokens.map { [$0] }, past: active.map { caches[$0].count }))
    }
  }

  /// Runs the batch of some members and draws each one's next token.
  private mutating func step(_ members: [Int], _ batch: Batch) throws -> [Int32] {
    let network = model.network
    let workspace = Workspace(network, rows: batch.tokens.count)
    let caches = members.map { self.caches[$0] }
    let pass = ForwardPass(
      model: model, batch: batch, workspace: workspace, overlay: overlay, observed: [], observer: nil,
      caches: caches)
    try pass.run(through: network.blocks - 1, finalNorm: true)
    for (cache, segment) in zip(caches, batch.segments) { cache.advance(by: segment.rows.count) }
    let last = Tensor(zeros: [members.count, network.width])
    for (row, segment) in batch.segments.enumerated() {
      (last.f32 + row * network.width).update(
        from: workspace.normed.f32 + (segment.rows.upperBound - 1) * network.width, count: network.width)
    }
    try model.requireFinite(last)
    let logits = Tensor(zeros: [members.count, network.vocabulary])
    model.logits(logits.f32, last.f32, rows: members.count, overlay: overlay)
    let draws = Slots(members.map { randoms[$0] })
    let chosen = Slots(repeating: Int32(0), count: members.count)
    let (sampling, count) = (options.sampling, network.vocabulary)
    Parallel.forEach(members.count, grain: 8) { range in
      for row in range {
        chosen[row] = Sampler.pick(logits.f32 + row * count, count: count, sampling, &draws[row])
      }
    }
    for (row, member) in members.enumerated() { randoms[member] = draws[row] }
    return chosen.values
  }
}

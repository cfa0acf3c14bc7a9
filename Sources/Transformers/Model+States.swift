import Architectures
import Checkpoints
import Layers
import Tensors

/// Hidden states and logits of some texts.
public struct Pass: Sendable {
  /// Logits of each text, `[T, V]` (or `[1, V]` of its last token); empty when none were asked for.
  public let logits: [Tensor]
  /// Hidden states of each text at each site, `[T, width]`.
  public let states: [Site: [Tensor]]
}

extension Model {
  /// Which logits a pass makes.
  public enum LogitRows: Sendable {
    /// None: the pass stops after the last wanted site.
    case none
    /// Those of each text's last token.
    case last
    /// All.
    case all
  }

  /// Runs texts and keeps what is asked for in memory; for many texts use ``observe(_:sites:overlay:batchTokens:_:)``.
  ///
  /// `tokenTypes` is a type a token for networks with a table of them (the second of two texts is of type 1 in BERT);
  /// nil is type 0 everywhere.
  /// - Throws: ``TransformerError``.
  public func forward(
    _ texts: [[Int32]], capture sites: [Site] = [], logits: LogitRows = .all, overlay: Overlay? = nil,
    tokenTypes: [[Int32]]? = nil
  ) throws -> Pass {
    try check(texts)
    try check(sites: sites)
    if let tokenTypes { try check(tokenTypes: tokenTypes, of: texts) }
    if case .none = logits {} else { try requireHead() }
    var states: [Site: [Tensor]] = [:]
    var allLogits: [Tensor] = []
    let placed = try PlacedOverlay(overlay, model: self)
    let wantsLogits = if case .none = logits { false } else { true }
    for run in Batch.cut(texts, tokens: wantsLogits ? Self.defaultBatchTokens : batchTokens) {
      let batch = Batch(texts[run], tokenTypes: tokenTypes.map { Array($0[run]) })
      let workspace = Workspace(network, rows: batch.tokens.count)
      let pass = ForwardPass(
        model: self, batch: batch, workspace: workspace, overlay: placed, observed: Set(sites),
        observer: { site, rows, width in
          for segment in batch.segments {
            let copy = Tensor(zeros: [segment.rows.count, width])
            copy.f32.update(from: rows + segment.rows.lowerBound * width, count: copy.count)
            states[site, default: []].append(copy)
          }
        }, caches: nil)
      try pass.run(
        through: wantsLogits ? network.blocks - 1 : lastBlock(of: sites),
        finalNorm: wantsLogits || sites.contains { $0.block == Int.max })
      guard wantsLogits else { continue }
      for segment in batch.segments {
        let rows = if case .last = logits { segment.rows.suffix(1) } else { segment.rows }
        let result = Tensor(zeros: [rows.count, network.vocabulary])
        self.logits(
          result.f32, workspace.final.f32 + rows.lowerBound * network.headWidth, rows: rows.count,
          overlay: placed)
        allLogits.append(result)
      }
    }
    return Pass(logits: allLogits, states: states)
  }

  /// Streams texts through the network in batches and shows the wanted sites; stops after the last of them.
  ///
  /// `body` is called once a batch and site, with the batch's texts (their numbers in `texts`) and rows `[M, width]`. A
  /// batch takes up to `batchTokens` tokens, nil ``Model/batchTokens``; how texts are batched changes no number.
  /// - Throws: ``TransformerError``, and whatever `body` throws.
  public func observe(
    _ texts: [[Int32]], sites: [Site], overlay: Overlay? = nil, batchTokens: Int? = nil,
    _ body: (_ texts: Range<Int>, _ batch: Batch, _ site: Site, _ rows: UnsafePointer<Float>, _ width: Int)
      throws
      -> Void
  ) throws {
    try check(texts)
    try check(sites: sites)
    let placed = try PlacedOverlay(overlay, model: self)
    let runs = Batch.cut(texts, tokens: batchTokens ?? self.batchTokens)
    let most = runs.map { run in texts[run].reduce(0) { $0 + $1.count } }.max() ?? 0
    let workspace = Workspace(network, rows: most)
    try withoutActuallyEscaping(body) { body in
      for run in runs {
        let batch = Batch(texts[run])
        let pass = ForwardPass(
          model: self, batch: batch, workspace: workspace, overlay: placed, observed: Set(sites),
          observer: { site, rows, width in try body(run, batch, site, rows, width) }, caches: nil)
        try pass.run(through: lastBlock(of: sites), finalNorm: sites.contains { $0.block == Int.max })
      }
    }
  }

  /// What the head reads, `[M, headWidth]`, of all tokens of some texts end to end; the texts must fit one batch.
  /// - Throws: ``TransformerError``.
  public func finalStates(_ texts: [[Int32]], overlay: Overlay? = nil) throws -> Tensor {
    try check(texts)
    let batch = Batch(texts)
    let workspace = Workspace(network, rows: batch.tokens.count)
    let pass = ForwardPass(
      model: self, batch: batch, workspace: workspace, overlay: try PlacedOverlay(overlay, model: self),
      observed: [], observer: nil, caches: nil)
    try pass.run(through: network.blocks - 1, finalNorm: true)
    let states = workspace.final.rows(0..<batch.tokens.count)
    try requireFinite(states)
    return states
  }

  /// Logits `[rows, V]` from what the head reads.
  /// - Throws: ``TransformerError`` where the overlay does not fit or the network makes no logits.
  public func logits(of states: Tensor, rows: Range<Int>, overlay: Overlay? = nil) throws -> Tensor {
    try requireHead()
    let result = Tensor(zeros: [rows.count, network.vocabulary])
    logits(
      result.f32, states.f32 + rows.lowerBound * network.headWidth, rows: rows.count,
      overlay: try PlacedOverlay(overlay, model: self))
    return result
  }

  func logits(
    _ result: UnsafeMutablePointer<Float>, _ states: UnsafePointer<Float>, rows: Int, overlay: PlacedOverlay?
  ) {
    guard let head = overlay?.replaced[.head] ?? head else {
      preconditionFailure("logits of a network without a head, which checks refuse")
    }
    let network = self.network
    if let overlay, overlay.projections[.head] != nil {
      let copy = Tensor(zeros: [rows, head.inputs])
      copy.f32.update(from: states, count: copy.count)
      overlay.project(.head, copy.f32, rows: rows)
      Linear.forward(
        result, yStride: network.vocabulary, copy.f32, xStride: head.inputs, rows: rows, head,
        compute: compute)
    } else {
      Linear.forward(
        result, yStride: network.vocabulary, states, xStride: head.inputs, rows: rows, head, compute: compute)
    }
    overlay?.change(.head, result, outputs: network.vocabulary, states, inputs: head.inputs, rows: rows)
    guard network.logitScale != 1 || network.logitDivisor != 1 || network.logitSoftcap != nil else { return }
    let result = UnsafeMutableBufferPointer(start: result, count: rows * network.vocabulary)
    Parallel.forEach(rows, grain: 1 + 65536 / network.vocabulary) { range in
      guard let base = result.baseAddress else { return }
      Vector.finishLogits(
        base + range.lowerBound * network.vocabulary, scale: network.logitScale,
        divisor: network.logitDivisor, cap: network.logitSoftcap, count: range.count * network.vocabulary)
    }
  }

  /// - Throws: ``TransformerError/notFinite(site:tensor:)``, naming the first damaged tensor where there is one.
  func requireFinite(_ states: Tensor) throws {
    let sum = (0..<states.count).reduce(Float(0)) { $0 + states.f32[$1] * 0 }
    guard sum != 0 || sum.isNaN else { return }
    throw TransformerError.notFinite(site: network.lastSite, tensor: try checkpoint.firstNonFinite()?.tensor)
  }

  private func lastBlock(of sites: [Site]) -> Int {
    min(network.blocks - 1, sites.map(\.block).max() ?? -1)
  }
}

import Architectures
import Tensors

/// Texts between two blocks: the residual streams of all of them, so that a block can be run, changed, and run again
/// before its outputs feed the next.
///
/// Shapes: `M` tokens of all texts, `D` width. Every number equals that of ``Model/forward(_:capture:logits:overlay:tokenTypes:)``
/// with the same changes.
public final class BlockWalk {
  /// The block that runs next; the number of blocks at the end.
  public private(set) var block = 0
  /// Tokens in all, M.
  public let tokens: Int

  private let model: Model
  private let runs: [Range<Int>]
  private let batches: [Batch]
  /// Residual stream of each batch, `[tokens of the batch, D]`.
  private let states: [Tensor]
  private let workspace: Workspace

  /// Looks the texts' embeddings up.
  /// - Throws: ``TransformerError``.
  public init(_ model: Model, texts: [[Int32]], batchTokens: Int = Model.defaultBatchTokens) throws {
    try model.check(texts)
    self.model = model
    runs = Batch.cut(texts, tokens: batchTokens)
    batches = runs.map { Batch(texts[$0]) }
    tokens = batches.reduce(0) { $0 + $1.tokens.count }
    states = batches.map { Tensor(zeros: [$0.tokens.count, model.network.width]) }
    workspace = Workspace(model.network, rows: batches.map(\.tokens.count).max() ?? 0)
    for (batch, state) in zip(batches, states) {
      try makePass(batch, nil, [], nil).begin()
      state.f32.update(from: workspace.residual.f32, count: state.count)
    }
  }

  /// Bytes that a walk of some tokens keeps beside the activations of one batch.
  public static func stateBytes(tokens: Int, width: Int) -> Int { 4 * tokens * width }

  /// Runs the next block on all texts and shows the wanted sites of it; the texts stay where they are unless `advancing`.
  ///
  /// `body` is called as in ``Model/observe(_:sites:overlay:batchTokens:_:)``.
  /// - Throws: ``TransformerError``, and whatever `body` throws.
  public func run(
    sites: [Site] = [], overlay: Overlay? = nil, advancing: Bool,
    _ body: (_ texts: Range<Int>, _ batch: Batch, _ site: Site, _ rows: UnsafePointer<Float>, _ width: Int)
      throws -> Void = { _, _, _, _, _ in }
  ) throws {
    precondition(block < model.network.blocks, "a walk beyond the last block")
    try model.check(sites: sites)
    let placed = try PlacedOverlay(overlay, model: model)
    try withoutActuallyEscaping(body) { body in
      for (index, batch) in batches.enumerated() {
        let (state, run) = (states[index], runs[index])
        workspace.residual.f32.update(from: state.f32, count: state.count)
        let pass = makePass(
          batch, placed, Set(sites), { site, rows, width in try body(run, batch, site, rows, width) })
        try pass.run(block, ForwardPass.Reach(pass))
        if advancing { state.f32.update(from: workspace.residual.f32, count: state.count) }
      }
    }
    if advancing { block += 1 }
  }

  private func makePass(
    _ batch: Batch, _ overlay: PlacedOverlay?, _ observed: Set<Site>, _ observer: StateObserver?
  ) -> ForwardPass {
    ForwardPass(
      model: model, batch: batch, workspace: workspace, overlay: overlay, observed: observed,
      observer: observer, caches: nil)
  }
}

import Architectures
import LinearAlgebra
import Runtime
import Transformers

extension ScoreEvidence {
  /// What calibration says of the inputs of a product; with `factored` also the diagonal of U, 0 for dead channels, damped
  /// as SparseGPT does it.
  /// - Throws: ``LinearAlgebraError`` where no damping helps.
  public init(_ input: InputStatistics.Input?, factored: Bool = false) throws {
    self.init(inputEnergy: input?.squares)
    guard factored, let input, let gram = input.gram else { return }
    try gram.factored(damping: SparseGPT().damping)
    factorDiagonal = zip(gram.factorDiagonal(), input.squares).map { $1 == 0 ? 0 : $0 }
  }
}

/// What the inputs of many products are known to be, small enough to keep for all of them.
public struct CalibratedEvidence: Sendable {
  private let known: [Role: ScoreEvidence]

  /// Runs calibration texts through a model, once. With `factored` one block's Gram matrices are held at a time, 8·K²
  /// bytes for each input, and only the diagonals of their factors are kept.
  /// - Throws: ``TransformerError``, ``CalibrationError``, ``LinearAlgebraError``, ``Interrupted``.
  public init(
    _ model: Model, _ matrices: [PrunableMatrix], texts: [[Int32]], factored: Bool,
    progress: ProgressSink = ignoreProgress
  ) throws {
    var known: [Role: ScoreEvidence] = [:]
    func keep(_ statistics: InputStatistics, _ own: [PrunableMatrix]) throws {
      for matrix in own {
        known[matrix.role] = try ScoreEvidence(statistics[matrix.role], factored: factored)
      }
    }
    if factored {
      let walk = try BlockWalk(model, texts: texts)
      for block in 0..<model.network.blocks {
        try Cancellation.check()
        let own = matrices.filter { $0.block == block }
        guard !own.isEmpty else {
          try walk.run(advancing: true)
          continue
        }
        let statistics = try InputStatistics.collect(
          model, walk: walk, roles: own.map(\.role), gram: true, advancing: true)
        try keep(statistics, own)
        progress(
          ProgressEvent(
            stage: "calibration", completed: block + 1, total: model.network.blocks, unit: "blocks"))
      }
    } else {
      try keep(
        InputStatistics.collect(model, texts: texts, roles: matrices.map(\.role), progress: progress),
        matrices)
    }
    self.known = known
  }

  /// What is known of a product; nothing of one that calibration did not look at.
  public subscript(role: Role) -> ScoreEvidence { known[role] ?? ScoreEvidence() }
}

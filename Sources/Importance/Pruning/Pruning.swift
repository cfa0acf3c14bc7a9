import Architectures
import Checkpoints
import Layers
import OrderedCollections
import Runtime
import Tensors
import Transformers

/// Pruning of a whole checkpoint: calibration, scores or compensation, masks, and the tensors as they will be stored.
///
/// **Sequential** (the papers' way for scores that look at activations): a block sees the calibration texts as the pruned
/// blocks before it leave them. Its products are scored together, on what they read while the block is still whole; then the
/// pruned block makes the inputs of the next. **One shot**: every block sees what the whole network gives it.
///
/// **Memory.** Sequentially, and wherever XᵀX is needed, one block's statistics are held at a time, beside the residual
/// streams of the texts (4·tokens·D bytes); in one shot without XᵀX only Σx². Changed tensors wait in a file without
/// a name (``TensorScratch``), not in anonymous memory.
public struct Pruning: Sendable {
  /// What is done.
  public struct Options: Sendable {
    /// How weights are chosen.
    public var method: PruningMethod
    /// Which weights compete.
    public var group: ComparisonGroup
    /// How many go, and where.
    public var budget: Budget
    /// Whether a pruned block's outputs feed the next.
    public var sequential: Bool
    /// Whether the error of every product on the calibration texts is measured also where the method needs no XᵀX.
    public var measuresError = false

    /// The usual options of a method: its paper's group, sequential where activations are looked at.
    public init(_ method: PruningMethod, group: ComparisonGroup? = nil, budget: Budget) {
      self.method = method
      self.group = group ?? method.usualGroup
      self.budget = budget
      let looks = method.needs == .activations || method.needs == .gram
      sequential = looks && self.group != .global
    }
  }

  /// The model.
  public let model: Model
  /// What is pruned, in network order.
  public let matrices: [PrunableMatrix]
  /// What is done.
  public let options: Options
  /// Weights to prune in each matrix, where weights alone decide it.
  private var counts: [Int]?

  /// Whether XᵀX is collected.
  public var needsGram: Bool { options.method.needs == .gram || options.measuresError }
  /// Whether calibration texts are needed.
  public var needsCalibration: Bool {
    needsGram || options.method.needs == .activations || options.budget.kind.needs == .activations
  }
  /// Whether blocks are walked one after the other.
  var walks: Bool { needsGram || (options.sequential && options.method.needs == .activations) }

  /// Checks that the options fit one another and the model.
  /// - Parameters:
  ///   - model: the model.
  ///   - blocks: blocks that are pruned; nil for all.
  ///   - roles: roles that are pruned; nil for all products of blocks.
  ///   - options: what is done.
  /// - Throws: ``ImportanceError``, ``ArchitectureError``.
  public init(
    _ model: Model, blocks: Set<Int>? = nil, roles: Set<BlockRole>? = nil, options: Options
  ) throws {
    self.model = model
    self.options = options
    matrices = try model.prunableMatrices(blocks: blocks, roles: roles)
    if case .sparseGPT = options.method {
      switch options.group {
      case .columns, .keep: break
      default:
        throw ImportanceError.combination(
          what: "score sparsegpt with group \(options.group)",
          reason: "weights are chosen when their columns' turn comes, since earlier ones change them",
          suggestion: "--group columns-128, or a pattern such as 2:4")
      }
    }
    if walks && options.group == .global {
      throw ImportanceError.combination(
        what: "group global block after block",
        reason: "the weights of all blocks compete, so none can be pruned before all were seen",
        suggestion: "--one-shot without --reconstruction-error, or --group layer")
    }
    // What would be refused later, before anything long begins.
    if case .score(let score) = options.method { try Combination.check(score, options.group) }
    for matrix in matrices {
      try MatrixCheck.requireWeights(matrix)
      try MatrixCheck.requireFinite(matrix)
      _ = try options.group.patternCount(matrix)
    }
    counts =
      options.budget.kind.needs == .weights
      ? try options.budget.counts(for: matrices, group: options.group) : nil
  }

  /// The tensors that hold the matrices, each once, in the order of the checkpoint.
  var entries: [TensorEntry] {
    let names = Set(matrices.map(\.bound.tensor))
    return model.checkpoint.tensorNames.filter(names.contains).compactMap { model.checkpoint.entry($0) }
  }

  /// Bytes that wait on the disk beside the output.
  public var scratchBytes: Int { TensorScratch.bytes(entries) }

  /// Bytes of statistics, states and the largest matrix at work that are held at once, roughly.
  /// - Throws: ``ArchitectureError``.
  public func holdBytes(calibrationTokens tokens: Int) throws -> Int {
    let largest = matrices.map(\.count).max() ?? 0
    guard needsCalibration else { return largest / 8 + (16 << 20) }
    let blocks = Dictionary(grouping: matrices, by: \.block).values
    guard walks else {
      return try InputStatistics.bytes(model, roles: matrices.map(\.role), gram: false) + largest / 8
    }
    let statistics =
      try blocks.map {
        try InputStatistics.bytes(model, roles: $0.map(\.role), gram: needsGram)
      }.max() ?? 0
    // f32 in, f64 at work, errors, f32 out and a flag a weight.
    let work = needsGram ? 18 * largest : largest / 8
    return statistics + work + BlockWalk.stateBytes(tokens: tokens, width: model.network.width)
  }

  /// Prunes; nothing is written but a file without a name in `folder`.
  /// - Throws: ``ImportanceError``, ``CalibrationError``, ``TransformerError``, ``LinearAlgebraError``, ``FileError``,
  ///   ``Interrupted``.
  ///
  /// `statistics` that are known already, such as an importance matrix's, stand in for texts in one shot.
  public func run(
    calibration: CalibrationTexts?, statistics: InputStatistics? = nil, scratch folder: String,
    progress: ProgressSink = ignoreProgress
  ) throws -> PrunedModel {
    if statistics != nil && walks {
      throw ImportanceError.combination(
        what: "known statistics with \(options.method.description)",
        reason: "its blocks are walked one after the other over texts",
        suggestion: "--calibration texts, or --one-shot with a score such as wanda")
    }
    if needsCalibration && calibration == nil && statistics == nil {
      throw CalibrationError.missing(score: options.method.description)
    }
    let texts = calibration?.texts ?? []
    let scratch = try TensorScratch(entries, of: model.checkpoint, in: folder)
    var evidence = statistics
    if evidence == nil,
      options.budget.kind.needs == .activations || (needsCalibration && !walks)
    {
      evidence = try InputStatistics.collect(
        model, texts: texts, roles: matrices.map(\.role), progress: progress)
    }
    let counts =
      try self.counts
      ?? options.budget.counts(
        for: matrices, group: options.group, evidence: Self.source(evidence), progress: progress)
    var results: [PrunedMatrix] = []
    if walks {
      try walk(texts, counts, scratch, &results, progress)
    } else {
      results = try prune(Array(matrices.indices), counts, evidence, scratch, progress)
    }
    return PrunedModel(pruning: self, matrices: results, scratch: scratch, calibration: calibration)
  }

  /// Block after block, with the statistics of one block at a time.
  private func walk(
    _ texts: [[Int32]], _ counts: [Int], _ scratch: TensorScratch, _ results: inout [PrunedMatrix],
    _ progress: ProgressSink
  ) throws {
    var members: [Int: [Int]] = [:]
    for (index, matrix) in matrices.enumerated() { members[matrix.block, default: []].append(index) }
    let last = matrices.map(\.block).max() ?? -1
    let walk = try BlockWalk(model, texts: texts)
    while walk.block <= last {
      try Cancellation.check()
      let block = walk.block
      let own = members[block] ?? []
      if own.isEmpty {
        try walk.run(advancing: true)
      } else {
        let statistics = try InputStatistics.collect(
          model, walk: walk, roles: own.map { matrices[$0].role }, gram: needsGram,
          advancing: !options.sequential)
        results += try prune(own, counts, statistics, scratch, ignoreProgress)
        if options.sequential && block < last {
          try walk.run(overlay: Self.overlay(own.map { matrices[$0].bound.tensor }, scratch), advancing: true)
        } else if options.sequential {
          break
        }
      }
      progress(
        ProgressEvent(stage: "prune", completed: block + 1, total: last + 1, unit: "blocks"))
    }
  }

  /// Some matrices together, which are a whole comparison group or several.
  private func prune(
    _ own: [Int], _ counts: [Int], _ statistics: InputStatistics?, _ scratch: TensorScratch,
    _ progress: ProgressSink
  ) throws -> [PrunedMatrix] {
    var results: [PrunedMatrix] = []
    switch options.method {
    case .sparseGPT(let method):
      for index in own {
        try Cancellation.check()
        results.append(try compensate(matrices[index], counts[index], method, statistics, scratch))
      }
    case .score(let score):
      let selection = try Selection(
        own.map { matrices[$0] }, score: score, group: options.group, counts: own.map { counts[$0] },
        evidence: Self.source(statistics, factored: score.kind.needs == .gram), progress: progress)
      for (place, index) in own.enumerated() {
        try Cancellation.check()
        let matrix = matrices[index]
        let mask = try selection.mask(place)
        let places = try places(matrix)
        let tensor = scratch.pointer(matrix.bound.tensor)
        let zeros = Self.clear(matrix, mask, places, in: tensor)
        results.append(
          PrunedMatrix(
            matrix, asked: counts[index], pruned: mask.prunedCount, zeros: zeros,
            input: statistics?[matrix.role], damping: statistics?[matrix.role]?.gram?.damping,
            error: try error(of: matrix, statistics) { row, column in !mask[row, column] }))
        progress(
          ProgressEvent(stage: "prune", completed: place + 1, total: own.count, unit: "matrices"))
      }
    }
    return results
  }

  private func compensate(
    _ matrix: PrunableMatrix, _ count: Int, _ method: SparseGPT, _ statistics: InputStatistics?,
    _ scratch: TensorScratch
  ) throws -> PrunedMatrix {
    guard let input = statistics?[matrix.role], let gram = input.gram else {
      throw CalibrationError.missing(score: PruningMethod.sparseGPTName)
    }
    var method = method
    var target = SparseGPT.Target.count(count)
    switch options.group {
    case .columns(let width): method.blockWidth = width
    case .keep(let kept, let of, _): target = .pattern(keep: kept, of: of)
    default: break
    }
    let weights = Self.floats(matrix)
    let outcome = try method.prune(weights, rows: matrix.outputs, gram: gram, target: target)
    let places = try places(matrix)
    let tensor = scratch.pointer(matrix.bound.tensor)
    var stored = outcome.weights
    let zeros = Self.store(matrix, &stored, places, in: tensor)
    let error = try ReconstructionError(
      original: weights, pruned: outcome.pruned, compensated: stored, rows: matrix.outputs, gram: gram)
    return PrunedMatrix(
      matrix, asked: count, pruned: outcome.pruned.count { $0 }, zeros: zeros, input: input,
      damping: outcome.damping, error: error)
  }

  /// The error of a mask, where it is wanted.
  private func error(
    of matrix: PrunableMatrix, _ statistics: InputStatistics?, _ isPruned: (Int, Int) -> Bool
  ) throws -> ReconstructionError? {
    guard options.measuresError, let gram = statistics?[matrix.role]?.gram else { return nil }
    var pruned = [Bool](repeating: false, count: matrix.count)
    for row in 0..<matrix.outputs {
      for column in 0..<matrix.inputs { pruned[row * matrix.inputs + column] = isPruned(row, column) }
    }
    return try ReconstructionError(
      original: Self.floats(matrix), pruned: pruned, compensated: nil, rows: matrix.outputs, gram: gram)
  }

  private func places(_ matrix: PrunableMatrix) throws -> StoredPlaces {
    guard let entry = model.checkpoint.entry(matrix.bound.tensor) else {
      throw CheckpointError.unknownTensor(name: matrix.bound.tensor, place: model.checkpoint.folder)
    }
    return StoredPlaces(matrix.bound, entry: entry)
  }

  private static func floats(_ matrix: PrunableMatrix) -> [Float] {
    [Float](unsafeUninitializedCapacity: matrix.count) { buffer, used in
      if let base = buffer.baseAddress { matrix.weight.copyFloats(rows: 0..<matrix.outputs, to: base) }
      used = matrix.count
    }
  }

  /// Puts zeros where the mask has them; gives the zeros that the matrix then holds, those of before included.
  static func clear(
    _ matrix: PrunableMatrix, _ mask: Mask, _ places: StoredPlaces, in tensor: UnsafeMutableRawPointer
  ) -> Int {
    let zeros = Slots(repeating: 0, count: matrix.outputs)
    let target = UncheckedPointer(tensor)
    mask.words.withUnsafeBufferPointer { words in
      guard let words = words.baseAddress else { return }
      Parallel.forEach(matrix.outputs, grain: max(1, 65536 / max(1, matrix.inputs))) { range in
        for row in range {
          zeros[row] = places.clear(row, words + row * mask.wordsPerRow, in: target.pointer)
        }
      }
    }
    return zeros.values.reduce(0, +)
  }

  /// Writes all weights as stored, gives them back as rounded, and how many are zero.
  private static func store(
    _ matrix: PrunableMatrix, _ weights: inout [Float], _ places: StoredPlaces,
    in tensor: UnsafeMutableRawPointer
  ) -> Int {
    var zeros = 0
    let width = matrix.inputs
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(1, 4 * width), alignment: 64)
    defer { scratch.deallocate() }
    weights.withUnsafeMutableBufferPointer { weights in
      guard let base = weights.baseAddress else { return }
      for row in 0..<matrix.outputs {
        places.store(row, base + row * width, in: tensor, scratch: scratch)
        places.load(row, to: base + row * width, from: tensor, scratch: scratch)
        for column in 0..<width where base[row * width + column] == 0 { zeros += 1 }
      }
    }
    return zeros
  }

  /// What is known of a matrix's inputs.
  private static func source(_ statistics: InputStatistics?, factored: Bool = false) -> EvidenceSource {
    guard let statistics else { return noEvidence }
    return { try ScoreEvidence(statistics[$0.role], factored: factored) }
  }

  /// Tensors as the scratch file holds them, for a pass.
  static func overlay(_ names: [String], _ scratch: TensorScratch) -> Overlay {
    Overlay([
      .tensors(Dictionary(names.map { ($0, scratch.tensor($0)) }, uniquingKeysWith: { first, _ in first }))
    ])
  }
}

/// An address that threads write to, each its own part.
private struct UncheckedPointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer

  init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
}

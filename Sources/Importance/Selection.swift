import Architectures
import CKernels
import OrderedCollections
import Runtime
import Tensors

/// Which weights of some matrices are pruned: the lowest scores of every comparison group, exactly as many as asked for.
///
/// **Counts.** Every matrix has its number of weights to prune, from a ``Budget``. A row, a column or a block of columns
/// gets its part of it in proportion to its size, rounded so that the parts add up (``Apportion``): two rows of a matrix
/// differ by at most one. In the groups layer and global the matrices' numbers are added up and the matrices compete.
///
/// **Ties** break by index: the lower index is pruned first; matrices count in network order, weights row by row.
///
/// **Extremes.** A count of 0 and a count of all weights work. A matrix of zeros, a NaN and an infinity are refused by
/// name. Dead channels (score 0 in every row) go first.
///
/// Nothing depends on the number of threads. Between matrices only thresholds are held, never scores.
public struct Selection: Sendable {
  /// The matrices, in network order.
  public let matrices: [PrunableMatrix]
  /// What ranks the weights.
  public let score: Score
  /// Which weights compete.
  public let group: ComparisonGroup
  /// How many weights of each matrix are pruned.
  public let pruned: [Int]
  private let evidence: EvidenceSource
  /// Where the pruned scores of each matrix end; nil for groups within matrices.
  private let cuts: [Cut]?

  /// Chooses. Groups that span matrices are decided here, the others when a mask is asked for.
  /// - Parameters:
  ///   - matrices: what is pruned together.
  ///   - counts: weights to prune in each of them, as ``Budget/counts(for:group:evidence:progress:)`` gives them.
  ///   - evidence: what is known of a matrix; asked again in every pass.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what `evidence` throws.
  /// - Complexity: two or three passes over the scores for tensor, layer and global; none for the others.
  public init(
    _ matrices: [PrunableMatrix], score: Score, group: ComparisonGroup, counts: [Int],
    evidence: @escaping EvidenceSource = noEvidence, progress: ProgressSink = ignoreProgress
  ) throws {
    precondition(counts.count == matrices.count, "a count a matrix")
    precondition(zip(matrices, counts).allSatisfy { $0.count >= $1 && $1 >= 0 }, "counts within the matrices")
    try Combination.check(score, group)
    for (index, matrix) in matrices.enumerated() {
      try MatrixCheck.requireWeights(matrix)
      if let own = try group.patternCount(matrix), own != counts[index] {
        throw ImportanceError.combination(
          what: "group \(group) with \(counts[index]) weights of \(matrix.role)",
          reason: "the pattern removes \(own)", suggestion: "let the pattern decide: leave the sparsity out")
      }
    }
    self.matrices = matrices
    self.score = score
    self.group = group
    self.evidence = evidence
    guard group == .tensor || !group.isWithinMatrix else {
      pruned = counts
      cuts = nil
      return
    }
    var cuts: [Cut] = []
    var pruned: [Int] = []
    for members in Self.groups(matrices, group) {
      try Cancellation.check()
      let own = try Self.cuts(
        members.map { matrices[$0] }, taken: members.reduce(0) { $0 + counts[$1] }, score, evidence)
      cuts += own.map(\.cut)
      pruned += own.map(\.count)
      progress(
        ProgressEvent(stage: "select", completed: cuts.count, total: matrices.count, unit: "matrices"))
    }
    self.cuts = cuts
    self.pruned = pruned
  }

  /// Indices of the matrices of each group, in order.
  private static func groups(_ matrices: [PrunableMatrix], _ group: ComparisonGroup) -> [[Int]] {
    switch group {
    case .global: return [Array(matrices.indices)]
    case .layer:
      var blocks: OrderedDictionary<Int, [Int]> = [:]
      for (index, matrix) in matrices.enumerated() { blocks[matrix.block, default: []].append(index) }
      precondition(blocks.values.joined().elementsEqual(matrices.indices), "matrices in network order")
      return Array(blocks.values)
    default: return matrices.indices.map { [$0] }
    }
  }

  /// One threshold for some matrices, with the part of the ties that falls to each, and how many weights that takes.
  private static func cuts(
    _ matrices: [PrunableMatrix], taken: Int, _ score: Score, _ evidence: EvidenceSource
  ) throws -> [(cut: Cut, count: Int)] {
    let whole = matrices.reduce(0) { $0 + $1.count }
    if taken == 0 { return matrices.map { _ in (.nothing, 0) } }
    if taken == whole { return matrices.map { (.everything, $0.count) } }
    let cut = try Cut.find(in: matrices, taken: taken, score: score, evidence: evidence)
    var ties = cut.ties
    return try matrices.map { matrix in
      let (below, equal) = try score.of(matrix, evidence(matrix)).counts(at: cut.threshold)
      let own = min(ties, equal)
      ties -= own
      return (Cut(threshold: cut.threshold, ties: own), below + own)
    }
  }

  /// Weights of all matrices.
  public var count: Int { matrices.reduce(0) { $0 + $1.count } }
  /// Weights that are pruned.
  public var prunedCount: Int { pruned.reduce(0, +) }
  /// The share that is pruned.
  public var sparsity: Double { count == 0 ? 0 : Double(prunedCount) / Double(count) }

  /// The mask of one matrix, exactly ``pruned`` bits of it 0.
  /// - Throws: ``ImportanceError``, and what the evidence throws.
  public func mask(_ index: Int) throws -> Mask {
    let matrix = matrices[index]
    let scores = try score.of(matrix, evidence(matrix))
    if let cuts { return try scores.mask(cuts[index], score) }
    return try scores.mask(group, taken: pruned[index], score)
  }

  /// All masks, one bit a weight.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public func masks(progress: ProgressSink = ignoreProgress) throws -> MaskSet {
    var set = MaskSet()
    for index in matrices.indices {
      try Cancellation.check()
      set[matrices[index].role] = try mask(index)
      progress(
        ProgressEvent(stage: "masks", completed: index + 1, total: matrices.count, unit: "matrices"))
    }
    return set
  }
}

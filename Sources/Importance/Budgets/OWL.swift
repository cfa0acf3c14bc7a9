import OrderedCollections
import Runtime

extension BudgetKind {
  /// Outlier-weighed sparsity of blocks (arXiv 2310.05175, section 3.2): s_l = s + mean(r̃) − r̃_l, r̃ the outlier ratios
  /// brought to 0…2λ, each block with one share, cut to 0…1.
  ///
  /// The paper's rule keeps the mean over blocks; where blocks are of different size that is another share of all
  /// weights than was asked for. Here `keep` says what is kept: `weights` (the standard) shifts all blocks so that the
  /// share of all weights is exact, `blocks` is the paper's mean over blocks, and the share of all weights is what comes
  /// of it.
  public static let owl = BudgetKind(
    name: "owl", summary: "blocks with more outliers of Wanda's score keep more",
    reference: "arXiv 2310.05175",
    parameters: [
      ScoreKind.outlierMultiple,
      MethodParameter(
        "spread", "λ: no block's share moves by more than 2λ against another's",
        .number(0...0.5, standard: 0.08)),
      MethodParameter(
        "keep", "what the sparsity is kept for: all weights, or the mean over blocks",
        .choice(["weights", "blocks"], standard: "weights")),
    ], needs: .activations, unit: .block
  ) { budget, matrices, evidence, progress in
    let settings = budget.settings
    guard let sparsity = budget.sparsity else { return try [budget.total(of: matrices)] }
    let blocks = Blocks(matrices)
    var ratios: [Double] = []
    for members in blocks.members {
      ratios.append(
        try OutlierShare.of(
          members.map { matrices[$0] }, multiple: settings.number("multiple") ?? 5, score: Score(.wanda),
          evidence: evidence))
      progress(
        ProgressEvent(stage: "outliers", completed: ratios.count, total: blocks.members.count, unit: "blocks")
      )
    }
    let shifts = OWL.shifts(ratios, spread: settings.number("spread") ?? 0.08)
    let sizes = blocks.sizes(matrices)
    let keepsBlocks = settings.choice("keep") == "blocks"
    let weights = keepsBlocks ? sizes.map { _ in 1.0 } : sizes.map(Double.init)
    let shares = OWL.shares(shifts, mean: sparsity, weights: weights)
    let parts = zip(shares, sizes).map { $0 * Double($1) }
    let total = keepsBlocks ? Int(parts.reduce(0, +).rounded()) : try budget.total(of: matrices)
    return blocks.divide(Apportion.rounded(total, parts, sizes: sizes), matrices)
  }
}

/// The arithmetic of OWL.
enum OWL {
  /// −r̃: how far each block's share lies below the others', 0 for the fewest outliers, −2λ for the most. All equal
  /// ratios give zeros.
  static func shifts(_ ratios: [Double], spread: Double) -> [Double] {
    guard let low = ratios.min(), let high = ratios.max(), high > low else { return ratios.map { _ in 0 } }
    return ratios.map { -2 * spread * ($0 - low) / (high - low) }
  }

  /// Shares clip(c + shift, 0, 1) with c such that their weighted mean is `mean`. Without clipping this is the paper's
  /// formula; what clipping takes from one block the others share.
  static func shares(_ shifts: [Double], mean: Double, weights: [Double]) -> [Double] {
    let whole = weights.reduce(0, +)
    func shares(_ level: Double) -> [Double] { shifts.map { min(1, max(0, level + $0)) } }
    func reached(_ level: Double) -> Double {
      zip(shares(level), weights).reduce(0) { $0 + $1.0 * $1.1 } / whole
    }
    let offset = zip(shifts, weights).reduce(0) { $0 + $1.0 * $1.1 } / whole
    let plain = mean - offset
    if shifts.allSatisfy({ (0...1).contains(plain + $0) }) { return shares(plain) }
    var low = -1.0, high = 3.0
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if reached(middle) < mean { low = middle } else { high = middle }
    }
    return shares(high)
  }
}

/// The matrices of each block.
struct Blocks {
  /// Indices of the matrices, a block at a time, in order.
  let members: [[Int]]

  init(_ matrices: [PrunableMatrix]) {
    var blocks: OrderedDictionary<Int, [Int]> = [:]
    for (index, matrix) in matrices.enumerated() { blocks[matrix.block, default: []].append(index) }
    members = Array(blocks.values)
  }

  /// Weights of each block.
  func sizes(_ matrices: [PrunableMatrix]) -> [Int] {
    members.map { $0.reduce(0) { $0 + matrices[$1].count } }
  }

  /// The counts of blocks divided among their matrices in proportion to their sizes.
  func divide(_ counts: [Int], _ matrices: [PrunableMatrix]) -> [Int] {
    var result = [Int](repeating: 0, count: matrices.count)
    for (own, count) in zip(members, counts) {
      for (index, part) in zip(own, Apportion.proportional(count, own.map { matrices[$0].count })) {
        result[index] = part
      }
    }
    return result
  }
}

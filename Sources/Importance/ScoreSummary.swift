import Runtime

/// The scores of one matrix in a few numbers.
public struct ScoreSummary: Sendable, Equatable {
  /// Mean, in f64.
  public let mean: Double
  /// The smallest and the largest score.
  public let minimum, maximum: Double
  /// The scores below which 5, 50 and 95 % lie, to the upper 16 bits of their f32 (2⁻⁷; exact for magnitudes of bf16).
  public let low, median, high: Double
  /// The share of scores that are 0.
  public let zeros: Double

  /// Sums up a matrix's scores; two passes.
  /// - Throws: ``ImportanceError`` where a score is not finite.
  public init(_ scores: MatrixScore, _ named: Score) throws {
    let histogram = Histogram64()
    try histogram.addUpper(of: scores, named)
    let lines = LineAggregate(scores)
    let count = scores.matrix.count
    let least = Double(lines.rowMinima.min() ?? 0), greatest = Double(lines.rowMaxima.max() ?? 0)
    func quantile(_ share: Double) -> Double {
      let place = min(count - 1, Int(share * Double(count)))
      guard let (bin, _) = histogram.bin(of: place) else { return 0 }
      // The number nearest to zero that a place with this upper half can be.
      let number = Double(Place.number(UInt32(bin) << 16 | (bin < 0x8000 ? 0xffff : 0)))
      return min(max(number, least), greatest)
    }
    mean = count == 0 ? 0 : lines.rowSums.reduce(0, +) / Double(count)
    (minimum, maximum) = (least, greatest)
    (low, median, high) = (quantile(0.05), quantile(0.5), quantile(0.95))
    zeros = count == 0 ? 0 : Double(scores.counts(at: 0).equal) / Double(count)
  }
}

/// Scores of every matrix side by side: the table of `surgeon importance`.
public struct ImportanceTable: Sendable {
  /// One matrix.
  public struct Line: Sendable {
    /// The matrix.
    public let matrix: PrunableMatrix
    /// One summary a score; nil where the score says nothing of the matrix (a direction that it does not read).
    public let summaries: [ScoreSummary?]
  }

  /// The scores.
  public let scores: [Score]
  /// The matrices in network order.
  public let lines: [Line]

  /// Measures; streams one matrix at a time.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public init(
    _ matrices: [PrunableMatrix], scores: [Score], evidence: EvidenceSource = noEvidence,
    progress: ProgressSink = ignoreProgress
  ) throws {
    var lines: [Line] = []
    for matrix in matrices {
      try Cancellation.check()
      try MatrixCheck.requireWeights(matrix)
      let known = try evidence(matrix)
      lines.append(
        Line(
          matrix: matrix,
          summaries: try scores.map { score in
            guard score.says(of: matrix, known) else { return nil }
            return try ScoreSummary(score.of(matrix, known), score)
          }))
      progress(
        ProgressEvent(stage: "scores", completed: lines.count, total: matrices.count, unit: "matrices"))
    }
    self.scores = scores
    self.lines = lines
  }
}

extension Score {
  /// Whether the score can say something of a matrix: a direction is read by some products only.
  public func says(of matrix: PrunableMatrix, _ evidence: ScoreEvidence) -> Bool {
    kind.needs != .direction || evidence.direction != nil
  }
}

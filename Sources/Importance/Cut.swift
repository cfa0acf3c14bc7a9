import CKernels
import Runtime

/// Where the lowest scores end: all below the threshold, and the first ``ties`` of those that equal it.
public struct Cut: Sendable, Equatable {
  /// Scores below it are taken.
  public var threshold: Float
  /// So many of the equal ones are taken, lower indices first.
  public var ties: Int

  /// A cut.
  public init(threshold: Float, ties: Int) {
    self.threshold = threshold
    self.ties = ties
  }

  /// Takes nothing.
  static let nothing = Cut(threshold: -.infinity, ties: 0)
  /// Takes everything.
  static let everything = Cut(threshold: .infinity, ties: 0)

  /// The cut that takes exactly `taken` of some scores in memory; nil where one of them is NaN or infinite.
  /// - Complexity: some five passes over scores that fit in the cache; longer ones are counted in two passes.
  public static func find(_ scores: UnsafeBufferPointer<Float>, taken: Int) -> Cut? {
    precondition(taken >= 0 && taken <= scores.count, "\(taken) of \(scores.count) scores")
    guard let base = scores.baseAddress else { return .nothing }
    guard scores.count > 1 << 17 else {
      let cut = ck_find_cut(base, scores.count, taken)
      return cut.finite != 0 ? Cut(threshold: cut.threshold, ties: cut.ties) : nil
    }
    var histogram = OrderHistogram()
    histogram.counts.withUnsafeMutableBufferPointer {
      ck_count_upper($0.baseAddress, base, scores.count)
    }
    guard histogram.isFinite else { return nil }
    guard let (upper, before) = histogram.bin(of: taken) else { return .everything }
    var lower = OrderHistogram()
    lower.counts.withUnsafeMutableBufferPointer {
      ck_count_lower($0.baseAddress, base, scores.count, UInt32(upper))
    }
    return lower.cut(of: taken - before, upper: upper)
  }

  /// The cut that takes exactly `taken` of the scores of several matrices together, in their order; the threshold of a
  /// global selection without its masks. Streams: twice over the scores, once where they are magnitudes of bf16.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public static func find(
    in matrices: [PrunableMatrix], taken: Int, score: Score, evidence: EvidenceSource = noEvidence
  ) throws -> Cut {
    try find(matrices.count, taken: taken, named: score) {
      try Cancellation.check()
      return try score.of(matrices[$0], evidence(matrices[$0]))
    }
  }

  /// The cut that takes exactly `taken` of the scores of several matrices together, in their order. Streams: twice over
  /// the scores, once where they are magnitudes of bf16.
  ///
  /// `score` gives the scores of a matrix; it is asked once a pass.
  /// - Throws: what `score` throws; ``ImportanceError/scoreNotFinite(score:role:)`` and
  ///   ``ImportanceError/weightNotFinite(tensor:role:row:column:)``.
  static func find(
    _ count: Int, taken: Int, named: Score, score: (Int) throws -> MatrixScore
  ) throws -> Cut {
    let histogram = Histogram64()
    var isCoarse = true
    for index in 0..<count {
      let matrix = try score(index)
      isCoarse = isCoarse && matrix.isCoarse
      try histogram.addUpper(of: matrix, named)
    }
    guard let (upper, before) = histogram.bin(of: taken) else { return .everything }
    if isCoarse { return Cut(threshold: Place.number(UInt32(upper) << 16), ties: taken - before) }
    let lower = Histogram64()
    for index in 0..<count { lower.addLower(of: try score(index), upper: UInt32(upper)) }
    guard let (low, earlier) = lower.bin(of: taken - before) else { return .everything }
    return Cut(
      threshold: Place.number(UInt32(upper) << 16 | UInt32(low)), ties: taken - before - earlier)
  }
}

/// The order of f32 as unsigned integers, -0 being +0; as in `ck_select.h`.
enum Place {
  /// A number's place.
  static func of(_ x: Float) -> UInt32 {
    let bits = (x + 0).bitPattern
    return bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
  }

  /// The number at a place.
  static func number(_ place: UInt32) -> Float {
    Float(bitPattern: place & 0x8000_0000 != 0 ? place & 0x7fff_ffff : ~place)
  }
}

/// How often each half of the places occurs.
struct OrderHistogram {
  var counts = [UInt32](repeating: 0, count: 65_536)

  /// Upper halves of infinities and NaN lie at both ends.
  static func isFinite(_ bin: Int) -> Bool { bin > 0x007f && bin < 0xff80 }

  var isFinite: Bool { counts.indices.allSatisfy { Self.isFinite($0) || counts[$0] == 0 } }

  /// The bin in which the `taken`-th score ends and how many lie before it; nil where all are taken.
  func bin(of taken: Int) -> (bin: Int, before: Int)? {
    var before = 0
    for (bin, count) in counts.enumerated() {
      if before + Int(count) > taken { return (bin, before) }
      before += Int(count)
    }
    return nil
  }

  /// The cut among the scores of one upper half.
  func cut(of taken: Int, upper: Int) -> Cut? {
    bin(of: taken).map { low, before in
      Cut(threshold: Place.number(UInt32(upper) << 16 | UInt32(low)), ties: taken - before)
    }
  }
}

import Architectures
import OrderedCollections
import Runtime
import Statistics
import Tensors

extension Overlap {
  /// Every pair by matrix, then by role: the mean over its matrices by their weights. One matrix at a time; holds 20
  /// bytes a weight of it and 4 for each score beyond the second.
  static func weights(
    _ matrices: [PrunableMatrix], _ scores: [Score], _ share: Double, _ evidence: EvidenceSource,
    _ progress: ProgressSink
  ) throws -> [Line] {
    var lines: [Line] = []
    for (done, matrix) in matrices.enumerated() {
      try Cancellation.check()
      let known = try evidence(matrix)
      let top = max(1, Int((share * Double(matrix.count)).rounded()))
      var ranks: [[UInt32]] = []
      var highest: [Mask] = [], lowest: [Mask] = []
      for score in scores {
        let own = try score.of(matrix, known)
        func mask(_ taken: Int) throws -> Mask {
          try own.mask(
            Cut.find(in: [matrix], taken: taken, score: score, evidence: { _ in known }), score)
        }
        highest.append(try mask(matrix.count - top))
        lowest.append(try mask(top))
        ranks.append(Self.ranks(own))
      }
      func shared(_ count: Int) -> Double { Double(count) / Double(top) }
      for first in scores.indices {
        for second in scores.indices where second > first {
          // Of a mask, what is kept are the highest; of its counterpart, what is pruned are the lowest.
          let both = highest[first].commonKept(highest[second])
          lines.append(
            Line(
              role: matrix.role.inBlock?.rawValue ?? "", block: matrix.block, first: first, second: second,
              units: matrix.count, top: top, correlation: correlation(ranks[first], ranks[second]),
              overlap: shared(both), removed: shared(top - highest[first].commonKept(lowest[second])),
              removedBack: shared(top - highest[second].commonKept(lowest[first]))))
        }
      }
      progress(
        ProgressEvent(stage: "overlap", completed: done + 1, total: matrices.count, unit: "matrices"))
    }
    return lines + roles(lines)
  }

  private static func roles(_ lines: [Line]) -> [Line] {
    struct Key: Hashable {
      var role: String
      var first, second: Int
    }
    let groups = OrderedDictionary(grouping: lines) { Key(role: $0.role, first: $0.first, second: $0.second) }
    return groups.map { key, own in
      let units = own.reduce(0) { $0 + $1.units }
      func mean(_ value: (Line) -> Double) -> Double {
        own.reduce(0.0) { $0 + value($1) * Double($1.units) } / Double(max(1, units))
      }
      let correlations = own.compactMap(\.correlation)
      return Line(
        role: key.role, block: nil, first: key.first, second: key.second, units: units,
        top: own.reduce(0) { $0 + $1.top },
        correlation: correlations.count == own.count ? mean { $0.correlation ?? 0 } : nil,
        overlap: mean(\.overlap), removed: mean(\.removed), removedBack: mean(\.removedBack))
    }
  }

  /// Twice the rank of every score less one, ties at their middle: whole numbers.
  private static func ranks(_ scores: MatrixScore) -> [UInt32] {
    let count = scores.matrix.count
    let keys = [UInt32](unsafeUninitializedCapacity: count) { buffer, used in
      if let base = buffer.baseAddress {
        scores.forEachPiece { rows, values in
          let target = base + rows.lowerBound * scores.matrix.inputs
          for i in 0..<rows.count * scores.matrix.inputs { target[i] = Place.of(values[i]) }
        }
      }
      used = count
    }
    let order = RadixSort.order(keys)
    var ranks = [UInt32](repeating: 0, count: count)
    var start = 0
    while start < count {
      var end = start + 1
      while end < count && keys[Int(order[end])] == keys[Int(order[start])] { end += 1 }
      for place in start..<end { ranks[Int(order[place])] = UInt32(start + end - 1) }
      start = end
    }
    return ranks
  }

  /// Pearson's r of two lists of ranks; nil where a side is constant.
  private static func correlation(_ a: [UInt32], _ b: [UInt32]) -> Double? {
    let mean = Double(a.count) - 1
    var ab = 0.0, aa = 0.0, bb = 0.0
    for index in a.indices {
      let (x, y) = (Double(a[index]) - mean, Double(b[index]) - mean)
      ab += x * y
      aa += x * x
      bb += y * y
    }
    let r = ab / (aa.squareRoot() * bb.squareRoot())
    return r.isFinite ? min(1, max(-1, r)) : nil
  }
}

import CKernels
import Layers
import Synchronization
import Tensors

/// A histogram of places over whole checkpoints, filled from several threads. Counts are integers: no order matters.
final class Histogram64: Sendable {
  private let counts = Mutex([Int](repeating: 0, count: 65_536))

  /// Weights that one thread counts before it adds to the others: the merging stays small beside it.
  private static let grain = 1 << 21

  /// Counts the upper halves of a matrix's scores.
  /// - Throws: ``ImportanceError`` where one is not finite.
  func addUpper(of score: MatrixScore, _ named: Score) throws {
    let own = Histogram64.counted(score) { counts, scores, count in
      ck_count_upper(counts, scores, count)
    } byMagnitude: { bins, scores in
      var counts = [Int](repeating: 0, count: 65_536)
      for (magnitude, count) in bins.enumerated() where count > 0 {
        counts[Int(Place.of(scores[magnitude]) >> 16)] += count
      }
      return counts
    }
    for (bin, count) in own.enumerated() where count > 0 && !OrderHistogram.isFinite(bin) {
      throw MatrixCheck.notFinite(named, score.matrix)
    }
    add(own)
  }

  /// Counts the lower halves of the scores whose upper half is `upper`.
  func addLower(of score: MatrixScore, upper: UInt32) {
    add(
      Histogram64.counted(score) { counts, scores, count in
        ck_count_lower(counts, scores, count, upper)
      } byMagnitude: { bins, scores in
        var counts = [Int](repeating: 0, count: 65_536)
        for (magnitude, count) in bins.enumerated() where count > 0 {
          let place = Place.of(scores[magnitude])
          if place >> 16 == upper { counts[Int(place & 0xffff)] += count }
        }
        return counts
      })
  }

  /// The bin in which the `taken`-th score ends and how many lie before it; nil where all are taken.
  func bin(of taken: Int) -> (bin: Int, before: Int)? {
    counts.withLock { counts in
      var before = 0
      for (bin, count) in counts.enumerated() {
        if before + count > taken { return (bin, before) }
        before += count
      }
      return nil
    }
  }

  /// All counts.
  var values: [Int] { counts.withLock { $0 } }

  private func add(_ own: [Int]) { counts.withLock { for bin in own.indices { $0[bin] += own[bin] } } }

  private static func counted(
    _ score: MatrixScore, _ count: (UnsafeMutablePointer<UInt32>, UnsafePointer<Float>, Int) -> Void,
    byMagnitude: ([Int], [Float]) -> [Int]
  ) -> [Int] {
    if let scores = score.byMagnitude { return byMagnitude(magnitudes(of: score.matrix), scores) }
    let step = score.rowsAtATime, matrix = score.matrix
    let pieces = (matrix.outputs + step - 1) / step
    return merged(
      bins: 65_536, items: pieces, grain: max(1, grain / max(1, step * matrix.inputs))
    ) { range, counts in
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: step * matrix.inputs)
      defer { scratch.deallocate() }
      for piece in range {
        let rows = piece * step..<min((piece + 1) * step, matrix.outputs)
        score.fill(rows: rows, to: scratch)
        count(counts, scratch, rows.count * matrix.inputs)
      }
    }
  }

  /// How often each magnitude of a matrix of 16-bit floats occurs, `[32768]`.
  /// - Complexity: one pass over the stored bytes.
  static func magnitudes(of matrix: PrunableMatrix) -> [Int] {
    let lines = matrix.weight.storedLines
    let perLine = max(1, matrix.count / max(1, lines))
    return merged(bins: 32_768, items: lines, grain: max(1, grain / perLine)) { range, counts in
      matrix.weight.forEachStoredRun(lines: range) { bytes, count in
        ck_count_magnitudes(counts, bytes.assumingMemoryBound(to: UInt16.self), count)
      }
    }
  }

  private static func merged(
    bins: Int, items: Int, grain: Int, _ body: (Range<Int>, UnsafeMutablePointer<UInt32>) -> Void
  ) -> [Int] {
    let sums = Mutex([Int](repeating: 0, count: bins))
    Parallel.forEach(items, grain: grain) { range in
      let own = UnsafeMutablePointer<UInt32>.allocate(capacity: bins)
      own.initialize(repeating: 0, count: bins)
      defer { own.deallocate() }
      body(range, own)
      sums.withLock { for bin in 0..<bins where own[bin] > 0 { $0[bin] += Int(own[bin]) } }
    }
    return sums.withLock { $0 }
  }
}

extension MatrixScore {
  /// Whether every score's place has the lower half 0, so that the upper half says all: magnitudes of bf16.
  var isCoarse: Bool {
    guard matrix.weight.dtype == .bf16, let byMagnitude else { return false }
    return byMagnitude.allSatisfy { $0.isNaN || Place.of($0) & 0xffff == 0 }
  }
}

import Architectures
import CKernels
import Synchronization
import Tensors

extension MatrixScore {
  /// How many scores lie below a threshold and how many equal it.
  func counts(at threshold: Float) -> (below: Int, equal: Int) {
    if let byMagnitude {
      var below = 0, equal = 0
      for (magnitude, count) in Histogram64.magnitudes(of: matrix).enumerated() where count > 0 {
        if byMagnitude[magnitude] < threshold { below += count }
        if byMagnitude[magnitude] == threshold { equal += count }
      }
      return (below, equal)
    }
    let sums = Mutex((below: 0, equal: 0))
    forEachPiece { rows, scores in
      var equal = 0
      let below = ck_count_below(&equal, scores, rows.count * matrix.inputs, threshold)
      sums.withLock { $0 = ($0.below + below, $0.equal + equal) }
    }
    return sums.withLock { $0 }
  }

  /// The mask of a cut through the whole matrix.
  func mask(_ cut: Cut, _ named: Score) throws -> Mask {
    guard cut != .nothing && cut != .everything else {
      try MatrixCheck.requireFinite(matrix)
      return Mask(outputs: matrix.outputs, inputs: matrix.inputs, keepingAll: cut == .nothing)
    }
    // A piece must know how many ties the earlier ones have taken.
    let step = rowsAtATime
    var before: [Int] = []
    if cut.ties > 0 {
      let equal = Slots(repeating: 0, count: (matrix.outputs + step - 1) / step)
      forEachPiece { rows, scores in
        var own = 0
        _ = ck_count_below(&own, scores, rows.count * matrix.inputs, cut.threshold)
        equal[rows.lowerBound / step] = own
      }
      var running = 0
      for own in equal.values {
        before.append(running)
        running += own
      }
    }
    return Mask(outputs: matrix.outputs, inputs: matrix.inputs) { words in
      let perRow = (matrix.inputs + 63) / 64
      forEachPiece { rows, scores in
        var ties = cut.ties == 0 ? 0 : max(0, cut.ties - before[rows.lowerBound / step])
        for (place, row) in rows.enumerated() {
          ties = ck_write_mask(
            words + row * perRow, scores + place * matrix.inputs, matrix.inputs, cut.threshold, ties)
        }
      }
    }
  }

  /// The mask of groups within the matrix; `taken` weights in all.
  func mask(_ group: ComparisonGroup, taken: Int, _ named: Score) throws -> Mask {
    let mask =
      switch group {
      case .row: rowMask(taken)
      case .column: columnMask(width: 1, taken)
      case .columns(let width): columnMask(width: min(width, matrix.inputs), taken)
      case .keep(let kept, let width, _): patternMask(kept: kept, of: width)
      case .tensor, .layer, .global: preconditionFailure("a group that is cut as a whole")
      }
    guard let mask else { throw MatrixCheck.notFinite(named, matrix) }
    return mask
  }

  private func rowMask(_ taken: Int) -> Mask? {
    let (outputs, inputs) = (matrix.outputs, matrix.inputs)
    let bad = Mutex(false)
    let mask = Mask(outputs: outputs, inputs: inputs) { words in
      let perRow = (inputs + 63) / 64
      forEachPiece { rows, scores in
        for (place, row) in rows.enumerated() {
          let line = scores + place * inputs
          let cut = ck_find_cut(line, inputs, Apportion.equal(taken, part: row, of: outputs))
          if cut.finite == 0 { bad.withLock { $0 = true } }
          ck_write_mask(words + row * perRow, line, inputs, cut.threshold, cut.ties)
        }
      }
    }
    return bad.withLock { $0 } ? nil : mask
  }

  /// Every M inputs of a row: of those, the M − N lowest go, the lower index first.
  private func patternMask(kept: Int, of width: Int) -> Mask? {
    let inputs = matrix.inputs, drop = width - kept
    let bad = Mutex(false)
    let mask = Mask(outputs: matrix.outputs, inputs: inputs) { words in
      let perRow = (inputs + 63) / 64
      forEachPiece { rows, scores in
        for (place, row) in rows.enumerated() {
          let line = scores + place * inputs
          let target = words + row * perRow
          // Finite, and all bits set: a cut that takes nothing.
          let cut = ck_find_cut(line, inputs, 0)
          if cut.finite == 0 { bad.withLock { $0 = true } }
          ck_write_mask(target, line, inputs, cut.threshold, 0)
          for start in stride(from: 0, to: inputs / width * width, by: width) {
            for i in start..<start + width {
              var rank = 0
              for j in start..<start + width {
                rank += line[j] < line[i] || (line[j] == line[i] && j < i) ? 1 : 0
              }
              if rank < drop { target[i >> 6] &= ~(1 << UInt64(i & 63)) }
            }
          }
        }
      }
    }
    return bad.withLock { $0 } ? nil : mask
  }

  /// Blocks of columns over all rows. Holds the scores of the whole matrix, 4 bytes a weight.
  private func columnMask(width: Int, _ taken: Int) -> Mask? {
    let (outputs, inputs) = (matrix.outputs, matrix.inputs)
    let all = UnsafeMutablePointer<Float>.allocate(capacity: max(1, matrix.count))
    defer { all.deallocate() }
    forEachPiece { rows, scores in
      (all + rows.lowerBound * inputs).update(from: scores, count: rows.count * inputs)
    }
    let blocks = (inputs + width - 1) / width
    let sizes = (0..<blocks).map { min(width, inputs - $0 * width) * outputs }
    let counts = Apportion.proportional(taken, sizes)
    // A threshold a block, and the place in the block, row by row, where ties end.
    let limits = Slots(repeating: (threshold: Float(0), end: 0), count: blocks)
    let bad = Mutex(false)
    Parallel.forEach(blocks, grain: max(1, 64 / width)) { range in
      let block = UnsafeMutablePointer<Float>.allocate(capacity: width * outputs)
      defer { block.deallocate() }
      for index in range {
        let first = index * width, own = min(width, inputs - first)
        for row in 0..<outputs {
          (block + row * own).update(from: all + row * inputs + first, count: own)
        }
        let scores = UnsafeBufferPointer(start: block, count: own * outputs)
        guard let cut = Cut.find(scores, taken: counts[index]) else {
          bad.withLock { $0 = true }
          continue
        }
        var end = 0, ties = cut.ties
        while ties > 0 {
          if scores[end] == cut.threshold { ties -= 1 }
          end += 1
        }
        limits[index] = (cut.threshold, end)
      }
    }
    if bad.withLock({ $0 }) { return nil }
    return Mask(outputs: outputs, inputs: inputs) { words in
      let perRow = (inputs + 63) / 64
      Parallel.forEach(outputs, grain: rowsAtATime) { rows in
        for row in rows {
          (words + row * perRow).update(repeating: 0, count: perRow)
          for index in 0..<blocks {
            let first = index * width, own = min(width, inputs - first)
            let limit = limits[index]
            for column in 0..<own {
              let score = all[row * inputs + first + column]
              let isTaken =
                score < limit.threshold || (score == limit.threshold && row * own + column < limit.end)
              if !isTaken {
                words[row * perRow + (first + column) >> 6] |= 1 << UInt64((first + column) & 63)
              }
            }
          }
        }
      }
    }
  }
}

import Tensors

/// Sums and maxima of a matrix's scores along its rows and columns: what units of every structured grain add up.
struct LineAggregate: Sendable {
  /// Σ of each row, `[N]`.
  let rowSums: [Double]
  /// Σ of each column, `[K]`.
  let columnSums: [Double]
  /// The largest and the smallest score of each row, `[N]`.
  let rowMaxima, rowMinima: [Float]
  /// The largest score of each column, `[K]`.
  let columnMaxima: [Float]

  /// One pass over the scores. Sums are f64: along a row from left to right; along a column over the rows of a piece,
  /// then over the pieces, both in order, so threads do not matter.
  init(_ scores: MatrixScore) {
    let (outputs, inputs) = (scores.matrix.outputs, scores.matrix.inputs)
    let rowSums = Slots(repeating: 0.0, count: outputs)
    let rowMaxima = Slots(repeating: -Float.infinity, count: outputs)
    let rowMinima = Slots(repeating: Float.infinity, count: outputs)
    let step = scores.rowsAtATime
    // At most 256 partial sums of columns, whatever the number of rows.
    let pieces = (outputs + step - 1) / step
    let perPart = max(1, (pieces + 255) / 256), parts = (pieces + perPart - 1) / max(1, perPart)
    let columnSums = Slots(repeating: [Double](), count: parts)
    let columnMaxima = Slots(repeating: [Float](), count: parts)
    Parallel.forEach(parts, grain: 1) { range in
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: max(1, step * inputs))
      defer { scratch.deallocate() }
      for part in range {
        var sums = [Double](repeating: 0, count: inputs)
        var maxima = [Float](repeating: -.infinity, count: inputs)
        for piece in part * perPart..<min((part + 1) * perPart, pieces) {
          let rows = piece * step..<min((piece + 1) * step, outputs)
          scores.fill(rows: rows, to: scratch)
          for (place, row) in rows.enumerated() {
            let line = scratch + place * inputs
            var sum = 0.0
            var largest = -Float.infinity, smallest = Float.infinity
            for k in 0..<inputs {
              sum += Double(line[k])
              largest = max(largest, line[k])
              smallest = min(smallest, line[k])
            }
            rowSums[row] = sum
            rowMaxima[row] = largest
            rowMinima[row] = smallest
            sums.withUnsafeMutableBufferPointer { sums in
              maxima.withUnsafeMutableBufferPointer { maxima in
                for k in 0..<inputs {
                  sums[k] += Double(line[k])
                  maxima[k] = max(maxima[k], line[k])
                }
              }
            }
          }
        }
        columnSums[part] = sums
        columnMaxima[part] = maxima
      }
    }
    var sums = [Double](repeating: 0, count: inputs)
    var maxima = [Float](repeating: -.infinity, count: inputs)
    for part in 0..<parts {
      for k in 0..<inputs {
        sums[k] += columnSums[part][k]
        maxima[k] = max(maxima[k], columnMaxima[part][k])
      }
    }
    self.rowSums = rowSums.values
    self.rowMaxima = rowMaxima.values
    self.rowMinima = rowMinima.values
    self.columnSums = sums
    self.columnMaxima = maxima
  }
}

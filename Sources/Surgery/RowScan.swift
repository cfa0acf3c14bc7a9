import Layers
import Tensors

/// Cosine and length of every row of a matrix against one direction; sums in f64, in index order a lane at a time.
enum RowScan {
  struct Row: Sendable {
    var cosine: Float
    var norm: Float
  }

  /// - Parameters:
  ///   - weight: `[N, K]`, read in place in the type it is stored in.
  ///   - gain: multiplies the columns before the comparison (not the reported length), `[K]`.
  ///   - direction: `[K]`.
  /// - Complexity: one pass over the matrix.
  static func run(_ weight: LinearWeight, gain: [Float]?, direction: [Float]) -> [Row] {
    let width = weight.inputs
    let directionNorm = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let rows = Slots(repeating: Row(cosine: 0, norm: 0), count: weight.outputs)
    Parallel.forEach(weight.outputs, grain: 64) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count * width) { block in
        guard let base = block.baseAddress else { return }
        weight.widen(rows: range, to: base)
        for index in range {
          let row = base + (index - range.lowerBound) * width
          let plain = Sums(row, direction, gain: nil, width: width)
          let compared = gain.map { Sums(row, direction, gain: $0, width: width) } ?? plain
          let scale = compared.squares.squareRoot() * directionNorm
          rows[index] = Row(
            cosine: scale > 0 ? Float(compared.dot / scale) : 0, norm: Float(plain.squares.squareRoot()))
        }
      }
    }
    return rows.values
  }

  /// Dot product with the direction and sum of squares, eight f64 lanes each.
  private struct Sums {
    var dot: Double
    var squares: Double

    init(_ row: UnsafePointer<Float>, _ direction: [Float], gain: [Float]?, width: Int) {
      var dots = SIMD8<Double>.zero
      var squares = SIMD8<Double>.zero
      direction.withUnsafeBufferPointer { direction in
        for k in stride(from: 0, to: width, by: 8) {
          var values = SIMD8<Double>.zero
          var compared = SIMD8<Double>.zero
          for lane in 0..<min(8, width - k) {
            values[lane] = Double(row[k + lane]) * Double(gain?[k + lane] ?? 1)
            compared[lane] = Double(direction[k + lane])
          }
          dots += values * compared
          squares += values * values
        }
      }
      self.dot = dots.sum()
      self.squares = squares.sum()
    }
  }
}

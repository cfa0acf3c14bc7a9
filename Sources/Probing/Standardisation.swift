import Tensors

/// Mean and deviation of every feature over the training texts, and the training texts brought to mean 0 and
/// deviation 1. `n` training texts, `D` features.
struct Standardisation: Sendable {
  /// `[D]`.
  let mean: [Double]
  /// `[D]`; 1 where a feature never changes.
  let deviation: [Double]
  /// f32 `[n, D]`.
  let values: Tensor

  /// Standardises some rows of features.
  ///
  /// One pass for both moments, in f64 about the mean of the first rows (so that large offsets cost no digits), and one
  /// to write.
  init(_ features: Features, rows: [Int]) {
    defer { withExtendedLifetime(features) {} }
    let width = features.width, from = features.tensor.f32
    var shift = [Double](repeating: 0, count: width)
    let first = rows.prefix(64)
    for row in first { for j in 0..<width { shift[j] += Double(from[row * width + j]) } }
    for j in 0..<width { shift[j] /= Double(max(1, first.count)) }
    // Partial sums over 1,024 rows each, added in order.
    let chunk = 1024, chunks = (rows.count + chunk - 1) / chunk
    let parts = Slots(repeating: (sums: [Double](), squares: [Double]()), count: chunks)
    let origin = shift
    Parallel.forEach(chunks, grain: 1) { range in
      for part in range {
        let own = rows[part * chunk..<min((part + 1) * chunk, rows.count)]
        parts[part] = Self.moments(from, own, width, origin)
      }
    }
    var sums = [Double](repeating: 0, count: width), squares = sums
    for part in parts.values {
      for j in 0..<width {
        sums[j] += part.sums[j]
        squares[j] += part.squares[j]
      }
    }
    let n = Double(rows.count)
    var mean = shift, deviation = [Double](repeating: 1, count: width)
    for j in 0..<width {
      let part = sums[j] / n
      mean[j] += part
      let variance = squares[j] / n - part * part
      // Below f32's own rounding of the feature nothing but rounding varies.
      let floor = 1e-7 * abs(mean[j])
      if variance > floor * floor { deviation[j] = variance.squareRoot() }
    }
    let values = Tensor(zeros: [rows.count, width])
    let target = values.f32
    let inverse = deviation.map { 1 / $0 }
    mean.withUnsafeBufferPointer { mean in
      inverse.withUnsafeBufferPointer { inverse in
        Parallel.forEach(rows.count, grain: 64) { range in
          for place in range {
            let x = from + rows[place] * width, z = target + place * width
            for j in 0..<width { z[j] = Float((Double(x[j]) - mean[j]) * inverse[j]) }
          }
        }
      }
    }
    self.mean = mean
    self.deviation = deviation
    self.values = values
  }

  /// Sums of the differences from `shift` `[D]` and of their squares over some rows, `[D]` each.
  private static func moments(
    _ from: UnsafePointer<Float>, _ rows: ArraySlice<Int>, _ width: Int, _ shift: [Double]
  ) -> (sums: [Double], squares: [Double]) {
    var sums = [Double](repeating: 0, count: width), squares = sums
    shift.withUnsafeBufferPointer { shift in
      sums.withUnsafeMutableBufferPointer { sums in
        squares.withUnsafeMutableBufferPointer { squares in
          for row in rows {
            let x = from + row * width
            for j in 0..<width {
              let difference = Double(x[j]) - shift[j]
              sums[j] += difference
              squares[j] += difference * difference
            }
          }
        }
      }
    }
    return (sums, squares)
  }
}

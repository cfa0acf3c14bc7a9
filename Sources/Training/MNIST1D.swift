import Glibc
import Tensors

/// MNIST-1D (arXiv 2011.14439): ten templates of twelve points, stretched, scaled, moved, sheared and drowned in noise
/// until a linear model fails; 40 numbers a signal. Written from its description, for the standard arguments and seed 42
/// number for number the set that its authors publish.
public enum MNIST1D {
  private static let templates: [[Double]] = [
    [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5], [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
    [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5], [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
    [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5], [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
    [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5], [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5], [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
  ]
  /// Numbers of a signal.
  public static let width = 40
  private static let padded = 72
  private static let padding = (low: 36, high: 60)

  /// `count` signals, standardised together, in the published order; the published set is 5,000 with seed 42, of which
  /// the first 4,000 train.
  /// - Complexity: O(count); 5,000 take about a tenth of a second.
  public static func make(count: Int = 5000, seed: UInt32 = 42) -> (signals: Tensor, labels: [Int]) {
    var random = MersenneTwister(seed: seed)
    let each = count / templates.count
    var signals: [[Double]] = []
    for template in normalised {
      for _ in 0..<each { signals.append(signal(template, &random)) }
    }
    let order = random.permutation(signals.count)
    let all = signals.flatMap { $0 }
    let mean = all.reduce(0, +) / Double(all.count)
    let deviation = (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)).squareRoot()
    let tensor = Tensor(zeros: [signals.count, width])
    for (row, index) in order.enumerated() {
      for i in 0..<width { tensor.f32[row * width + i] = Float((signals[index][i] - mean) / deviation) }
    }
    return (tensor, order.map { $0 / each })
  }

  /// Templates with mean 0 and deviation 1, moved so that they begin at 0, over 6.
  private static var normalised: [[Double]] {
    templates.map { points in
      let mean = points.reduce(0, +) / Double(points.count)
      let centred = points.map { $0 - mean }
      let deviation = (centred.reduce(0) { $0 + $1 * $1 } / Double(points.count)).squareRoot()
      let scaled = centred.map { $0 / deviation }
      return scaled.map { ($0 - scaled[0]) / 6 }
    }
  }

  private static func signal(_ template: [Double], _ random: inout MersenneTwister) -> [Double] {
    let zeros = padding.low + Int(random.uniform() * Double(padding.high - padding.low + 1))
    var x = interpolate(template.map { $0 + 1e-8 } + Array(repeating: 0, count: zeros), padded)
    let scale = 1 + 0.4 * (random.uniform() - 0.5)
    for i in x.indices { x[i] *= scale }
    let shift = random.upTo(47)
    // A shift of 0 takes the whole signal and then the empty rest, as the published code does.
    x = shift == 0 ? x : Array(x[(x.count - shift)...] + x[..<(x.count - shift)])
    let smooth = smoothed((0..<padded).map { _ in 0.25 * random.normal() })
    for i in x.indices where x[i] == 0 { x[i] = smooth[i] }
    for i in x.indices { x[i] += 2e-2 * random.normal() }
    let shear = 0.75 * (random.uniform() - 0.5)
    let slope = spaced(-0.5, 0.5, padded)
    for i in x.indices { x[i] -= shear * slope[i] }
    return interpolate(x, width)
  }

  /// `numpy.linspace`.
  private static func spaced(_ from: Double, _ to: Double, _ count: Int) -> [Double] {
    let step = (to - from) / Double(count - 1)
    var values = (0..<count).map { Double($0) * step + from }
    values[count - 1] = to
    return values
  }

  /// Linear interpolation of equally spaced points at `count` equally spaced places.
  private static func interpolate(_ y: [Double], _ count: Int) -> [Double] {
    let old = spaced(0, 1, y.count)
    var j = 0
    return spaced(0, 1, count).map { place in
      while j + 1 < old.count, old[j + 1] <= place { j += 1 }
      if j == old.count - 1 || old[j] == place { return y[j] }
      let slope = (y[j + 1] - y[j]) / (old[j + 1] - old[j])
      return slope * (place - old[j]) + y[j]
    }
  }

  /// A Gaussian of deviation 2 and radius 8, the ends mirrored.
  private static func smoothed(_ x: [Double]) -> [Double] {
    let radius = 8
    var weights = (-radius...radius).map { exp(-0.5 / 4 * Double($0 * $0)) }
    let sum = weights.reduce(0, +)
    for i in weights.indices { weights[i] /= sum }
    return x.indices.map { place in
      var total = 0.0
      for offset in -radius...radius {
        var index = place + offset
        if index < 0 { index = -index - 1 }
        if index >= x.count { index = 2 * x.count - 1 - index }
        total += x[index] * weights[offset + radius]
      }
      return total
    }
  }
}

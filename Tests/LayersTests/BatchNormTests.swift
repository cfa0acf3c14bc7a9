import Layers
import Tensors
import TestSupport
import Testing

/// Batch norm and pooling against f64: values, and gradients by finite differences.
@Suite struct BatchNormTests {
  struct Case: Sendable {
    let rows: Int, pixels: Int, channels: Int, relu: Bool, hasBeside: Bool
  }
  static let cases = [
    Case(rows: 3, pixels: 7, channels: 1, relu: false, hasBeside: false),
    Case(rows: 4, pixels: 5, channels: 3, relu: true, hasBeside: true),
    Case(rows: 2, pixels: 64, channels: 16, relu: true, hasBeside: false),
    Case(rows: 5, pixels: 9, channels: 40, relu: false, hasBeside: true),
    Case(rows: 2, pixels: 700, channels: 2, relu: true, hasBeside: false),
    Case(rows: 9, pixels: 1, channels: 6, relu: false, hasBeside: false),
  ]

  /// Σ dy · y in f64, for inputs and gains given in f64.
  private static func value(
    _ c: Case, _ x: [Double], _ gain: [Double], _ bias: [Double], _ beside: [Double]?, _ dy: [Float]
  ) -> (y: [Double], sum: Double) {
    var y = x
    for channel in 0..<c.channels {
      let places = stride(from: channel, to: x.count, by: c.channels)
      let n = Double(c.rows * c.pixels)
      let mean = places.reduce(0.0) { $0 + x[$1] } / n
      let variance = places.reduce(0.0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / n
      for i in places {
        y[i] =
          (x[i] - mean) / (variance + 1e-5).squareRoot() * gain[channel] + bias[channel] + (beside?[i] ?? 0)
        if c.relu { y[i] = max(0, y[i]) }
      }
    }
    return (y, y.indices.reduce(0.0) { $0 + y[$1] * Double(dy[$1]) })
  }

  @Test(arguments: cases) func equalsFiniteDifferences(_ c: Case) {
    let count = c.rows * c.pixels * c.channels
    // Far from the mean 0: the variance must not suffer.
    let x = [Float].random(count, seed: 1).map { $0 + 5 }
    let gain = [Float].random(c.channels, seed: 2), bias = [Float].random(c.channels, seed: 3)
    let beside = c.hasBeside ? [Float].random(count, seed: 4) : nil
    let dy = [Float].random(count, seed: 5)
    func run() -> [[Float]] {
      let norm = BatchNorm(channels: c.channels, pixels: c.pixels)
      norm.measure(x, rows: c.rows)
      var y = x, dx = x, g = dy
      beside.withOptional { beside in
        norm.apply(
          &y, x, beside: beside, rows: c.rows, gain: Tensor(gain), bias: Tensor(bias), relu: c.relu)
      }
      let (dGain, dBias) = (Tensor(zeros: [c.channels]), Tensor(zeros: [c.channels]))
      y.withUnsafeBufferPointer { y in
        norm.backward(
          &dx, &g, x, cutAtZero: c.relu ? y.baseAddress : nil, rows: c.rows, gain: Tensor(gain), dGain: dGain,
          dBias: dBias)
      }
      return [y, dx, dGain.toFloats(), dBias.toFloats(), g]
    }
    let own = run()
    KernelSetting.each { setting in #expect(run() == own, "\(c), \(setting)") }
    var values = (x: x.map(Double.init), gain: gain.map(Double.init), bias: bias.map(Double.init))
    let wide = beside?.map(Double.init)
    func sum() -> Double { Self.value(c, values.x, values.gain, values.bias, wide, dy).sum }
    let y = Self.value(c, values.x, values.gain, values.bias, wide, dy).y
    for i in 0..<count { #expect(abs(Double(own[0][i]) - y[i]) < 5e-6) }
    for i in 0..<count where c.relu { #expect(own[4][i] == (own[0][i] > 0 ? dy[i] : 0)) }
    func slope(_ path: WritableKeyPath<(x: [Double], gain: [Double], bias: [Double]), [Double]>, _ i: Int)
      -> Double
    {
      let kept = values[keyPath: path][i]
      values[keyPath: path][i] = kept + 1e-6
      let up = sum()
      values[keyPath: path][i] = kept - 1e-6
      let down = sum()
      values[keyPath: path][i] = kept
      return (up - down) / 2e-6
    }
    // A number cut at 0 has no slope there: those next to it are left out.
    for i in stride(from: 0, to: count, by: max(1, count / 97)) {
      let exact = slope(\.x, i)
      #expect(abs(Double(own[1][i]) - exact) < 3e-4 * max(1, abs(exact)), "dx[\(i)] of \(c)")
    }
    for i in 0..<c.channels {
      #expect(abs(Double(own[2][i]) - slope(\.gain, i)) < 2e-4 * Double(c.rows * c.pixels).squareRoot())
      #expect(abs(Double(own[3][i]) - slope(\.bias, i)) < 2e-4 * Double(c.rows * c.pixels).squareRoot())
    }
  }

  @Test(arguments: Pooling.Kind.allCases) func pooling(_ kind: Pooling.Kind) {
    let image = ConvolutionShape.Extent(height: 5, width: 7)
    for pooling in [
      Pooling(kind, image: image, channels: 3, window: .init(2)),
      Pooling(kind, image: image, channels: 3, window: .init(3), stride: .init(height: 1, width: 2)),
      .global(kind, image: image, channels: 3),
    ] {
      let rows = 2
      let x = [Float].random(rows * pooling.inputCount, seed: 1)
      let dy = [Float].random(rows * pooling.outputCount, seed: 2)
      var y = [Float](repeating: 7, count: dy.count), dx = [Float](repeating: 7, count: x.count)
      pooling.forward(&y, x, rows: rows)
      pooling.backward(&dx, dy, x, rows: rows)
      var expected = [Double](repeating: 0, count: x.count)
      let out = pooling.outputImage
      for row in 0..<rows {
        for oy in 0..<out.height {
          for ox in 0..<out.width {
            for c in 0..<3 {
              var places: [Int] = []
              for wy in 0..<pooling.window.height {
                for wx in 0..<pooling.window.width {
                  let (py, px) = (oy * pooling.stride.height + wy, ox * pooling.stride.width + wx)
                  places.append(((row * 5 + py) * 7 + px) * 3 + c)
                }
              }
              let o = ((row * out.height + oy) * out.width + ox) * 3 + c
              let best = places.max { x[$0] < x[$1] } ?? 0
              let mean = places.reduce(0.0) { $0 + Double(x[$1]) } / Double(places.count)
              #expect(abs(Double(y[o]) - (kind == .average ? mean : Double(x[best]))) < 1e-6)
              for place in kind == .average ? places : [best] {
                expected[place] += Double(dy[o]) / (kind == .average ? Double(places.count) : 1)
              }
            }
          }
        }
      }
      for (own, exact) in zip(dx, expected) { #expect(abs(Double(own) - exact) < 1e-6) }
    }
  }
}

extension [Float]? {
  /// Calls `body` with the array's memory or nil.
  fileprivate func withOptional(_ body: (UnsafePointer<Float>?) -> Void) {
    guard let self else { return body(nil) }
    self.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}

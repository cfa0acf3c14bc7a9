import Layers
import Tensors
import TestSupport
import Testing

/// Convolutions against loops in f64 that follow the definition, on every instruction set and number of threads.
@Suite struct ConvolutionTests {
  struct Case: Sendable, CustomStringConvertible {
    let shape: ConvolutionShape, rows: Int, hasBias: Bool
    let x: [Float], w: [Float], bias: [Float], dy: [Float]

    init(
      _ image: (Int, Int), _ channels: Int, _ outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
      padding: (Int, Int) = (0, 0), groups: Int = 1, rows: Int = 3, bias: Bool = false
    ) {
      func extent(_ pair: (Int, Int)) -> ConvolutionShape.Extent { .init(height: pair.0, width: pair.1) }
      shape = ConvolutionShape(
        image: extent(image), channels: channels, outputs: outputs, kernel: extent(kernel),
        stride: extent(stride),
        padding: extent(padding), groups: groups)
      (self.rows, hasBias) = (rows, bias)
      x = .random(rows * shape.inputCount, seed: 1)
      w = .random(shape.outputs * shape.fanIn, seed: 2)
      self.bias = .random(outputs, seed: 3)
      dy = .random(rows * shape.outputCount, seed: 4)
    }

    var description: String {
      "\(shape.image.height)x\(shape.image.width) \(shape.channels)->\(shape.outputs) kernel "
        + "\(shape.kernel.height)x\(shape.kernel.width) stride \(shape.stride.height),\(shape.stride.width) groups "
        + "\(shape.groups) rows \(rows)"
    }

    static let all: [Case] = [
      Case((1, 13), 1, 4, kernel: (1, 3), padding: (0, 1)),
      Case((1, 40), 8, 8, kernel: (1, 3), stride: (1, 2), padding: (0, 1), rows: 33),
      Case((1, 9), 5, 7, kernel: (1, 1), stride: (1, 2)),
      Case((1, 11), 6, 4, kernel: (1, 5), stride: (1, 3), padding: (0, 2), groups: 2, bias: true),
      Case((7, 6), 3, 16, kernel: (3, 3), padding: (1, 1)),
      Case((8, 8), 16, 32, kernel: (3, 3), stride: (2, 2), padding: (1, 1), rows: 17),
      Case((8, 7), 16, 33, kernel: (1, 1), stride: (2, 2)),
      Case((9, 5), 12, 20, kernel: (3, 2), stride: (2, 1), padding: (0, 1), groups: 4, bias: true),
      Case((6, 6), 8, 8, kernel: (3, 3), padding: (1, 1), groups: 8),
      Case((5, 5), 2, 3, kernel: (5, 5), bias: true),
      Case((5, 6), 2, 17, kernel: (2, 2), stride: (3, 4), padding: (1, 1), rows: 1),
      Case((4, 4), 20, 81, kernel: (3, 3), padding: (1, 1), rows: 9),
      Case((5, 4), 7, 96, kernel: (3, 3), stride: (2, 2), padding: (1, 1), rows: 5),
      Case((12, 12), 20, 48, kernel: (3, 3), padding: (1, 1), rows: 2),
    ]
  }

  /// Calls `body` for every product of the definition: indices in x, w and y.
  private static func each(_ s: ConvolutionShape, _ rows: Int, _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void)
  {
    let out = s.outputImage, inside = s.channels / s.groups, perGroup = s.outputs / s.groups
    for row in 0..<rows {
      for oy in 0..<out.height {
        for ox in 0..<out.width {
          for o in 0..<s.outputs {
            for ky in 0..<s.kernel.height {
              for kx in 0..<s.kernel.width {
                let y = oy * s.stride.height + ky - s.padding.height,
                  x = ox * s.stride.width + kx - s.padding.width
                guard (0..<s.image.height).contains(y), (0..<s.image.width).contains(x) else { continue }
                for c in 0..<inside {
                  body(
                    ((row * s.image.height + y) * s.image.width + x) * s.channels + o / perGroup * inside + c,
                    ((o * inside + c) * s.kernel.height + ky) * s.kernel.width + kx,
                    ((row * out.height + oy) * out.width + ox) * s.outputs + o)
                }
              }
            }
          }
        }
      }
    }
  }

  private struct Result: Equatable {
    var y: [Float], dx: [Float], dw: [Float]
  }

  private static func run(_ c: Case, addingTo start: Float? = nil) -> Result {
    let convolution = Convolution(c.shape)
    let w = Tensor(c.w, shape: c.shape.weightShape), dw = Tensor(zeros: c.shape.weightShape)
    let scratch = Tensor(zeros: [convolution.packedCount.forward + convolution.packedBiasCount])
    let backward = Tensor(zeros: [convolution.packedCount.backward])
    let parts = Tensor(zeros: [convolution.chunks(rows: c.rows) * convolution.packedCount.forward])
    var result = Result(
      y: .init(repeating: 7, count: c.rows * c.shape.outputCount),
      dx: .init(repeating: start ?? 7, count: c.rows * c.shape.inputCount), dw: [])
    convolution.forward(
      &result.y, c.x, rows: c.rows, weight: w, bias: c.hasBias ? Tensor(c.bias) : nil, packed: scratch)
    convolution.backward(
      &result.dx, adds: start != nil, dw, c.dy, c.x, rows: c.rows, weight: w, packed: backward, parts: parts)
    result.dw = dw.toFloats()
    return result
  }

  @Test(arguments: Case.all) func equalsTheDefinition(_ c: Case) {
    var y = (0..<c.rows * c.shape.outputCount).map { c.hasBias ? Double(c.bias[$0 % c.shape.outputs]) : 0 }
    var dx = [Double](repeating: 0, count: c.x.count), dw = [Double](repeating: 0, count: c.w.count)
    var scales = (y: y.map(abs), dx: dx, dw: dw)
    Self.each(c.shape, c.rows) { i, j, k in
      y[k] += Double(c.x[i]) * Double(c.w[j])
      dx[i] += Double(c.dy[k]) * Double(c.w[j])
      dw[j] += Double(c.dy[k]) * Double(c.x[i])
      scales.y[k] += abs(Double(c.x[i]) * Double(c.w[j]))
      scales.dx[i] += abs(Double(c.dy[k]) * Double(c.w[j]))
      scales.dw[j] += abs(Double(c.dy[k]) * Double(c.x[i]))
    }
    let first = Self.run(c)
    func expect(_ own: [Float], _ exact: [Double], _ scale: [Double], _ what: String) {
      let worst = own.indices.map { abs(Double(own[$0]) - exact[$0]) - 2e-6 * scale[$0] }.max() ?? 1
      #expect(worst <= 1e-30, "\(what) of \(c)")
    }
    expect(first.y, y, scales.y, "y")
    expect(first.dx, dx, scales.dx, "dx")
    expect(first.dw, dw, scales.dw, "dw")
    KernelSetting.each { setting in #expect(Self.run(c) == first, "\(c), \(setting)") }
    var beside = first.y
    let convolution = Convolution(c.shape)
    convolution.forward(
      &beside, c.x, beside: first.y, rows: c.rows, weight: Tensor(c.w, shape: c.shape.weightShape),
      bias: c.hasBias ? Tensor(c.bias) : nil,
      packed: Tensor(zeros: [convolution.packedCount.forward + convolution.packedBiasCount]))
    for (sum, part) in zip(beside, first.y) { #expect(sum == 2 * part) }
    let added = Self.run(c, addingTo: 2)
    for (sum, part) in zip(added.dx, first.dx) { #expect(sum == 2 + part) }
  }

  @Test func anOutputDoesNotDependOnTheBatch() {
    let c = Case.all[5], whole = Self.run(c)
    let convolution = Convolution(c.shape)
    var one = [Float](repeating: 0, count: c.shape.outputCount)
    let scratch = Tensor(zeros: [convolution.packedCount.forward])
    convolution.forward(
      &one, Array(c.x.suffix(c.shape.inputCount)), rows: 1, weight: Tensor(c.w, shape: c.shape.weightShape),
      packed: scratch)
    #expect(one == Array(whole.y.suffix(c.shape.outputCount)))
  }
}

import CKernels
import Layers
import Runtime
import Tensors
import TestSupport
import Testing

/// One product: its sizes, how W is stored, and how far the rows of x and y lie apart.
struct LinearCase: Sendable, CustomStringConvertible {
  let M: Int, N: Int, K: Int
  let dtype: DType
  let transposed: Bool
  let hasBias: Bool
  var description: String {
    "\(M)x\(N)x\(K) \(dtype.rawValue)\(transposed ? " transposed" : "")\(hasBias ? " bias" : "")"
  }

  let x: [Float], stored: [Float], bias: [Float]
  /// W `[N, K]` as f32, with the values of the stored type.
  let logical: [Float]
  let weight: LinearWeight
  let expected: [Float]

  init(_ M: Int, _ N: Int, _ K: Int, _ dtype: DType, transposed: Bool, bias hasBias: Bool) {
    (self.M, self.N, self.K) = (M, N, K)
    (self.dtype, self.transposed, self.hasBias) = (dtype, transposed, hasBias)
    x = .random(M * K, seed: 1)
    bias = .random(N, seed: 2)
    stored = [Float].random(N * K, seed: 3).rounded(to: dtype)
    var logical = stored
    if transposed { for n in 0..<N { for k in 0..<K { logical[n * K + k] = stored[k * N + n] } } }
    self.logical = logical
    weight = LinearWeight(
      Tensor(stored, shape: transposed ? [K, N] : [N, K], dtype: dtype), transposed: transposed,
      bias: hasBias ? Tensor(bias) : nil)
    expected = Reference.linear(x, logical, hasBias ? bias : nil, M: M, N: N, K: K)
  }

  /// The product with rows of y and x `gap` floats farther apart than they must be.
  func product(gap: Int = 0) -> [Float] {
    var wide = [Float](repeating: 7, count: M * (K + gap))
    for m in 0..<M { for k in 0..<K { wide[m * (K + gap) + k] = x[m * K + k] } }
    var y = [Float](repeating: 7, count: M * (N + gap))
    Linear.forward(&y, yStride: N + gap, wide, xStride: K + gap, rows: M, weight)
    let between = (0..<M).flatMap { y[$0 * (N + gap) + N..<($0 + 1) * (N + gap)] }
    #expect(between.allSatisfy { $0 == 7 }, "numbers between the rows were written")
    return (0..<M).flatMap { y[$0 * (N + gap)..<$0 * (N + gap) + N] }
  }

  static let all: [LinearCase] = {
    let shapes = [
      (0, 3, 5), (1, 1, 1), (1, 1, 0), (9, 2, 0), (1, 95, 97), (2, 7, 15), (3, 96, 16), (4, 17, 17),
      (5, 97, 95), (7, 33, 96), (8, 6, 31), (9, 5, 768), (13, 97, 769), (33, 16, 96), (95, 31, 97),
      (97, 100, 48), (96, 12, 1600), (131, 11, 1537), (1, 512, 512), (16, 200, 320),
    ]
    var cases: [LinearCase] = []
    for (i, shape) in shapes.enumerated() {
      for dtype in [DType.f32, .f16, .bf16] {
        for transposed in [false, true] {
          cases.append(
            LinearCase(shape.0, shape.1, shape.2, dtype, transposed: transposed, bias: i % 2 == 0))
        }
      }
    }
    return cases
  }()
}

@Suite struct LinearTests {
  @Test(arguments: LinearCase.all) func everyKernelMeetsTheNumberContract(_ c: LinearCase) {
    KernelSetting.each { setting in
      #expect(c.product().bits == c.expected.bits, "\(c), \(setting)")
      #expect(c.product(gap: 3).bits == c.expected.bits, "\(c), rows apart, \(setting)")
    }
    let exact = Reference.linear64(c.x, c.logical, c.hasBias ? c.bias : nil, M: c.M, N: c.N, K: c.K)
    for (value, exact) in zip(c.expected, exact) { #expect(abs(Double(value) - exact.value) <= exact.bound) }
  }

  @Test(arguments: LinearCase.all.filter { $0.N > 1 }) func chosenOutputsHaveTheBitsOfAll(_ c: LinearCase) {
    let indices = (0..<c.N).filter { $0 % 3 != 1 }.reversed() + [0]
    KernelSetting.each { setting in
      var y = [Float](repeating: 7, count: c.M * indices.count)
      Linear.forward(&y, selected: indices, yStride: indices.count, c.x, xStride: c.K, rows: c.M, c.weight)
      let expected = (0..<c.M).flatMap { m in indices.map { c.expected[m * c.N + $0] } }
      #expect(y.bits == expected.bits, "\(c), \(setting)")
    }
  }

  @Test(arguments: LinearCase.all.filter { $0.N > 4 && $0.M > 0 }) func aPartIsThePartOfTheWhole(
    _ c: LinearCase
  ) {
    let range = 2..<c.N - 1
    var y = [Float](repeating: 7, count: c.M * range.count)
    let part = c.weight.rows(1..<c.N).rows(1..<c.N - 2)
    #expect(part.outputs == range.count && part.inputs == c.K)
    #expect(part.toFloats() == Array(c.logical[range.lowerBound * c.K..<range.upperBound * c.K]))
    Linear.forward(&y, yStride: range.count, c.x, xStride: c.K, rows: c.M, part)
    #expect(y.bits == (0..<c.M).flatMap { m in range.map { c.expected[m * c.N + $0].bitPattern } })
  }

  @Test(arguments: [1, 3, 8, 70]) func eachRowStandsAlone(_ rows: Int) {
    let c = LinearCase(131, 35, 1537, .bf16, transposed: false, bias: true)
    var y = [Float](repeating: 0, count: rows * c.N)
    let first = 131 - rows
    c.x.withUnsafeBufferPointer {
      Linear.forward(
        &y, yStride: c.N, $0.baseAddress.unsafelyUnwrapped + first * c.K, xStride: c.K, rows: rows, c.weight)
    }
    #expect(y.bits == Array(c.expected[(first * c.N)...]).bits)
  }

  @Test(arguments: [1, 6, 40], [false, true])
  func aNumberThatIsNoneStaysWhereItBelongs(_ rows: Int, _ transposed: Bool) {
    let (N, K) = (20, 40)
    var x = [Float].random(rows * K, seed: 4)
    var w = [Float].random(N * K, seed: 5)
    let row = rows / 2
    x[row * K + 39] = .nan
    w[transposed ? 17 * N + 11 : 11 * K + 17] = .infinity
    let weight = LinearWeight(Tensor(w, shape: transposed ? [K, N] : [N, K]), transposed: transposed)
    KernelSetting.each { setting in
      var y = [Float](repeating: 0, count: rows * N)
      Linear.forward(&y, yStride: N, x, xStride: K, rows: rows, weight)
      for m in 0..<rows {
        for n in 0..<N {
          let value = y[m * N + n]
          if m == row {
            #expect(value.isNaN, "\(setting)")
          } else {
            #expect(n == 11 ? value.isInfinite : value.isFinite, "\(setting)")
          }
        }
      }
    }
  }

  @Test(arguments: [DType.f32, .f16, .bf16], [false, true])
  func rowProductsAreTheirSums(_ dtype: DType, _ transposed: Bool) {
    for (N, K) in [(1, 1), (3, 0), (37, 97), (16, 96), (5, 1000)] {
      let c = LinearCase(1, N, K, dtype, transposed: transposed, bias: false)
      let direction = [Float].random(K, seed: 6).map { Double($0) * 1.1 }
      var first: ([Double], [Double])?
      KernelSetting.each { setting in
        let (dots, squares) = Linear.rowProducts(c.weight, direction: direction)
        for n in 0..<N {
          let row = c.logical[n * K..<(n + 1) * K].map(Double.init)
          let dot = zip(row, direction).reduce(0) { $0 + $1.0 * $1.1 }
          let size = zip(row, direction).reduce(0) { $0 + abs($1.0 * $1.1) }
          let square = row.reduce(0) { $0 + $1 * $1 }
          #expect(abs(dots[n] - dot) <= 1e-14 * size, "\(setting)")
          #expect(abs(squares[n] - square) <= 1e-14 * square, "\(setting)")
        }
        if let first { #expect(first == (dots, squares), "\(setting)") } else { first = (dots, squares) }
      }
    }
  }

  /// Without fused multiply-add the product is emulated: over all kinds of numbers it gives the same bits.
  @Test func fusedMultiplyAddIsTheSameEverywhere() {
    var random = CounterRandom(seed: 9)
    for _ in 0..<2000 {
      var x: [Float] = [], y: [Float] = []
      let a = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      for i in 0..<33 {
        x.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))
        switch i % 3 {
        case 0: y.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))
        case 1: y.append(-(a * x[i]))  // cancels all but what rounding lost
        default: y.append(-(a * x[i]).nextUp * Float(1 + random.below(3)))
        }
      }
      let expected = zip(x, y).map { $1.addingProduct(a, $0) }
      KernelSetting.each { setting in
        var result = y
        Vector.addScaled(&result, a, x, count: x.count)
        for (value, expected) in zip(result, expected) {
          #expect(
            value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN), "\(setting), a \(a)")
        }
      }
    }
  }
}

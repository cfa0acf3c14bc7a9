import CKernels
import Layers
import Runtime
import Tensors
import TestSupport
import Testing

/// One product: its sizes, how W is stored, and how far the rows of x and y lie apart.
struct LinearCase: Sendable, CustomStringConvertible {
  let rows: Int, outputs: Int, inputs: Int
  let dtype: DType
  let transposed: Bool
  let hasBias: Bool
  var description: String {
    "\(rows)x\(outputs)x\(inputs) \(dtype.rawValue)\(transposed ? " transposed" : "")\(hasBias ? " bias" : "")"
  }

  let x: [Float], stored: [Float], bias: [Float]
  /// W `[outputs, inputs]` as f32, with the values of the stored type.
  let logical: [Float]
  let weight: LinearWeight
  let expected: [Float]

  init(_ rows: Int, _ outputs: Int, _ inputs: Int, _ dtype: DType, transposed: Bool, bias hasBias: Bool) {
    (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs)
    (self.dtype, self.transposed, self.hasBias) = (dtype, transposed, hasBias)
    x = .random(rows * inputs, seed: 1)
    bias = .random(outputs, seed: 2)
    stored = [Float].random(outputs * inputs, seed: 3).rounded(to: dtype)
    var logical = stored
    if transposed {
      for n in 0..<outputs { for k in 0..<inputs { logical[n * inputs + k] = stored[k * outputs + n] } }
    }
    self.logical = logical
    weight = LinearWeight(
      Tensor(stored, shape: transposed ? [inputs, outputs] : [outputs, inputs], dtype: dtype),
      transposed: transposed,
      bias: hasBias ? Tensor(bias) : nil)
    expected = Reference.linear(
      x, logical, hasBias ? bias : nil, rows: rows, outputs: outputs, inputs: inputs)
  }

  /// The product with rows of y and x `gap` floats farther apart than they must be.
  func product(gap: Int = 0, compute: ComputeMode = .f32) -> [Float] {
    var wide = [Float](repeating: 7, count: rows * (inputs + gap))
    for m in 0..<rows { for k in 0..<inputs { wide[m * (inputs + gap) + k] = x[m * inputs + k] } }
    var y = [Float](repeating: 7, count: rows * (outputs + gap))
    Linear.forward(
      &y, yStride: outputs + gap, wide, xStride: inputs + gap, rows: rows, weight, compute: compute)
    let between = (0..<rows).flatMap { y[$0 * (outputs + gap) + outputs..<($0 + 1) * (outputs + gap)] }
    #expect(between.allSatisfy { $0 == 7 }, "numbers between the rows were written")
    return (0..<rows).flatMap { y[$0 * (outputs + gap)..<$0 * (outputs + gap) + outputs] }
  }

  static let all: [LinearCase] = {
    let shapes = [
      (0, 3, 5), (1, 1, 1), (1, 1, 0), (9, 2, 0), (1, 95, 97), (2, 7, 15), (3, 96, 16), (4, 17, 17),
      (5, 97, 95), (7, 33, 96), (8, 6, 31), (9, 5, 768), (13, 97, 769), (33, 16, 96), (95, 31, 97),
      (97, 100, 48), (96, 12, 1600), (131, 11, 1537), (1, 512, 512), (16, 200, 320),
      (41, 97, 31), (101, 7, 2100), (45, 13, 4200), (4, 300, 64),
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
    let exact = Reference.linear64(
      c.x, c.logical, c.hasBias ? c.bias : nil, rows: c.rows, outputs: c.outputs, inputs: c.inputs)
    for (value, exact) in zip(c.expected, exact) { #expect(abs(Double(value) - exact.value) <= exact.bound) }
  }

  @Test(arguments: LinearCase.all.filter { $0.outputs > 1 }) func chosenOutputsHaveTheBitsOfAll(
    _ c: LinearCase
  ) {
    let indices = (0..<c.outputs).filter { $0 % 3 != 1 }.reversed() + [0]
    KernelSetting.each { setting in
      var y = [Float](repeating: 7, count: c.rows * indices.count)
      Linear.forward(
        &y, selected: indices, yStride: indices.count, c.x, xStride: c.inputs, rows: c.rows, c.weight)
      let expected = (0..<c.rows).flatMap { m in indices.map { c.expected[m * c.outputs + $0] } }
      #expect(y.bits == expected.bits, "\(c), \(setting)")
    }
  }

  @Test(arguments: LinearCase.all.filter { $0.outputs > 4 && $0.rows > 0 }) func aPartIsThePartOfTheWhole(
    _ c: LinearCase
  ) {
    let range = 2..<c.outputs - 1
    var y = [Float](repeating: 7, count: c.rows * range.count)
    let part = c.weight.rows(1..<c.outputs).rows(1..<c.outputs - 2)
    #expect(part.outputs == range.count && part.inputs == c.inputs)
    #expect(part.toFloats() == Array(c.logical[range.lowerBound * c.inputs..<range.upperBound * c.inputs]))
    Linear.forward(&y, yStride: range.count, c.x, xStride: c.inputs, rows: c.rows, part)
    #expect(y.bits == (0..<c.rows).flatMap { m in range.map { c.expected[m * c.outputs + $0].bitPattern } })
  }

  /// Outputs that lie apart, such as the queries of a qkv that is stored a head at a time.
  @Test(arguments: LinearCase.all.filter { $0.outputs > 4 && $0.rows > 0 }) func outputsThatLieApart(
    _ c: LinearCase
  ) {
    let indices = (0..<c.outputs).filter { $0 % 5 < 2 }
    let part = c.weight.rows(indices)
    let again = part.rows(1..<part.outputs)
    #expect(
      part.outputs == indices.count
        && part.toFloats()
          == indices.flatMap {
            c.logical[($0 * c.inputs)..<(($0 + 1) * c.inputs)]
          }
    )
    #expect(part.bias?.toFloats() == (c.hasBias ? indices.map { c.bias[$0] } : nil))
    let products = Linear.rowProducts(part, direction: Array(c.x.prefix(c.inputs)))
    let whole = Linear.rowProducts(c.weight, direction: Array(c.x.prefix(c.inputs)))
    #expect(products.dots == indices.map { whole.dots[$0] })
    KernelSetting.each { setting in
      for (weight, chosen) in [(part, indices), (again, Array(indices.dropFirst()))] {
        var y = [Float](repeating: 7, count: c.rows * chosen.count)
        Linear.forward(&y, yStride: chosen.count, c.x, xStride: c.inputs, rows: c.rows, weight)
        let expected = (0..<c.rows).flatMap { row in chosen.map { c.expected[row * c.outputs + $0] } }
        #expect(y.bits == expected.bits, "\(c), \(setting)")
      }
      var one = [Float](repeating: 7, count: c.rows)
      Linear.forward(&one, selected: [1], yStride: 1, c.x, xStride: c.inputs, rows: c.rows, part)
      #expect(one.bits == (0..<c.rows).map { c.expected[$0 * c.outputs + indices[1]] }.bits)
    }
  }

  @Test(arguments: [1, 3, 8, 70]) func eachRowStandsAlone(_ rows: Int) {
    let c = LinearCase(131, 35, 1537, .bf16, transposed: false, bias: true)
    var y = [Float](repeating: 0, count: rows * c.outputs)
    let first = 131 - rows
    c.x.withUnsafeBufferPointer {
      Linear.forward(
        &y, yStride: c.outputs, $0.baseAddress.unsafelyUnwrapped + first * c.inputs, xStride: c.inputs,
        rows: rows, c.weight)
    }
    #expect(y.bits == Array(c.expected[(first * c.outputs)...]).bits)
  }

  @Test(arguments: [1, 6, 50], [false, true])
  func aNumberThatIsNoneStaysWhereItBelongs(_ rows: Int, _ transposed: Bool) {
    let (outputs, inputs) = (20, 40)
    var x = [Float].random(rows * inputs, seed: 4)
    var w = [Float].random(outputs * inputs, seed: 5)
    let row = rows / 2
    x[row * inputs + 39] = .nan
    w[transposed ? 17 * outputs + 11 : 11 * inputs + 17] = .infinity
    let weight = LinearWeight(
      Tensor(w, shape: transposed ? [inputs, outputs] : [outputs, inputs]), transposed: transposed)
    KernelSetting.each { setting in
      var y = [Float](repeating: 0, count: rows * outputs)
      Linear.forward(&y, yStride: outputs, x, xStride: inputs, rows: rows, weight)
      for m in 0..<rows {
        for n in 0..<outputs {
          let value = y[m * outputs + n]
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
    for (outputs, inputs) in [(1, 1), (3, 0), (37, 97), (16, 96), (5, 1000)] {
      let c = LinearCase(1, outputs, inputs, dtype, transposed: transposed, bias: false)
      let direction = [Float].random(inputs, seed: 6)
      for gain in [nil, [Float].random(inputs, seed: 7)] {
        var first: Linear.RowProducts?
        KernelSetting.each { setting in
          let products = Linear.rowProducts(c.weight, gain: gain, direction: direction)
          for n in 0..<outputs {
            let stored = Array(c.logical[n * inputs..<(n + 1) * inputs])
            let row = gain.map { zip(stored, $0).map { $0 * $1 } } ?? stored
            let terms = zip(row, direction).map { Double($0) * Double($1) }
            let size = terms.reduce(0) { $0 + abs($1) }
            let square = row.reduce(0) { $0 + Double($1) * Double($1) }
            let storedSquare = stored.reduce(0) { $0 + Double($1) * Double($1) }
            #expect(abs(products.dots[n] - terms.reduce(0, +)) <= 1e-14 * size, "\(setting)")
            #expect(abs(products.squares[n] - square) <= 1e-14 * square, "\(setting)")
            #expect(abs(products.storedSquares[n] - storedSquare) <= 1e-14 * storedSquare, "\(setting)")
          }
          if let first { #expect(first == products, "\(setting)") } else { first = products }
        }
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

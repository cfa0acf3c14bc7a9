import Layers
import Tensors
import TestSupport
import Testing

/// Products of bf16: one contract, met bit for bit wherever they are computed with f32 multiply-adds. Where the processor
/// has them itself, the same within the bound of any order of sums, and the same bits for any rows and threads.
@Suite struct LinearBF16Tests {
  static let cases = LinearCase.all.filter { $0.dtype == .bf16 }

  /// The contract's outputs, and the sums in f64 with their bounds.
  struct Expected {
    let bits: [UInt32]
    let exact: [(value: Double, bound: Double)]

    init(_ c: LinearCase) {
      let x = c.x.rounded(to: .bf16), bias = c.hasBias ? c.bias : nil
      bits =
        Reference.bf16Linear(x, c.logical, bias, rows: c.rows, outputs: c.outputs, inputs: c.inputs).bits
      exact = Reference.linear64(x, c.logical, bias, rows: c.rows, outputs: c.outputs, inputs: c.inputs)
    }

    func check(_ found: [Float], at places: [Int]? = nil, _ setting: KernelSetting, _ c: LinearCase) {
      let places = places ?? Array(bits.indices)
      #expect(found.count == places.count)
      if setting.set == .v4bf16 {
        for (value, place) in zip(found, places) {
          let exact = exact[place]
          #expect(abs(Double(value) - exact.value) <= exact.bound, "\(c), \(setting), output \(place)")
        }
      } else {
        #expect(found.bits == places.map { bits[$0] }, "\(c), \(setting)")
      }
    }
  }

  @Test(arguments: cases) func everyKernelMeetsTheContract(_ c: LinearCase) {
    let expected = Expected(c)
    KernelSetting.each { setting in
      expected.check(c.product(compute: .bf16), setting, c)
      expected.check(c.product(gap: 3, compute: .bf16), setting, c)
    }
  }

  @Test(arguments: cases.filter { $0.outputs > 4 && $0.rows > 0 }) func someOutputs(_ c: LinearCase) {
    let expected = Expected(c)
    let chosen = (0..<c.outputs).filter { $0 % 3 != 1 }.reversed() + [0]
    let (range, apart) = (2..<c.outputs - 1, (0..<c.outputs).filter { $0 % 5 < 2 })
    func places(_ outputs: [Int]) -> [Int] {
      (0..<c.rows).flatMap { row in outputs.map { row * c.outputs + $0 } }
    }
    KernelSetting.each { setting in
      var y = [Float](repeating: 7, count: c.rows * chosen.count)
      Linear.forward(
        &y, selected: chosen, yStride: chosen.count, c.x, xStride: c.inputs, rows: c.rows, c.weight,
        compute: .bf16)
      expected.check(y, at: places(chosen), setting, c)
      for (part, outputs) in [(c.weight.rows(range), Array(range)), (c.weight.rows(apart), apart)] {
        var y = [Float](repeating: 7, count: c.rows * outputs.count)
        Linear.forward(
          &y, yStride: outputs.count, c.x, xStride: c.inputs, rows: c.rows, part, compute: .bf16)
        expected.check(y, at: places(outputs), setting, c)
      }
    }
  }

  /// Rows of one product by themselves, on every number of threads: equal bits also where they are the processor's own.
  @Test(arguments: [false, true]) func eachRowStandsAlone(_ transposed: Bool) {
    let c = LinearCase(131, 37, 1567, .bf16, transposed: transposed, bias: true)
    var whole: [InstructionSet: [UInt32]] = [:]
    KernelSetting.each { setting in
      let all = c.product(compute: .bf16).bits
      #expect(whole[setting.set, default: all] == all, "\(setting)")
      whole[setting.set] = all
      for rows in [1, 2, 3, 4, 5, 8, 39, 70] {
        let first = 131 - rows
        var y = [Float](repeating: 0, count: rows * c.outputs)
        c.x.withUnsafeBufferPointer {
          Linear.forward(
            &y, yStride: c.outputs, $0.baseAddress.unsafelyUnwrapped + first * c.inputs, xStride: c.inputs,
            rows: rows, c.weight, compute: .bf16)
        }
        #expect(y.bits == Array(all[(first * c.outputs)...]), "\(rows) rows, \(setting)")
        let some = [30, 2, 3, 17]
        var part = [Float](repeating: 0, count: rows * some.count)
        c.x.withUnsafeBufferPointer {
          Linear.forward(
            &part, selected: some, yStride: some.count, $0.baseAddress.unsafelyUnwrapped + first * c.inputs,
            xStride: c.inputs, rows: rows, c.weight, compute: .bf16)
        }
        let expected = (0..<rows).flatMap { row in some.map { y[row * c.outputs + $0].bitPattern } }
        #expect(part.bits == expected, "\(rows) rows, \(setting)")
      }
    }
  }

  @Test(arguments: [1, 6, 50], [false, true])
  func aNumberThatIsNoneStaysWhereItBelongs(_ rows: Int, _ transposed: Bool) {
    let (outputs, inputs) = (20, 40)
    var x = [Float].random(rows * inputs, seed: 4)
    var w = [Float].random(outputs * inputs, seed: 5)
    let row = rows / 2
    x[row * inputs + 39] = Float(bitPattern: 0x7f80_0001)  // its payload is lost by rounding, the NaN is not
    w[transposed ? 17 * outputs + 11 : 11 * inputs + 17] = .infinity
    let weight = LinearWeight(
      Tensor(w, shape: transposed ? [inputs, outputs] : [outputs, inputs], dtype: .bf16),
      transposed: transposed)
    KernelSetting.each { setting in
      var y = [Float](repeating: 0, count: rows * outputs)
      Linear.forward(&y, yStride: outputs, x, xStride: inputs, rows: rows, weight, compute: .bf16)
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

  /// Nearest, ties to even, beyond the largest number infinity.
  @Test func xIsRoundedOnce() {
    let numbers: [(Float, Float)] = [
      (1 + 0x1p-8, 1), (1 + 0x1p-8 + 0x1p-23, 1 + 0x1p-7), (1 + 0x1.8p-7, 1 + 0x1p-6), (1 + 0x1p-9, 1),
      (-1 - 0x1.8p-7, -1 - 0x1p-6), (0x1.fefp5, 0x1.fep5), (0x1.ff8p5, 0x1p6),
      (.greatestFiniteMagnitude, .infinity), (-.infinity, -.infinity), (0, 0),
    ]
    let one = LinearWeight(Tensor([1], shape: [1, 1], dtype: .bf16))
    KernelSetting.each { setting in
      for (x, expected) in numbers {
        var y: [Float] = [7]
        Linear.forward(&y, yStride: 1, [x], xStride: 1, rows: 1, one, compute: .bf16)
        #expect(y == [expected], "\(x), \(setting)")
      }
    }
  }

  /// Subnormal numbers count, but for the processor's own products, which take them as zero.
  @Test func subnormalNumbers() {
    let (rows, outputs, inputs) = (5, 9, 70)
    let tiny = [Float].random(rows * inputs, seed: 6).map { $0 * 0x1p-128 }
    let w = [Float].random(outputs * inputs, seed: 7).rounded(to: .bf16)
    let weight = LinearWeight(Tensor(w, shape: [outputs, inputs], dtype: .bf16))
    let expected = Reference.bf16Linear(
      tiny.rounded(to: .bf16), w, nil, rows: rows, outputs: outputs, inputs: inputs)
    #expect(expected.contains { $0 != 0 && !$0.isNormal })
    KernelSetting.each { setting in
      var y = [Float](repeating: 7, count: rows * outputs)
      Linear.forward(&y, yStride: outputs, tiny, xStride: inputs, rows: rows, weight, compute: .bf16)
      if setting.set == .v4bf16 {
        // A lost input is below 2^-126 and meets a weight below 2; a lost sum is below 2^-126.
        let bound = Double(inputs) * 0x1p-126 * 4
        #expect(zip(y, expected).allSatisfy { abs(Double($0) - Double($1)) <= bound }, "\(setting)")
      } else {
        #expect(y.bits == expected.bits, "\(setting)")
      }
    }
  }

  @Test(arguments: LinearCase.all.filter { $0.dtype != .bf16 && $0.rows < 50 })
  func otherWeightsComputeInF32(_ c: LinearCase) {
    #expect(c.product(compute: .bf16).bits == c.expected.bits)
  }

  @Test func whatAutoTakes() {
    for (stored, own, mode) in [
      (true, true, ComputeMode.bf16), (true, false, .f32), (false, true, .f32), (false, false, .f32),
    ] {
      #expect(ComputeChoice.auto.mode(storedAsBF16: stored, hasBF16Products: own) == mode)
      #expect(ComputeChoice.f32.mode(storedAsBF16: stored, hasBF16Products: own) == .f32)
      #expect(ComputeChoice.bf16.mode(storedAsBF16: stored, hasBF16Products: own) == .bf16)
    }
    #expect(ComputeMode.hasBF16Products == InstructionSet.available.contains(.v4bf16))
  }

  @Test func theSelfCheckLooksAtThem() {
    KernelSetting.each { _ in
      let check = KernelCheck()
      #expect(check.passed && check.outcomes.count == InstructionSet.available.count)
    }
  }
}

import CKernels
import Glibc
import Layers
import TestSupport
import Testing

@Suite struct ActivationTests {
  /// Every function with its exact version and the allowed error in units in the last place, where the result is
  /// not subnormal.
  struct Case: Sendable, CustomStringConvertible {
    let function: Activation
    let exact: @Sendable (Double) -> Double
    let ulps: Double
    var description: String { function.rawValue }
  }
  static let cases = [
    Case(function: .silu, exact: { Reference.silu($0) }, ulps: 4),
    Case(function: .quickGelu, exact: { Reference.silu($0, Double(Float(1.702))) }, ulps: 80),
    Case(function: .gelu, exact: { Reference.gelu($0) }, ulps: 12),
    Case(function: .geluTanh, exact: { Reference.geluTanh($0) }, ulps: 200),
    Case(function: .relu, exact: { max($0, 0) }, ulps: 0),
    Case(function: .tanh, exact: { Glibc.tanh($0) }, ulps: 3),
  ]

  /// A sweep of ordinary numbers, small ones and the far tails.
  static let points: [Float] = {
    var points: [Float] = [0, -0.0, 0x1p-140, -0x1p-140, 1e-20, 1000, -1000, 88, -88, 104]
    for i in -4000...4000 { points.append(Float(i) * 0.01 + 0.003) }
    return points + [Float].random(3000, seed: 5).map { $0 * 0.3 }
  }()

  @Test(arguments: cases) func itIsItsFunction(_ c: Case) {
    var first: [Float]?
    KernelSetting.each { setting in
      var y = Self.points
      c.function.apply(&y)
      var worst = (ulps: 0.0, at: Float(0))
      for (x, value) in zip(Self.points, y) {
        let exact = c.exact(Double(x))
        // Far in the negative tail a relative error of the argument is multiplied by it: absolute there.
        if abs(exact) < 1e-30 && abs(Double(value) - exact) < 1e-36 { continue }
        let error = ulps(value, exact)
        if error > worst.ulps { worst = (error, x) }
      }
      #expect(worst.ulps <= c.ulps, "\(c), \(setting): \(worst.ulps) at \(worst.at)")
      // Absolute error as a fraction of max(1, |x|), as the hidden states see it.
      for (x, value) in zip(Self.points, y) {
        #expect(abs(Double(value) - c.exact(Double(x))) <= 2.5e-7 * max(1, Double(abs(x))), "\(c) at \(x)")
      }
      if let first { #expect(y.bits == first.bits, "\(c), \(setting)") } else { first = y }
    }
  }

  /// The exponential by itself: 1.2 units in the last place, also where the result is subnormal.
  @Test func exponential() {
    let points =
      stride(from: Float(-105), through: 89, by: 0.0117).map { $0 } + [0, -0.0, -.infinity, .infinity, .nan]
    KernelSetting.each { setting in
      var y = points
      ck_activate(&y, y, Int32(CK_EXP), y.count)
      for (x, value) in zip(points, y) {
        let exact = exp(Double(x))
        if exact > Double(Float.greatestFiniteMagnitude) {
          #expect(value == .infinity)
        } else {
          #expect(ulps(value, exact) <= 1.2, "\(x), \(setting)")
        }
      }
    }
  }

  @Test(arguments: Activation.allCases, [1, 15, 16, 17, 95, 20_000])
  func aNumberThatIsNoneStays(_ function: Activation, _ count: Int) {
    KernelSetting.each { setting in
      var y = [Float](repeating: 0.5, count: count)
      y[count / 2] = .nan
      function.apply(&y)
      for (i, value) in y.enumerated() { #expect(value.isNaN == (i == count / 2), "\(setting)") }
    }
    var large: [Float] = [.infinity]
    function.apply(&large)
    #expect(large[0] == (function == .tanh ? 1 : .infinity))
  }

  @Test(arguments: Activation.allCases) func theGatedProductIsTheProduct(_ function: Activation) {
    for (M, F) in [(0, 4), (1, 1), (3, 17), (40, 96), (9, 1031)] {
      let gate = [Float].random(M * F, seed: 1), up = [Float].random(M * F, seed: 2)
      var expected = gate
      function.apply(&expected)
      for i in expected.indices { expected[i] *= up[i] }
      KernelSetting.each { setting in
        // gate and up as the two halves of one wide row, as a fused gate_up leaves them
        var wide: [Float] = []
        for m in 0..<M {
          wide += gate[m * F..<(m + 1) * F]
          wide += up[m * F..<(m + 1) * F]
        }
        var out = [Float](repeating: 0, count: M * F)
        wide.withUnsafeBufferPointer {
          guard let base = $0.baseAddress else { return }
          function.gated(
            &out, outStride: F, gate: base, gateStride: 2 * F, up: base + F, upStride: 2 * F, rows: M,
            width: F)
        }
        #expect(out.bits == expected.bits, "\(setting)")
      }
    }
  }
}

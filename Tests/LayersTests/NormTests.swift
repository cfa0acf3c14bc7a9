import Layers
import TestSupport
import Testing

@Suite struct NormTests {
  static let widths = [1, 2, 15, 16, 17, 95, 96, 97, 768, 2048]

  /// Values reach 6; 2e-6 of the row's largest is about 16 units in the last place.
  @Test(arguments: widths, [0, 1, 3, 40]) func rms(_ width: Int, _ rows: Int) {
    let x = [Float].random(rows * width, seed: 1).map { $0 * 3 }, gain = [Float].random(width, seed: 2)
    for offset in [0, 1] as [Float] {
      var first: [Float]?
      KernelSetting.each { setting in
        var y = [Float](repeating: 0, count: rows * width)
        Norm.rms(&y, x, gain: gain, rows: rows, width: width, eps: 1e-5, gainOffset: offset)
        for m in 0..<rows {
          let row = m * width..<(m + 1) * width
          let exact = Reference.rms(
            Array(x[row]), gain: gain, eps: Double(Float(1e-5)), offset: Double(offset))
          let most = exact.reduce(0) { max($0, abs($1)) }
          for (value, exact) in zip(y[row], exact) { #expect(abs(Double(value) - exact) <= 2e-6 * most) }
        }
        if let first { #expect(y.bits == first.bits, "\(setting)") } else { first = y }
        var inPlace = x
        inPlace.withUnsafeMutableBufferPointer {
          guard let base = $0.baseAddress else { return }
          Norm.rms(base, base, gain: gain, rows: rows, width: width, eps: 1e-5, gainOffset: offset)
        }
        #expect(inPlace.bits == y.bits)
      }
    }
  }

  @Test(arguments: widths, [1, 33]) func layer(_ width: Int, _ rows: Int) {
    let x = [Float].random(rows * width, seed: 1).map { $0 * 3 + 5 }
    let gain = [Float].random(width, seed: 2), bias = [Float].random(width, seed: 3)
    for hasBias in [true, false] {
      var first: [Float]?
      KernelSetting.each { setting in
        var y = [Float](repeating: 0, count: rows * width)
        bias.withUnsafeBufferPointer {
          Norm.layer(
            &y, x, gain: gain, bias: hasBias ? $0.baseAddress : nil, rows: rows, width: width, eps: 1e-5)
        }
        for m in 0..<rows {
          let row = m * width..<(m + 1) * width
          let exact = Reference.layer(
            Array(x[row]), gain: gain, bias: hasBias ? bias : nil, eps: Double(Float(1e-5)))
          let most = exact.reduce(1) { max($0, abs($1)) }
          for (value, exact) in zip(y[row], exact) { #expect(abs(Double(value) - exact) <= 4e-6 * most) }
        }
        if let first { #expect(y.bits == first.bits, "\(setting)") } else { first = y }
      }
    }
  }

  @Test func aNumberThatIsNoneFillsItsRowOnly() {
    var x = [Float].random(3 * 20, seed: 1)
    x[25] = .nan
    let gain = [Float](repeating: 1, count: 20)
    KernelSetting.each { _ in
      var y = x
      Norm.rms(&y, x, gain: gain, rows: 3, width: 20, eps: 1e-5)
      for (i, value) in y.enumerated() { #expect(value.isNaN == (20..<40).contains(i)) }
      Norm.layer(&y, x, gain: gain, bias: nil, rows: 3, width: 20, eps: 1e-5)
      for (i, value) in y.enumerated() { #expect(value.isNaN == (20..<40).contains(i)) }
    }
  }
}

import Tensors
import TestSupport
import Testing

@Suite struct ConversionsTests {
  private static let every16: [UInt16] = Array(0...UInt16.max)

  private static func tensor(_ bits: [UInt16], _ dtype: DType) -> Tensor {
    let tensor = Tensor(zeros: [bits.count], dtype: dtype)
    bits.withUnsafeBytes { raw in
      if let base = raw.baseAddress { tensor.storage.base.copyMemory(from: base, byteCount: raw.count) }
    }
    return tensor
  }

  @Test func everyHalfIsItsValueAndComesBack() {
    let tensor = Self.tensor(Self.every16, .f16)
    KernelSetting.each { setting in
      let floats = tensor.toFloats()
      for bits in Self.every16 {
        let exact = Float(Float16(bitPattern: bits)), value = floats[Int(bits)]
        #expect(value.bitPattern == exact.bitPattern || (value.isNaN && exact.isNaN), "\(bits), \(setting)")
      }
      let back = Tensor(floats, dtype: .f16)
      let same = back.bits16
      for bits in Self.every16 {
        let isNaN = Float16(bitPattern: bits).isNaN
        #expect(same[Int(bits)] == (isNaN ? bits | 0x200 : bits), "\(bits), \(setting)")
      }
    }
  }

  @Test func everyBrainFloatIsItsValueAndComesBack() {
    let tensor = Self.tensor(Self.every16, .bf16)
    KernelSetting.each { setting in
      let floats = tensor.toFloats()
      #expect(floats.bits == Self.every16.map { UInt32($0) << 16 }, "\(setting)")
      let same = Tensor(floats, dtype: .bf16).bits16
      for bits in Self.every16 {
        let isNaN = Float(bitPattern: UInt32(bits) << 16).isNaN
        #expect(same[Int(bits)] == (isNaN ? bits | 0x40 : bits), "\(bits), \(setting)")
      }
    }
  }

  /// Around every 16-bit number and the middle to the next: up, down and ties to even.
  @Test func roundingIsToNearestEven() {
    var half: [Float] = [], brain: [Float] = []
    for bits in stride(from: UInt16(0), to: 0x7c00, by: 7) {
      let middle = (Float(Float16(bitPattern: bits)) + Float(Float16(bitPattern: bits).nextUp)) / 2
      half += [middle.nextDown, middle, middle.nextUp, -middle]
    }
    half += [65_504, 65_519.996, 65_520, 1e30, 0x1p-25, 0x1p-26, 0x1.000002p-25, .infinity, 0]
    for bits in stride(from: UInt32(0), to: 0x7f80, by: 13) {
      let middle = Float(bitPattern: bits << 16 | 0x8000)
      brain += [middle.nextDown, middle, middle.nextUp, -middle]
    }
    brain += [.greatestFiniteMagnitude, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude]
    KernelSetting.each { setting in
      let halves = Tensor(half, dtype: .f16).bits16
      for (i, value) in half.enumerated() {
        #expect(halves[i] == Float16(value).bitPattern, "\(value), \(setting)")
      }
      let brains = Tensor(brain, dtype: .bf16).bits16
      for (i, value) in brain.enumerated() {
        let low = value.bitPattern >> 16
        let rest = value.bitPattern & 0xffff
        let expected = rest > 0x8000 || (rest == 0x8000 && low & 1 == 1) ? low + 1 : low
        #expect(UInt32(brains[i]) == expected, "\(value), \(setting)")
      }
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 95]) func lengthsAndViews(_ count: Int) {
    let values = [Float].random(count + 3, seed: 1)
    for dtype in [DType.f32, .f16, .bf16] {
      let tensor = Tensor(values, shape: [count + 3, 1], dtype: dtype)
      #expect(tensor.rows(3..<count + 3).toFloats() == Array(values.rounded(to: dtype)[3...]))
    }
  }

  @Test func eightBitFloats() {
    #expect(DType.float(f8e4m3: 0x7E) == 448 && DType.float(f8e4m3: 0x7F).isNaN)
    #expect(DType.float(f8e4m3: 0x01) == 0x1p-9 && DType.float(f8e4m3: 0xB8) == -1)
    for bits in UInt8.min...UInt8.max {
      let exact = Float(Float16(bitPattern: UInt16(bits) << 8)), value = DType.float(f8e5m2: bits)
      #expect(value == exact || (value.isNaN && exact.isNaN))
    }
  }
}

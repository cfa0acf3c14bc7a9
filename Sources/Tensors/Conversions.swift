import CKernels

extension Tensor {
  /// The elements as f32, row-major: exact for f16 and bf16, rounded for f64 and the wide integers.
  public func toFloats() -> [Float] {
    // The standard library would write the count of nothing into the one empty array that all threads share.
    guard count > 0 else { return [] }
    return [Float](unsafeUninitializedCapacity: count) { buffer, used in
      if let base = buffer.baseAddress { copyFloats(to: base) }
      used = count
    }
  }

  /// Writes the elements as f32, row-major, to memory for `count` floats.
  public func copyFloats(to out: UnsafeMutablePointer<Float>) {
    guard count > 0 else { return }
    withExtendedLifetime(storage) { copyHeldFloats(to: out, count) }
  }

  private func copyHeldFloats(to out: UnsafeMutablePointer<Float>, _ count: Int) {
    switch dtype {
    case .f32: UnsafeMutableRawPointer(out).copyMemory(from: pointer, byteCount: byteCount)
    case .bf16: ck_convert_f32_bf16(out, pointer.assumingMemoryBound(to: UInt16.self), count)
    case .f16: ck_convert_f32_f16(out, pointer.assumingMemoryBound(to: UInt16.self), count)
    case .f64: convert(Double.self, to: out) { Float($0) }
    case .i64: convert(Int64.self, to: out) { Float($0) }
    case .i32: convert(Int32.self, to: out) { Float($0) }
    case .i16: convert(Int16.self, to: out) { Float($0) }
    case .i8: convert(Int8.self, to: out) { Float($0) }
    case .u64: convert(UInt64.self, to: out) { Float($0) }
    case .u32: convert(UInt32.self, to: out) { Float($0) }
    case .u16: convert(UInt16.self, to: out) { Float($0) }
    case .u8, .bool: convert(UInt8.self, to: out) { Float($0) }
    case .f8e4m3: convert(UInt8.self, to: out) { DType.float(f8e4m3: $0) }
    case .f8e5m2: convert(UInt8.self, to: out) { DType.float(f8e5m2: $0) }
    }
  }

  private func convert<T>(_: T.Type, to out: UnsafeMutablePointer<Float>, _ value: (T) -> Float) {
    let pointer = pointer
    for i in 0..<count {
      out[i] = value(pointer.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.stride, as: T.self))
    }
  }

  /// A new tensor of f32, f16 or bf16 with the given values, row-major, each rounded to nearest even.
  public init(_ values: [Float], shape: [Int]? = nil, dtype: DType) {
    self.init(zeros: shape ?? [values.count], dtype: dtype)
    precondition(values.count == count, "\(values.count) values for shape \(self.shape)")
    values.withUnsafeBufferPointer {
      if let base = $0.baseAddress { dtype.round(base, count: values.count, to: storage.base) }
    }
  }

  /// This tensor as f32: itself when it is of that type, else a converted copy.
  public func asFloat32() -> Tensor {
    guard dtype != .f32 else { return self }
    let result = Tensor(zeros: shape)
    copyFloats(to: result.f32)
    return result
  }
}

extension DType {
  /// Writes f32 values in this type (f32, f16 or bf16), each rounded once to nearest even; NaN stays NaN.
  public func round(
    _ values: UnsafePointer<Float>, count: Int, to out: UnsafeMutableRawPointer
  ) {
    guard count > 0 else { return }
    switch self {
    case .f32: out.copyMemory(from: values, byteCount: count * 4)
    case .f16: ck_convert_f16_f32(out.assumingMemoryBound(to: UInt16.self), values, count)
    case .bf16: ck_convert_bf16_f32(out.assumingMemoryBound(to: UInt16.self), values, count)
    default: preconditionFailure("no rounding from f32 to \(rawValue)")
    }
  }

  /// The value of one byte of `F8_E4M3` (no infinities; 0x7F and 0xFF are NaN).
  public static func float(f8e4m3 bits: UInt8) -> Float {
    let sign: Float = bits & 0x80 == 0 ? 1 : -1
    let exponent = Int(bits >> 3 & 15)
    let mantissa = Float(bits & 7)
    if exponent == 15 && bits & 7 == 7 { return .nan }
    if exponent == 0 { return sign * mantissa * 0x1p-9 }
    return sign * (1 + mantissa / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1)
  }

  /// The value of one byte of `F8_E5M2` (the upper half of an IEEE half).
  public static func float(f8e5m2 bits: UInt8) -> Float {
    let sign: Float = bits & 0x80 == 0 ? 1 : -1
    let exponent = Int(bits >> 2 & 31)
    let mantissa = Float(bits & 3)
    if exponent == 31 { return mantissa == 0 ? sign * .infinity : .nan }
    if exponent == 0 { return sign * mantissa * 0x1p-16 }
    return sign * (1 + mantissa / 4) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
  }
}

/// The types of numbers that checkpoints store.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE double.
  case f64 = "F64"
  /// IEEE single.
  case f32 = "F32"
  /// IEEE half.
  case f16 = "F16"
  /// The upper half of an IEEE single.
  case bf16 = "BF16"
  /// Signed 64 bits.
  case i64 = "I64"
  /// Signed 32 bits.
  case i32 = "I32"
  /// Signed 16 bits.
  case i16 = "I16"
  /// Signed 8 bits.
  case i8 = "I8"
  /// Unsigned 64 bits.
  case u64 = "U64"
  /// Unsigned 32 bits.
  case u32 = "U32"
  /// Unsigned 16 bits.
  case u16 = "U16"
  /// Unsigned 8 bits.
  case u8 = "U8"
  /// One byte, 0 or 1.
  case bool = "BOOL"
  /// Eight bits, four of exponent and three of mantissa.
  case f8e4m3 = "F8_E4M3"
  /// Eight bits, five of exponent and two of mantissa.
  case f8e5m2 = "F8_E5M2"

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .i8, .u8, .bool, .f8e4m3, .f8e5m2: 1
    }
  }

  /// Whether linear layers can read weights of this type.
  public var isComputable: Bool { self == .f32 || self == .f16 || self == .bf16 }
}

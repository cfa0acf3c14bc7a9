import Tensors

/// A stored type of floating-point numbers: how a word becomes f32, and back with rounding to nearest even.
protocol StoredFloat {
  associatedtype Word: FixedWidthInteger & UnsignedInteger
  static func float(_ word: Word) -> Float
  static func word(_ value: Float) -> Word
}

enum StoredF32: StoredFloat {
  @inline(__always) static func float(_ word: UInt32) -> Float { Float(bitPattern: word) }
  @inline(__always) static func word(_ value: Float) -> UInt32 { value.bitPattern }
}

enum StoredF16: StoredFloat {
  @inline(__always) static func float(_ word: UInt16) -> Float { Float(Float16(bitPattern: word)) }
  @inline(__always) static func word(_ value: Float) -> UInt16 { Float16(value).bitPattern }
}

enum StoredBF16: StoredFloat {
  @inline(__always) static func float(_ word: UInt16) -> Float { Float(bitPattern: UInt32(word) << 16) }

  @inline(__always) static func word(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    // A NaN must not round to infinity: keep it quiet.
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }
}

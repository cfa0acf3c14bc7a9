/// The alphabet in which GPT-2's byte-level vocabularies are written: one printable scalar for each byte.
///
/// Printable bytes of Latin-1 stand for themselves, the other 68 for U+0100 onwards in ascending order.
enum ByteAlphabet {
  /// Scalar for each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      if (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 { return byte }
      defer { next += 1 }
      return next
    }
  }()

  /// Byte for each scalar below U+0144; -1 for scalars outside the alphabet.
  static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
    return table
  }()

  /// The bytes that a token written in the alphabet stands for; nil when a scalar is outside of it.
  static func decode(_ token: UnsafeRawBufferPointer, into bytes: inout [UInt8]) -> Bool {
    let table = Self.bytes
    bytes.removeAll(keepingCapacity: true)
    guard let base = token.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
    let run = UTF8Run(base: base, end: token.count)
    var index = 0
    while index < run.end {
      let (value, length) = run.scalar(at: index)
      guard value < 0x144, table[Int(value)] >= 0 else { return false }
      bytes.append(UInt8(truncatingIfNeeded: table[Int(value)]))
      index += length
    }
    return true
  }

  /// The bytes that a token written in the alphabet stands for, put at `target`, where there must be room for as many as
  /// the token has: their number, or -1 when a scalar is outside of it.
  @inline(__always) static func decode(
    _ token: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>,
    _ table: UnsafeBufferPointer<Int16>
  ) -> Int {
    guard let base = token.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
    let run = UTF8Run(base: base, end: token.count)
    var count = 0
    var index = 0
    while index < run.end {
      let (value, length) = run.scalar(at: index)
      guard value < 0x144, table[Int(value)] >= 0 else { return -1 }
      target[count] = UInt8(truncatingIfNeeded: table[Int(value)])
      count += 1
      index += length
    }
    return count
  }

  /// A token's bytes, written in the alphabet.
  static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes { text.append(scalar: scalars[Int(byte)]) }
    return text
  }

  /// The tokens `<0x00>` … `<0xFF>` that spell single bytes in sentencepiece's vocabularies.
  static let fallbackNames: [[UInt8]] = {
    let digits = Array("0123456789ABCDEF".utf8)
    return (0..<256).map { Array("<0x".utf8) + [digits[$0 >> 4], digits[$0 & 15], UInt8(ascii: ">")] }
  }()

  /// The byte that a token `<0xXX>` spells; nil for other tokens.
  static func fallbackByte(_ token: [UInt8]) -> UInt8? {
    func digit(_ byte: UInt8) -> UInt8? {
      switch byte {
      case 48...57: byte - 48
      case 65...70: byte - 55
      case 97...102: byte - 87
      default: nil
      }
    }
    guard token.count == 6, token.starts(with: [0x3C, 0x30, 0x78]), token[5] == 0x3E,
      let high = digit(token[3]), let low = digit(token[4])
    else { return nil }
    return high << 4 | low
  }
}

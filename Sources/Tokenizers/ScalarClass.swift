/// The general category of a Unicode scalar, and what the patterns of published tokenizers ask of it.
///
/// Answers come from a committed table (``ScalarClassTable``, Unicode 16.0 as the package's regular expressions have it), so
/// that they do not move with the toolchain.
struct ScalarClass: Equatable {
  /// 0–29 general categories (see the named constants), 30 a symbol that is alphabetic, such as `Ⓐ`.
  let code: UInt8

  @inline(__always) init(_ scalar: UInt32) {
    let first = ScalarClassTable.stage1.utf8Start + Int(scalar >> 8) * 2
    let block = Int(first[0] &- 48) &* 32 &+ Int(first[1] &- 48)
    code = ScalarClassTable.stage2.utf8Start[block &* 256 &+ Int(scalar & 255)] &- 48
  }

  @inline(__always) private func isIn(_ mask: UInt32) -> Bool { mask >> UInt32(code) & 1 != 0 }

  /// `\p{L}`
  @inline(__always) var isLetter: Bool { code < 5 }
  /// `\p{M}`
  @inline(__always) var isMark: Bool { code &- 5 < 3 }
  /// `\p{Mn}`
  var isNonspacingMark: Bool { code == 5 }
  /// `\p{N}`
  @inline(__always) var isNumber: Bool { code &- 8 < 3 }
  /// `\p{Nd}`
  var isDecimalDigit: Bool { code == 8 }
  /// `\p{P}`
  var isPunctuation: Bool { code &- 11 < 7 }
  /// `\p{S}`
  var isSymbol: Bool { code &- 18 < 4 || code == 30 }
  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
  @inline(__always) var isUpperOrUncased: Bool { isIn(0b1111_1101) }
  /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
  @inline(__always) var isLowerOrUncased: Bool { isIn(0b1111_1010) }
  /// `\p{Z}`
  var isSeparator: Bool { code &- 22 < 3 }
  /// `\p{C}`
  var isOther: Bool { code &- 25 < 5 }
  /// `\p{Cn}`
  var isUnassigned: Bool { code == 29 }

  /// Number of the table's block of the scalars from `256 * index`: equal ones hold equal classes.
  static func block(_ index: Int) -> Int {
    let first = ScalarClassTable.stage1.utf8Start + index * 2
    return Int(first[0] &- 48) &* 32 &+ Int(first[1] &- 48)
  }

  /// `\w`: alphabetic, marks, decimal digits, connector punctuation, joiners
  static func isWord(_ scalar: UInt32) -> Bool {
    let value = ScalarClass(scalar)
    return value.code < 10 || value.code == 11 || value.code == 30 || scalar == 0x200C || scalar == 0x200D
  }

  /// `\s`: the White_Space property
  @inline(__always) static func isSpace(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return scalar == 32 || scalar &- 9 < 5 }
    if scalar == 0x85 { return true }
    return ScalarClass(scalar).code &- 22 < 3
  }

  /// Punctuation as BERT means it: every printable ASCII sign that is no letter, digit or space, and `\p{P}` of Unicode 8
  static func isBertPunctuation(_ scalar: UInt32) -> Bool { ScalarRanges.punctuation.contains(scalar) }

  /// What `Digits` cuts at: `\p{N}` of Unicode 17
  static func isDigitsNumber(_ scalar: UInt32) -> Bool {
    ScalarClass(scalar).isNumber || (scalar >= 0x11DE0 && ScalarRanges.lateNumbers.contains(scalar))
  }
}

/// A run of valid UTF-8 with the scalar reads that scanners need.
struct UTF8Run {
  let base: UnsafePointer<UInt8>
  let end: Int

  /// The scalar that starts at a byte, and its length in bytes (1–4).
  @inline(__always) func scalar(at index: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(base[index])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(base[index + 1] & 0x3F)
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(base[index + 2] & 0x3F)
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
    return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(base[index + 3] & 0x3F), 4)
  }

  /// Where the scalar before a byte starts.
  @inline(__always) func start(before index: Int) -> Int {
    var start = index - 1
    while start > 0 && base[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// A range of bytes, widened to whole scalars.
  @inline(__always) func widened(_ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var last = range.upperBound
    while start > 0 && base[start] & 0xC0 == 0x80 { start -= 1 }
    while last < end && base[last] & 0xC0 == 0x80 { last += 1 }
    return start..<last
  }

  /// First byte at or after `index` whose scalar does not satisfy the condition.
  @inline(__always) func skip(from index: Int, while condition: (UInt32) -> Bool) -> Int {
    var index = index
    while index < end {
      let (value, length) = scalar(at: index)
      guard condition(value) else { break }
      index += length
    }
    return index
  }
}

extension [UInt8] {
  /// Appends a scalar's UTF-8.
  @inline(__always) mutating func append(scalar value: UInt32) {
    switch value {
    case 0..<0x80: append(UInt8(value))
    case 0x80..<0x800:
      append(UInt8(0xC0 | value >> 6))
      append(UInt8(0x80 | value & 0x3F))
    case 0x800..<0x10000:
      append(UInt8(0xE0 | value >> 12))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    default:
      append(UInt8(0xF0 | value >> 18))
      append(UInt8(0x80 | value >> 12 & 0x3F))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    }
  }

  /// Calls `body` with each scalar of valid UTF-8, its first byte and its length.
  func forEachScalar(_ body: (UInt32, Int, Int) -> Void) {
    withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let run = UTF8Run(base: base, end: buffer.count)
      var index = 0
      while index < run.end {
        let (value, length) = run.scalar(at: index)
        body(value, index, length)
        index += length
      }
    }
  }

  /// The bytes as a text; what is no UTF-8 becomes replacement characters.
  var text: String { String(decoding: self, as: UTF8.self) }
}

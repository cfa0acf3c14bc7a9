/// Whether bytes are one JSON value in UTF-8 (RFC 8259), to 512 levels.
struct JSONChecker {
  private let base: UnsafePointer<UInt8>
  private let end: Int
  private let source: String
  private var index = 0

  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  static func check(_ bytes: [UInt8], source: String) throws {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw JSONError.syntax(source: source, offset: 0, reason: "not UTF-8")
    }
    try bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress, !buffer.isEmpty else {
        throw JSONError.syntax(source: source, offset: 0, reason: "empty")
      }
      var checker = JSONChecker(base: base, end: buffer.count, source: source)
      checker.space()
      try checker.value(depth: 0)
      checker.space()
      if checker.index < checker.end { throw checker.error("more text after the value") }
    }
  }

  private init(base: UnsafePointer<UInt8>, end: Int, source: String) {
    self.base = base
    self.end = end
    self.source = source
  }

  private func error(_ reason: String) -> JSONError {
    .syntax(source: source, offset: index, reason: index >= end ? "the text ends too early" : reason)
  }

  private mutating func space() {
    while index < end, base[index] == 32 || base[index] == 10 || base[index] == 13 || base[index] == 9 {
      index += 1
    }
  }

  private var byte: UInt8 { index < end ? base[index] : 0 }

  private mutating func value(depth: Int) throws {
    guard depth < 512 else { throw error("nested deeper than 512 levels") }
    switch byte {
    case UInt8(ascii: "{"):
      index += 1
      space()
      if byte == UInt8(ascii: "}") {
        index += 1
        return
      }
      while true {
        try string()
        space()
        try take(UInt8(ascii: ":"))
        space()
        try value(depth: depth + 1)
        space()
        if byte == UInt8(ascii: ",") {
          index += 1
          space()
        } else {
          return try take(UInt8(ascii: "}"))
        }
      }
    case UInt8(ascii: "["):
      index += 1
      space()
      if byte == UInt8(ascii: "]") {
        index += 1
        return
      }
      while true {
        try value(depth: depth + 1)
        space()
        if byte == UInt8(ascii: ",") {
          index += 1
          space()
        } else {
          return try take(UInt8(ascii: "]"))
        }
      }
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try number()
    }
  }

  private mutating func take(_ wanted: UInt8) throws {
    guard index < end, base[index] == wanted else { throw error("\(Unicode.Scalar(wanted)) expected") }
    index += 1
  }

  private mutating func word(_ word: StaticString) throws {
    for offset in 0..<word.utf8CodeUnitCount { try take(word.utf8Start[offset]) }
  }

  private mutating func string() throws {
    try take(UInt8(ascii: "\""))
    while index < end {
      let byte = base[index]
      if byte == UInt8(ascii: "\"") {
        index += 1
        return
      }
      if byte < 32 { throw error("a control character inside a text") }
      index += 1
      if byte != UInt8(ascii: "\\") { continue }
      switch self.byte {
      case UInt8(ascii: "u"):
        index += 1
        for _ in 0..<4 {
          guard index < end, Self.digit(base[index]) < 16 else {
            throw error("four hexadecimal digits expected")
          }
          index += 1
        }
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
        UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
        index += 1
      default: throw error("an unknown escape")
      }
    }
    throw error("")
  }

  private mutating func digits() throws {
    guard byte &- 48 < 10 else { throw error("a value expected") }
    while byte &- 48 < 10 { index += 1 }
  }

  private mutating func number() throws {
    if byte == UInt8(ascii: "-") { index += 1 }
    if byte == UInt8(ascii: "0") { index += 1 } else { try digits() }
    if byte == UInt8(ascii: ".") {
      index += 1
      try digits()
    }
    if byte | 0x20 == UInt8(ascii: "e") {
      index += 1
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { index += 1 }
      try digits()
    }
  }

  /// Whether a byte cannot belong to a number or a word.
  @inline(__always) static func ends(_ byte: UInt8) -> Bool {
    byte <= 32 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
  }

  /// The value of a hexadecimal digit; 255 for other bytes.
  static func digit(_ byte: UInt8) -> UInt32 {
    switch byte {
    case 48...57: UInt32(byte - 48)
    case 65...70: UInt32(byte - 55)
    case 97...102: UInt32(byte - 87)
    default: 255
    }
  }

  /// Four hexadecimal digits.
  static func hexadecimal(_ base: UnsafePointer<UInt8>, _ start: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 << 4 | digit(base[start + $1]) }
  }
}

import Runtime

/// A text of JSON that is checked once and then read in place, without building values: for files with hundreds of
/// thousands of members, such as vocabularies.
///
/// Keys are compared by their bytes. A ``JSONValue`` object is keyed by Swift strings, which are equal when they are
/// canonically equivalent: two keys that differ only in Unicode normalisation are one key there and two here.
public struct JSONDocument: Sendable {
  private let bytes: [UInt8]

  /// Checks one value and takes its text; `source` names it in errors.
  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  /// - Complexity: O(n).
  public init(parsing bytes: [UInt8], source: String = "the text") throws {
    try JSONChecker.check(bytes, source: source)
    // Zero bytes end what is last, so that reading in place needs no bound, eight bytes at a time included.
    var ended: [UInt8] = []
    ended.reserveCapacity(bytes.count + 8)
    ended.append(contentsOf: bytes)
    ended.append(contentsOf: repeatElement(0, count: 8))
    self.bytes = ended
  }

  /// Gives access to the value; nodes must not leave the closure.
  public func withRoot<Result>(_ body: (JSONNode) throws -> Result) rethrows -> Result {
    try bytes.withUnsafeBufferPointer { buffer in
      // A checked text is never empty.
      guard let base = buffer.baseAddress else { preconditionFailure("an empty document") }
      return try body(JSONNode(base: base, start: JSONNode.skipSpace(base, 0, limit: buffer.count)))
    }
  }
}

/// One value inside a ``JSONDocument``, valid while the document's closure runs.
public struct JSONNode {
  private let base: UnsafePointer<UInt8>
  private let start: Int

  init(base: UnsafePointer<UInt8>, start: Int) {
    self.base = base
    self.start = start
  }

  private var first: UInt8 { base[start] }

  /// Whether this is an object.
  public var isObject: Bool { first == UInt8(ascii: "{") }
  /// Whether this is a list.
  public var isArray: Bool { first == UInt8(ascii: "[") }
  /// Whether this is a text.
  public var isString: Bool { first == UInt8(ascii: "\"") }
  /// Whether this is `null`.
  public var isNull: Bool { first == UInt8(ascii: "n") }

  /// The value, copied out of the document.
  /// - Throws: ``JSONError`` where json-c does not take what is valid JSON (nesting beyond 512 levels).
  public func value() throws -> JSONValue {
    let end = Self.skip(base, start)
    return try JSONValue.parse(
      UnsafeRawBufferPointer(start: base + start, count: end - start), source: "a part of a document")
  }

  /// The members of an object by their keys; the last of equal keys. Empty for other values.
  public func members() -> [String: JSONNode] {
    var found: [String: JSONNode] = [:]
    forEachMember { found[String(decoding: $0, as: UTF8.self)] = $1 }
    return found
  }

  /// The integer, where this is one in 64 bits.
  public var int: Int? {
    var index = start
    let negative = base[index] == UInt8(ascii: "-")
    if negative { index += 1 }
    guard base[index] &- 48 < 10 else { return nil }
    var value = 0
    while base[index] &- 48 < 10 {
      let (shifted, high) = value.multipliedReportingOverflow(by: 10)
      let (next, low) = shifted.addingReportingOverflow(Int(base[index] &- 48))
      if high || low { return nil }
      value = next
      index += 1
    }
    if [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(base[index]) { return nil }
    return negative ? -value : value
  }

  /// The number, where this is one.
  public var double: Double? {
    guard base[start] == UInt8(ascii: "-") || base[start] &- 48 < 10 else { return nil }
    let end = Self.skip(base, start)
    return Double(
      String(decoding: UnsafeBufferPointer(start: base + start, count: end - start), as: UTF8.self))
  }

  /// The text, where this is one.
  public var string: String? { withUTF8 { String(decoding: $0, as: UTF8.self) } }

  /// Calls `body` with the text's UTF-8, where this is a text.
  @inline(__always)
  public func withUTF8<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result? {
    guard isString else { return nil }
    return try Self.withText(base, start, body).result
  }

  /// Calls `body` with the key's UTF-8 and the value of each member, in order; does nothing for other values.
  public func forEachMember(_ body: (UnsafeRawBufferPointer, JSONNode) throws -> Void) rethrows {
    guard isObject else { return }
    var index = Self.skipSpace(base, start + 1)
    while base[index] != UInt8(ascii: "}") {
      let colon = Self.skipSpace(base, Self.skip(base, index))
      let value = Self.skipSpace(base, colon + 1)
      _ = try Self.withText(base, index) { try body($0, JSONNode(base: base, start: value)) }
      index = Self.skipSpace(base, Self.skip(base, value))
      if base[index] == UInt8(ascii: ",") { index = Self.skipSpace(base, index + 1) }
    }
  }

  /// Calls `body` with each element of a list, in order; does nothing for other values.
  public func forEachElement(_ body: (JSONNode) throws -> Void) rethrows {
    guard isArray else { return }
    var index = Self.skipSpace(base, start + 1)
    while base[index] != UInt8(ascii: "]") {
      try body(JSONNode(base: base, start: index))
      index = Self.skipSpace(base, Self.skip(base, index))
      if base[index] == UInt8(ascii: ",") { index = Self.skipSpace(base, index + 1) }
    }
  }

  /// Number of members or elements.
  public var count: Int {
    var count = 0
    forEachMember { _, _ in count += 1 }
    forEachElement { _ in count += 1 }
    return count
  }

  @inline(__always)
  static func skipSpace(_ base: UnsafePointer<UInt8>, _ start: Int, limit: Int = .max) -> Int {
    var index = start
    while index < limit, base[index] <= 32 {
      // Indented files are half spaces.
      if limit == .max && eight(base, index) == 0x2020_2020_2020_2020 { index += 8 } else { index += 1 }
    }
    return index
  }

  @inline(__always) private static func eight(_ base: UnsafePointer<UInt8>, _ index: Int) -> UInt64 {
    UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
  }

  /// The first quotation mark or backslash at a byte or after it; a checked text has one.
  @inline(__always)
  private static func quoteOrBackslash(_ base: UnsafePointer<UInt8>, _ start: Int) -> Int {
    var index = start
    while true {
      let bytes = eight(base, index).littleEndian
      // A byte is zero where its highest bit is set by the borrow and was not set before.
      let quote = bytes ^ 0x2222_2222_2222_2222
      let slash = bytes ^ 0x5C5C_5C5C_5C5C_5C5C
      let found =
        ((quote &- 0x0101_0101_0101_0101) & ~quote | (slash &- 0x0101_0101_0101_0101) & ~slash)
        & 0x8080_8080_8080_8080
      if found != 0 { return index + found.trailingZeroBitCount / 8 }
      index += 8
    }
  }

  /// End of the checked value at a byte.
  private static func skip(_ base: UnsafePointer<UInt8>, _ start: Int) -> Int {
    var index = start
    var depth = 0
    repeat {
      switch base[index] {
      case UInt8(ascii: "\""):
        index = quoteOrBackslash(base, index + 1)
        while base[index] != UInt8(ascii: "\"") { index = quoteOrBackslash(base, index + 2) }
        index += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        index += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"): index += 1
      case 0...32: index = skipSpace(base, index + 1)
      default:
        // A number or a word; the document ends with a zero byte, so this ends too.
        while !JSONChecker.ends(base[index]) { index += 1 }
      }
    } while depth > 0
    return index
  }

  @inline(__always)
  private static func withText<Result>(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> (result: Result, end: Int) {
    var end = quoteOrBackslash(base, start + 1)
    if base[end] == UInt8(ascii: "\"") {
      return (try body(UnsafeRawBufferPointer(start: base + start + 1, count: end - start - 1)), end + 1)
    }
    var text = Array(UnsafeBufferPointer(start: base + start + 1, count: end - start - 1))
    while base[end] != UInt8(ascii: "\"") {
      if base[end] == UInt8(ascii: "\\") {
        end = unescape(base, end, into: &text)
      } else {
        text.append(base[end])
        end += 1
      }
    }
    return (try text.withUnsafeBytes(body), end + 1)
  }

  /// Appends what the escape at a byte stands for and returns its end. Half of a surrogate pair becomes U+FFFD.
  private static func unescape(_ base: UnsafePointer<UInt8>, _ start: Int, into text: inout [UInt8]) -> Int {
    switch base[start + 1] {
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "u"):
      var value = JSONChecker.hexadecimal(base, start + 2)
      var end = start + 6
      if value & 0xFC00 == 0xD800, base[end] == UInt8(ascii: "\\"), base[end + 1] == UInt8(ascii: "u") {
        let low = JSONChecker.hexadecimal(base, end + 2)
        if low & 0xFC00 == 0xDC00 {
          value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
          end += 6
        }
      }
      text.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
      return end
    default: text.append(base[start + 1])
    }
    return start + 2
  }
}

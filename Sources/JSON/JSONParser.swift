import CJSONC
import OrderedCollections
import Runtime

/// What can be wrong with a JSON text.
public enum JSONError: SurgeonError {
  /// The text is no JSON.
  case syntax(source: String, offset: Int, reason: String)
  /// A number that JSON cannot say.
  case notFinite(path: String)

  public var code: String {
    switch self {
    case .syntax: "JSON_SYNTAX"
    case .notFinite: "JSON_NOT_FINITE"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .syntax: .badData
    case .notFinite: .internalError
    }
  }
  public var found: String {
    switch self {
    case .syntax(let source, let offset, let reason): "\(source) is no JSON at byte \(offset): \(reason)"
    case .notFinite(let path): "a number at \(path) that is not finite"
    }
  }
  public var expected: String {
    switch self {
    case .syntax: "one JSON value in UTF-8 and nothing after it"
    case .notFinite: "finite numbers, or null with a reason"
    }
  }
  public var suggestion: String {
    switch self {
    case .syntax: "look at the byte named; a truncated download is the usual cause"
    case .notFinite: "this is a defect of the program: please report it"
    }
  }
}

extension JSONValue {
  /// Parses one value; `source` names the text in errors.
  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  public init(parsing bytes: [UInt8], source: String = "the text") throws {
    self = try bytes.withUnsafeBytes { try JSONValue.parse($0, source: source) }
  }

  /// Parses one value out of a text.
  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  public init(parsing text: String, source: String = "the text") throws {
    try self.init(parsing: Array(text.utf8), source: source)
  }

  /// Reads and parses a file.
  /// - Throws: ``JSONError``, ``FileError``.
  public init(file path: String) throws { try self.init(parsing: Files.read(path), source: path) }

  /// Parses bytes in place.
  /// - Throws: ``JSONError/syntax(source:offset:reason:)``.
  public static func parse(_ bytes: UnsafeRawBufferPointer, source: String) throws -> JSONValue {
    let root = try tree(bytes, source: source)
    defer { json_object_put(root) }
    return value(root)
  }

  /// Parses bytes into json-c's own tree; the caller gives it back with `json_object_put`.
  static func tree(_ bytes: UnsafeRawBufferPointer, source: String) throws -> OpaquePointer? {
    guard bytes.count < Int(Int32.max) else {
      throw JSONError.syntax(source: source, offset: 0, reason: "longer than 2 GiB")
    }
    guard !bytes.isEmpty, let tokener = json_tokener_new_ex(512) else {
      throw JSONError.syntax(source: source, offset: 0, reason: "empty")
    }
    defer { json_tokener_free(tokener) }
    try refuseExtensions(bytes, source: source)
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8)
    // json-c takes the end of a bare number only when told that the text is over: a final zero byte says so.
    var text = [CChar](repeating: 0, count: bytes.count + 1)
    text.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
    spellPairs(&text)
    let root = json_tokener_parse_ex(tokener, text, Int32(text.count))
    let status = json_tokener_get_error(tokener)
    let end = Int(json_tokener_get_parse_end(tokener))
    guard status == json_tokener_success else {
      json_object_put(root)
      throw JSONError.syntax(
        source: source, offset: end,
        reason: status == json_tokener_continue
          ? "the text ends too early" : String(cString: json_tokener_error_desc(status)))
    }
    for offset in end..<max(end, bytes.count) where !UInt8.isSpace(bytes[offset]) {
      json_object_put(root)
      throw JSONError.syntax(source: source, offset: offset, reason: "more text after the value")
    }
    return root
  }

  /// json-c reads a pair of escapes whose scalar ends in D800…DFFF (U+1D800, U+2DFFF) as a lone surrogate: such pairs are
  /// written out, and the text behind them moves up, with spaces for what is left at the end.
  private static func spellPairs(_ text: inout [CChar]) {
    func digits(_ index: Int) -> UInt32? {
      guard index + 6 < text.count, text[index] == 92, text[index + 1] == 117 else { return nil }
      var value: UInt32 = 0
      for offset in 2..<6 {
        let digit = JSONChecker.digit(UInt8(bitPattern: text[index + offset]))
        if digit > 15 { return nil }
        value = value << 4 | digit
      }
      return value
    }
    var (source, target) = (0, 0)
    while source < text.count - 1 {
      if text[source] == 92, let high = digits(source), high & 0xFC3E == 0xD836, let low = digits(source + 6),
        low & 0xFC00 == 0xDC00,
        let scalar = Unicode.Scalar(0x10000 + (high & 0x3FF) << 10 + low & 0x3FF)
      {
        for byte in String(scalar).utf8 {
          text[target] = CChar(bitPattern: byte)
          target += 1
        }
        source += 12
        continue
      }
      // What a backslash stands before is no beginning of an escape.
      let count = text[source] == 92 && source + 1 < text.count - 1 ? 2 : 1
      for _ in 0..<count {
        if source != target { text[target] = text[source] }
        source += 1
        target += 1
      }
    }
    for index in target..<text.count - 1 { text[index] = 32 }
  }

  /// json-c takes single quotes, `NaN` and `Infinity` even when strict; JSON has none of them.
  private static func refuseExtensions(_ bytes: UnsafeRawBufferPointer, source: String) throws {
    var inString = false
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if inString {
        if byte == UInt8(ascii: "\\") { index += 1 }
        if byte == UInt8(ascii: "\"") { inString = false }
      } else if byte == UInt8(ascii: "\"") {
        inString = true
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") {
        throw JSONError.syntax(source: source, offset: index, reason: "single quotes, NaN or Infinity")
      }
      index += 1
    }
  }

  static func value(_ object: OpaquePointer?) -> JSONValue {
    switch json_object_get_type(object) {
    case json_type_null: return .null
    case json_type_boolean: return .bool(json_object_get_boolean(object) != 0)
    case json_type_int:
      // json-c clamps what does not fit 64 bits signed: keep such a number as a double.
      let text = String(cString: json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN))
      return Int64(text).map(JSONValue.int) ?? .number(json_object_get_double(object))
    case json_type_double: return .number(json_object_get_double(object))
    case json_type_string:
      let start = UnsafeRawPointer(json_object_get_string(object))
      let bytes = UnsafeRawBufferPointer(start: start, count: Int(json_object_get_string_len(object)))
      return .string(String(decoding: bytes, as: UTF8.self))
    case json_type_array:
      let count = json_object_array_length(object)
      return .array((0..<count).map { value(json_object_array_get_idx(object, $0)) })
    default:
      var members: OrderedDictionary<String, JSONValue> = [:]
      members.reserveCapacity(Int(json_object_object_length(object)))
      var iterator = json_object_iter_begin(object)
      var end = json_object_iter_end(object)
      while json_object_iter_equal(&iterator, &end) == 0 {
        let name = String(cString: json_object_iter_peek_name(&iterator))
        members[name] = value(json_object_iter_peek_value(&iterator))
        json_object_iter_next(&iterator)
      }
      return .object(members)
    }
  }
}

extension UInt8 {
  fileprivate static func isSpace(_ byte: UInt8) -> Bool {
    byte == 32 || (9...13).contains(byte) || byte == 0
  }
}

import JSON

/// One step of rewriting a text before it is cut, as `tokenizer.json` names it.
enum Normalizer {
  case replace(TextPattern, [UInt8])
  case prepend([UInt8])
  case strip(left: Bool, right: Bool)
  case lowercase
  case byteLevel

  /// Reads a normaliser; sequences become their steps in order.
  /// - Throws: ``TokenizerError``.
  static func steps(_ value: JSONValue?, source: String) throws -> [Normalizer] {
    guard let value, !value.isNull else { return [] }
    let part = "normalizer"
    let kind = value["type"]?.string ?? "without a type"
    switch kind {
    case "Sequence":
      return try (value["normalizers"]?.array ?? []).flatMap { try steps($0, source: source) }
    case "Replace":
      return [
        .replace(
          try TextPattern(value["pattern"], part: part, source: source),
          Array((value["content"]?.string ?? "").utf8))
      ]
    case "Prepend": return [.prepend(Array((value["prepend"]?.string ?? "").utf8))]
    case "Strip":
      return [
        .strip(left: value["strip_left"]?.bool ?? true, right: value["strip_right"]?.bool ?? true)
      ]
    case "Lowercase": return [.lowercase]
    case "ByteLevel": return [.byteLevel]
    default: throw TokenizerError.unknownKind(part: part, kind: kind, source: source)
    }
  }

  /// Rewrites the text.
  func apply(_ text: inout AlignedText) {
    switch self {
    case .replace(let pattern, let content):
      text.replace(pattern.matches(text.bytes, in: 0..<text.bytes.count), with: content)
    case .prepend(let content): text.prepend(content)
    case .strip(let left, let right):
      var start = 0
      var end = 0
      var seen = false
      text.bytes.forEachScalar { value, index, length in
        if ScalarClass.isSpace(value) { return }
        if !seen { start = index }
        seen = true
        end = index + length
      }
      if !seen { (start, end) = left ? (text.bytes.count, text.bytes.count) : (0, 0) }
      text.keep((left ? start : 0)..<max(left ? start : 0, right ? end : text.bytes.count))
    case .lowercase: text.lowercase()
    case .byteLevel:
      text.mapBytes { byte, origin, draft in
        draft.append(scalar: ByteAlphabet.scalars[Int(byte)], origin: origin)
      }
    }
  }
}

extension AlignedText {
  /// Writes each scalar's lower-case mapping, without regard to its neighbours.
  mutating func lowercase() {
    mapScalars { value, origin, draft in
      if value < 0x80 {
        draft.append(scalar: value &- 65 < 26 ? value + 32 : value, origin: origin)
      } else if let scalar = Unicode.Scalar(value) {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
          draft.append(scalar: lower.value, origin: origin)
        }
      }
    }
  }

  /// The text that `body` writes, byte by byte.
  mutating func mapBytes(_ body: (_ byte: UInt8, _ origin: Origin, inout Draft) -> Void) {
    var draft = Draft(capacity: bytes.count * 2)
    for (index, byte) in bytes.enumerated() { body(byte, byteOrigin(index), &draft) }
    take(draft)
  }
}

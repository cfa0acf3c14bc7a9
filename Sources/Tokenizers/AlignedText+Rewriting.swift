extension AlignedText {
  /// Writes each scalar's lower-case mapping, without regard to its neighbours.
  mutating func lowercase() {
    if isASCII {
      replaceBytes { $0 &- 65 < 26 ? $0 | 0x20 : $0 }
      return
    }
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

  /// Drops control and format characters and U+FFFD, and makes every whitespace a space.
  mutating func cleanForBert() {
    if bytes.allSatisfy({ $0 &- 32 < 95 || $0 &- 9 < 2 || $0 == 13 }) {
      replaceBytes { $0 < 32 ? 32 : $0 }
      return
    }
    mapScalars { value, origin, draft in
      if ScalarRanges.bertControls.contains(value) { return }
      draft.append(scalar: ScalarClass.isSpace(value) ? 32 : value, origin: origin)
    }
  }

  /// Puts a space on both sides of each Chinese character.
  mutating func spaceChinese() {
    // None of them begins with a byte below E3.
    if bytes.allSatisfy({ $0 < 0xE3 }) { return }
    mapScalars { value, origin, draft in
      guard Self.isChinese(value) else { return draft.append(scalar: value, origin: origin) }
      for scalar in [32, value, 32] { draft.append(scalar: scalar, origin: origin) }
    }
  }

  /// The blocks that the published tokenizers take for Chinese, with the bounds they use.
  private static func isChinese(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
      0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  /// Drops the control characters that sentencepiece's `nmt` rules drop, and makes its kinds of whitespace spaces.
  mutating func cleanForTranslation() {
    mapScalars { value, origin, draft in
      switch value {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        draft.append(scalar: 32, origin: origin)
      default: draft.append(scalar: value, origin: origin)
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

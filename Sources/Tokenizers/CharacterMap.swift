/// The replacements that a sentencepiece model carries as its `precompiled_charsmap`: a double-array trie from texts to
/// places in a run of zero-terminated texts.
struct CharacterMap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  /// Reads the map; nil when the bytes are none.
  init?(_ bytes: [UInt8]) {
    func word(_ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
    }
    guard bytes.count >= 4 else { return nil }
    let size = Int(word(0))
    guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else { return nil }
    units = (0..<size / 4).map { word(4 + 4 * $0) }
    replacements = Array(bytes[(4 + size)...])
    guard String(validating: replacements, as: UTF8.self) != nil else { return nil }
  }

  /// What stands for a text whose beginning is in the map; the shortest such beginning decides, as in the published
  /// normaliser.
  func replacement(_ text: some Sequence<UInt8>) -> ArraySlice<UInt8>? {
    var node = offset(units[0])
    for byte in text {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
      let unit = units[node]
      node ^= offset(unit)
      if unit >> 8 & 1 == 1 {
        guard node < units.count else { return nil }
        let start = Int(units[node] & 0x7FFF_FFFF)
        guard start <= replacements.count else { return nil }
        // A place inside a scalar would not be a text.
        if start < replacements.count && replacements[start] & 0xC0 == 0x80 { return nil }
        return replacements[start...].prefix { $0 != 0 }
      }
    }
    return nil
  }

  /// What stands for the longest beginning of a text that is in the map, and how long that is: sentencepiece's own rule.
  func longest(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (ArraySlice<UInt8>, Int)? {
    var node = offset(units[0])
    var best: (ArraySlice<UInt8>, Int)?
    for index in start..<bytes.count {
      let byte = bytes[index]
      node ^= Int(byte)
      guard byte != 0, node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { break }
      let unit = units[node]
      node ^= offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard node < units.count else { break }
      let place = Int(units[node] & 0x7FFF_FFFF)
      guard place < replacements.count, replacements[place] & 0xC0 != 0x80 else { continue }
      best = (replacements[place...].prefix { $0 != 0 }, index + 1 - start)
    }
    return best
  }

  private func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }
}

extension AlignedText {
  /// Replaces by a character map.
  ///
  /// Here alone grapheme clusters matter: the published normaliser looks a cluster of less than six bytes up as a whole
  /// first, and then its scalars one by one.
  mutating func replace(by map: CharacterMap) {
    var changes: [Change] = []
    changes.reserveCapacity(bytes.count)
    for cluster in bytes.text {
      let text = Array(String(cluster).utf8)
      if text.count < 6, let content = map.replacement(text) {
        Self.append(content, for: String(cluster).unicodeScalars.count, to: &changes)
      } else {
        text.forEachScalar { value, offset, length in
          if let content = map.replacement(text[offset..<offset + length]) {
            Self.append(content, for: 1, to: &changes)
          } else {
            changes.append(Change(scalar: value, change: 0))
          }
        }
      }
    }
    rewrite(changes)
  }

  /// Appends scalars in the place of as many old ones: what is more is put in, and the last one takes the places that
  /// are left. Where nothing is before a text that is taken away, the places of all that follows move, as in the
  /// published normaliser.
  private static func append(_ content: ArraySlice<UInt8>, for count: Int, to changes: inout [Change]) {
    var number = 0
    Array(content).forEachScalar { value, _, _ in
      changes.append(Change(scalar: value, change: number < count ? 0 : 1))
      number += 1
    }
    if number < count, !changes.isEmpty { changes[changes.count - 1].change -= Int32(count - number) }
  }
}

/// Base64 (RFC 4648, with padding).
enum Base64 {
  /// The bytes; nil when the text is no base64.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for character in text.utf8 {
      let digit: UInt32
      switch character {
      case 65...90: digit = UInt32(character) - 65
      case 97...122: digit = UInt32(character) - 71
      case 48...57: digit = UInt32(character) + 4
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      default: return nil
      }
      if padding > 0 { return nil }
      bits = bits << 6 | digit
      count += 1
      if count % 4 != 1 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * ((count - 1) % 4)))) }
    }
    return (count + padding) % 4 == 0 && padding <= 2 ? bytes : nil
  }
}

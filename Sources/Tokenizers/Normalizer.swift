import JSON

/// One step of rewriting a text before it is cut, as `tokenizer.json` names it.
enum Normalizer {
  case replace(TextPattern, [UInt8])
  case prepend([UInt8])
  case strip(left: Bool, right: Bool)
  case lowercase
  case byteLevel
  case unicode(NormalizationForm)
  case stripAccents
  case bert(cleansText: Bool, spacesChinese: Bool, stripsAccents: Bool, lowercases: Bool)
  case nmt
  case characterMap(CharacterMap)
  case sentencePiece(SentencePieceNormalizer)

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
    case "NFC": return [.unicode(.nfc)]
    case "NFD": return [.unicode(.nfd)]
    case "NFKC": return [.unicode(.nfkc)]
    case "NFKD": return [.unicode(.nfkd)]
    case "StripAccents": return [.stripAccents]
    case "BertNormalizer":
      let lowercases = value["lowercase"]?.bool ?? true
      return [
        .bert(
          cleansText: value["clean_text"]?.bool ?? true,
          spacesChinese: value["handle_chinese_chars"]?.bool ?? true,
          stripsAccents: value["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
      ]
    case "Nmt": return [.nmt]
    case "Precompiled":
      // Models without replacements write an empty map, or none.
      guard let text = value["precompiled_charsmap"]?.string, !text.isEmpty else { return [] }
      guard let map = Base64.decode(text).flatMap(CharacterMap.init) else {
        throw TokenizerError.malformed(source: source, place: part, reason: "no precompiled_charsmap")
      }
      return [.characterMap(map)]
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
    case .unicode(let form): text.normalize(form)
    case .stripAccents:
      text.mapScalars { value, origin, draft in
        if !ScalarRanges.accents.contains(value) { draft.append(scalar: value, origin: origin) }
      }
    case .bert(let cleansText, let spacesChinese, let stripsAccents, let lowercases):
      if cleansText { text.cleanForBert() }
      if spacesChinese { text.spaceChinese() }
      if stripsAccents && !text.isASCII {
        text.normalize(.nfd)
        text.mapScalars { value, origin, draft in
          if !ScalarRanges.bertAccents.contains(value) { draft.append(scalar: value, origin: origin) }
        }
      }
      if lowercases { text.lowercase() }
    case .nmt: text.cleanForTranslation()
    case .characterMap(let map): text.replace(by: map)
    case .sentencePiece(let normalizer): normalizer.apply(&text)
    case .byteLevel:
      text.mapBytes { byte, origin, draft in
        draft.append(scalar: ByteAlphabet.scalars[Int(byte)], origin: origin)
      }
    }
  }
}

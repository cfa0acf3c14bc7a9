import JSON

/// One step of turning tokens back into text, as `tokenizer.json` names it. Each step rewrites a list of texts, which
/// are joined after the last.
enum Decoder {
  case byteLevel
  case byteFallback
  case replace(TextPattern, [UInt8])
  case fuse
  case strip(content: [UInt8], start: Int, stop: Int)
  case metaspace(mark: [UInt8], dropsFirst: Bool)
  case wordPiece(prefix: [UInt8], cleansUp: Bool)
  case suffix([UInt8])
  case ctc(pad: [UInt8], delimiter: [UInt8], cleansUp: Bool)
  case sentencePiece(SentencePieceDecoding)

  /// Reads a decoder; sequences become their steps in order.
  /// - Throws: ``TokenizerError``.
  static func steps(_ value: JSONValue?, source: String) throws -> [Decoder] {
    guard let value, !value.isNull else { return [] }
    let part = "decoder"
    let kind = value["type"]?.string ?? "without a type"
    func bytes(_ key: String, _ absent: String) -> [UInt8] { Array((value[key]?.string ?? absent).utf8) }
    switch kind {
    case "Sequence": return try (value["decoders"]?.array ?? []).flatMap { try steps($0, source: source) }
    case "ByteLevel": return [.byteLevel]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Replace":
      return [.replace(try TextPattern(value["pattern"], part: part, source: source), bytes("content", ""))]
    case "Strip":
      return [
        .strip(
          content: bytes("content", " "), start: value["start"]?.int ?? 0, stop: value["stop"]?.int ?? 0)
      ]
    case "Metaspace":
      let never =
        value["prepend_scheme"]?.string.map { $0 == "never" } ?? (value["add_prefix_space"]?.bool == false)
      return [.metaspace(mark: bytes("replacement", "▁"), dropsFirst: !never)]
    case "WordPiece":
      return [.wordPiece(prefix: bytes("prefix", "##"), cleansUp: value["cleanup"]?.bool ?? true)]
    case "CTC":
      return [
        .ctc(
          pad: bytes("pad_token", "<pad>"), delimiter: bytes("word_delimiter_token", "|"),
          cleansUp: value["cleanup"]?.bool ?? true)
      ]
    case "BPEDecoder": return [.suffix(bytes("suffix", "</w>"))]
    default: throw TokenizerError.unknownKind(part: part, kind: kind, source: source)
    }
  }

  /// Rewrites the texts. With `rawBytes` the tokens of a byte-level vocabulary are bytes already.
  func apply(_ texts: [[UInt8]], rawBytes: Bool) -> [[UInt8]] {
    switch self {
    case .byteLevel:
      var joined: [UInt8] = []
      var buffer: [UInt8] = []
      for text in texts {
        if !rawBytes && text.withUnsafeBytes({ ByteAlphabet.decode($0, into: &buffer) }) {
          joined.append(contentsOf: buffer)
        } else {
          joined.append(contentsOf: text)
        }
      }
      return [Array(joined.text.utf8)]
    case .byteFallback: return Self.spellBytes(texts)
    case .replace(let pattern, let content):
      return texts.map { text in
        var aligned = AlignedText(bytes: text)
        aligned.replace(pattern.matches(text, in: 0..<text.count), with: content)
        return aligned.bytes
      }
    case .fuse: return [Array(texts.joined())]
    case .strip(let content, let start, let stop): return texts.map { Self.strip($0, content, start, stop) }
    case .metaspace(let mark, let dropsFirst):
      return texts.enumerated().map { index, text in
        var aligned = AlignedText(bytes: text)
        aligned.replace(
          TextPattern.literal(mark).matches(text, in: 0..<text.count),
          with: index == 0 && dropsFirst ? [] : [32])
        return aligned.bytes
      }
    case .wordPiece(let prefix, let cleansUp):
      return texts.enumerated().map { index, text in
        var word = text
        if index > 0 { word = text.starts(with: prefix) ? Array(text[prefix.count...]) : [32] + text }
        return cleansUp ? Self.cleanedUp(word) : word
      }
    case .ctc(let pad, let delimiter, let cleansUp):
      var previous: [UInt8]?
      return texts.compactMap { text in
        defer { previous = text }
        if text == previous { return nil }
        var word = Self.replacing(pad, with: [], in: text)
        if cleansUp { word = Self.replacing(delimiter, with: [32], in: Self.cleanedUp(word)) }
        return word.isEmpty ? nil : word
      }
    case .sentencePiece(let decoding): return [decoding.text(texts)]
    case .suffix(let suffix):
      return texts.enumerated().map { index, text in
        var aligned = AlignedText(bytes: text)
        aligned.replace(
          TextPattern.literal(suffix).matches(text, in: 0..<text.count),
          with: index == texts.count - 1 ? [] : [32])
        return aligned.bytes
      }
    }
  }

  /// Joins runs of `<0xXX>` to the text they spell; a run that spells no UTF-8 gives one replacement character a byte.
  private static func spellBytes(_ texts: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var run: [UInt8] = []
    func flush() {
      if run.isEmpty { return }
      if String(validating: run, as: UTF8.self) != nil {
        result.append(run)
      } else {
        for _ in run { result.append(Array("\u{FFFD}".utf8)) }
      }
      run = []
    }
    for text in texts {
      if let byte = ByteAlphabet.fallbackByte(text) {
        run.append(byte)
      } else {
        flush()
        result.append(text)
      }
    }
    flush()
    return result
  }

  private static func strip(_ text: [UInt8], _ content: [UInt8], _ start: Int, _ stop: Int) -> [UInt8] {
    if content.isEmpty { return text }
    var rest = text[...]
    for _ in 0..<start where rest.starts(with: content) { rest = rest.dropFirst(content.count) }
    for _ in 0..<stop where rest.count >= content.count && rest.suffix(content.count).elementsEqual(content) {
      rest = rest.dropLast(content.count)
    }
    return Array(rest)
  }

  /// A text with each place of a literal exchanged; an empty literal has none.
  private static func replacing(_ literal: [UInt8], with content: [UInt8], in text: [UInt8]) -> [UInt8] {
    var aligned = AlignedText(bytes: text)
    aligned.replace(TextPattern.literal(literal).matches(text, in: 0..<text.count), with: content)
    return aligned.bytes
  }

  private static let untidy: [(String, String)] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ]

  /// Takes the spaces away that word-piece tokens leave before punctuation and short forms.
  private static func cleanedUp(_ text: [UInt8]) -> [UInt8] {
    var aligned = AlignedText(bytes: text)
    for (before, after) in untidy {
      let matches = TextPattern.literal(Array(before.utf8)).matches(
        aligned.bytes, in: 0..<aligned.bytes.count)
      aligned.replace(matches, with: Array(after.utf8))
    }
    return aligned.bytes
  }
}

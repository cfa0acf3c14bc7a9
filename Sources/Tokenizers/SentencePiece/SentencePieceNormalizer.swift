/// What a sentencepiece model does to a text before it is cut.
struct SentencePieceNormalizer: Sendable {
  private let map: CharacterMap?
  /// Pieces that the user defined: they are left as they are.
  let kept: PrefixMatcher
  private let addsMark: Bool
  private let marksAtEnd: Bool
  private let removesSpaces: Bool
  private let mark: [UInt8]
  /// Whether every part of a text that added tokens cut gets the mark, or only what begins the text.
  var marksEveryPart = true

  /// - Throws: ``TokenizerError/malformed(source:place:reason:)`` for a broken character map.
  init(_ file: SentencePieceFile, kept: PrefixMatcher, source: String) throws {
    if file.charsmap.isEmpty {
      map = nil
    } else {
      guard let known = CharacterMap(file.charsmap) else {
        throw TokenizerError.malformed(
          source: source, place: "normalizer_spec", reason: "a broken precompiled_charsmap")
      }
      map = known
    }
    self.kept = kept
    addsMark = file.addsMark
    marksAtEnd = file.marksAtEnd
    removesSpaces = file.removesSpaces
    mark = file.escapesSpaces ? Array("▁".utf8) : [32]
  }

  /// Rewrites a text. `first` is the first byte of the whole text that it is a part of.
  func apply(_ text: inout AlignedText) {
    var draft = AlignedText.Draft(capacity: text.bytes.count + 8)
    let isStart = text.bytes.isEmpty || text.byteOrigin(0).start == 0
    let marks = addsMark && (marksEveryPart || isStart)
    var index = 0
    var afterSpace = removesSpaces
    // Spaces at the beginning are nothing; all else makes a text, also what the map takes away.
    var isText = false
    var last = AlignedText.Origin(start: 0, end: 0)
    text.bytes.withUnsafeBufferPointer { bytes in
      while index < bytes.count {
        let (content, length) = step(bytes, index)
        var rest = content[...]
        let origin = AlignedText.Origin(
          start: text.byteOrigin(index).start, end: text.byteOrigin(index + length - 1).end)
        if !isText && !(removesSpaces && content == [32]) {
          isText = true
          if marks && !marksAtEnd { draft.append(mark, origin: origin) }
        }
        while afterSpace, rest.first == 32 { rest.removeFirst() }
        if !rest.isEmpty {
          last = origin
          // Whole scalars keep their own places where the text is copied.
          let copied = rest.count == length && rest.elementsEqual(bytes[index..<index + length])
          for (offset, byte) in rest.enumerated() {
            let place = copied ? text.byteOrigin(index + offset) : origin
            if byte == 32 {
              draft.append(mark, origin: place)
            } else {
              draft.append(byte: byte, origin: place)
            }
          }
          afterSpace = removesSpaces && rest.last == 32
        }
        index += length
      }
      // Marks of the text itself go with spaces at the end.
      if removesSpaces {
        var end = draft.count
        while end >= mark.count, draft.bytes[(end - mark.count)..<end].elementsEqual(mark), end > 0 {
          end -= mark.count
        }
        draft.truncate(end)
      }
      if marks && marksAtEnd && isText { draft.append(mark, origin: last) }
    }
    text.take(draft)
  }

  /// What stands for the beginning of the rest of a text, and how many bytes that is.
  private func step(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> ([UInt8], Int) {
    if !kept.isEmpty, let (_, length) = kept.match(bytes, at: index, to: bytes.count) {
      return (Array(bytes[index..<index + length]), length)
    }
    if let map, let (content, length) = map.longest(bytes, from: index) { return (Array(content), length) }
    var length = 1
    while index + length < bytes.count, bytes[index + length] & 0xC0 == 0x80 { length += 1 }
    return (Array(bytes[index..<index + length]), length)
  }
}

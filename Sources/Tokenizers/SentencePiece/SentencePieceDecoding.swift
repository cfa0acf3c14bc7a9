/// How a sentencepiece model turns its pieces back into text.
struct SentencePieceDecoding: Sendable {
  /// The piece that stands for what is unknown, and what is written for it.
  var unknown: [UInt8]
  var surface: [UInt8]
  /// The first piece loses the mark that was put before the text.
  var dropsMark: Bool
  /// Further pieces of nothing but marks before the first text lose theirs too.
  var dropsAllMarks: Bool

  /// The text of pieces: marks become spaces, runs of `<0xXX>` what they spell.
  func text(_ pieces: [[UInt8]]) -> [UInt8] {
    let mark = Array("▁".utf8)
    var text: [UInt8] = []
    var bytes: [UInt8] = []
    var isFirst = true
    func flush() {
      if !bytes.isEmpty { text.append(contentsOf: Self.spelled(bytes)) }
      bytes = []
    }
    for piece in pieces {
      if let byte = ByteAlphabet.fallbackByte(piece) {
        bytes.append(byte)
        continue
      }
      flush()
      if !text.isEmpty { isFirst = false }
      if piece == unknown {
        text.append(contentsOf: surface)
        continue
      }
      var rest = piece[...]
      if isFirst && dropsMark && rest.starts(with: mark) {
        rest = rest.dropFirst(mark.count)
        isFirst = dropsAllMarks
      }
      while !rest.isEmpty {
        if rest.starts(with: mark) {
          text.append(32)
          rest = rest.dropFirst(mark.count)
        } else if let first = rest.popFirst() {
          text.append(first)
        }
      }
    }
    flush()
    return text
  }

  /// What bytes spell; each byte that is part of no scalar is a replacement character.
  private static func spelled(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let first = bytes[index]
      let length =
        first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
      if length > 0, index + length <= bytes.count,
        String(validating: bytes[index..<index + length], as: UTF8.self) != nil
      {
        text.append(contentsOf: bytes[index..<index + length])
        index += length
      } else {
        text.append(contentsOf: [0xEF, 0xBF, 0xBD])
        index += 1
      }
    }
    return text
  }
}

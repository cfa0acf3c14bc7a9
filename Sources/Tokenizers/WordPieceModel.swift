/// Word pieces: the longest token from the left, again and again; a word that is not wholly covered is unknown.
struct WordPieceModel: Sendable {
  let vocabulary: Vocabulary
  /// Tokens that go on inside a word, without their prefix.
  private let inner: Vocabulary
  private let unknown: Int32?
  /// Words with more scalars are unknown.
  private let longestWord: Int
  private let longestToken: Int

  init(vocabulary: Vocabulary, unknown: String, prefix: String, longestWord: Int) {
    self.vocabulary = vocabulary
    self.unknown = vocabulary.id(of: unknown)
    self.longestWord = longestWord
    let prefix = Array(prefix.utf8)
    var inner = Vocabulary(capacity: vocabulary.count)
    var longest = 0
    vocabulary.forEach { token, id in
      longest = max(longest, token.count)
      if token.starts(with: prefix) { inner.add(Array(token[prefix.count...]), id: id) }
    }
    self.inner = inner
    longestToken = longest
  }

  func tokenize(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    let first = scratch.tokens.count
    let scalars = piece.lazy.filter { $0 & 0xC0 != 0x80 }.count
    var start = 0
    while scalars <= longestWord && start < piece.count {
      var end = min(piece.count, start + longestToken)
      var id: Int32 = -1
      while end > start {
        if end == piece.count || piece[end] & 0xC0 != 0x80 {
          let part = UnsafeBufferPointer(rebasing: piece[start..<end])
          id = start == 0 ? vocabulary.id(part) : inner.id(part)
          if id >= 0 { break }
        }
        end -= 1
      }
      if id < 0 { break }
      scratch.tokens.append(Token(id: id, start: Int32(start), end: Int32(end)))
      start = end
    }
    if start == piece.count && scalars <= longestWord { return }
    scratch.tokens.removeLast(scratch.tokens.count - first)
    if let unknown { scratch.tokens.append(Token(id: unknown, start: 0, end: Int32(piece.count))) }
  }
}

import JSON

/// Tokens that are found in the text before the model sees it.
struct AddedTokens: Sendable {
  struct AddedToken: Sendable {
    var id: Int32
    var content: [UInt8]
    var singleWord = false
    var leftStrip = false
    var rightStrip = false
    var normalized = false
    var special = false
  }

  private(set) var tokens: [AddedToken] = []
  private var byID: [Int32: Int] = [:]
  private var raw = PrefixMatcher()
  private var normal = PrefixMatcher()

  /// Adds a token; one with the same content is replaced.
  mutating func add(_ token: AddedToken) {
    if token.content.isEmpty { return }
    if let index = tokens.firstIndex(where: { $0.content == token.content }) {
      tokens[index] = token
    } else {
      tokens.append(token)
    }
  }

  /// Prepares the search, after all tokens were added. The content of tokens that are looked for in the normalised
  /// text is normalised like the text.
  mutating func prepare(_ normalizers: [Normalizer]) {
    byID = [:]
    raw = PrefixMatcher()
    normal = PrefixMatcher()
    for (index, token) in tokens.enumerated() {
      byID[token.id] = index
      if token.normalized {
        var content = AlignedText(bytes: token.content)
        for step in normalizers { step.apply(&content) }
        normal.add(content.bytes, index)
      } else {
        raw.add(token.content, index)
      }
    }
  }

  /// Whether any token is looked for in the text as it is, or in the normalised text.
  func isEmpty(normalized: Bool) -> Bool { (normalized ? normal : raw).isEmpty }

  /// The added token with an id.
  func token(_ id: Int32) -> AddedToken? { byID[id].map { tokens[$0] } }

  /// The added token with a content.
  func token(content: [UInt8]) -> AddedToken? { tokens.first { $0.content == content } }

  /// Cuts a range of bytes at the added tokens in it: their ids, and what lies between with id nil. Special tokens are
  /// text like any other where they are not to be recognised.
  func cut(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, normalized: Bool, recognizesSpecial: Bool
  ) -> [(id: Int32?, range: Range<Int>)] {
    let finder = normalized ? normal : raw
    if finder.isEmpty { return [(nil, range)] }
    guard let base = bytes.baseAddress else { return [] }
    let run = UTF8Run(base: base, end: range.upperBound)
    var parts: [(id: Int32?, range: Range<Int>)] = []
    var taken = range.lowerBound
    var index = range.lowerBound
    while let (found, match) = finder.next(bytes, from: index, to: range.upperBound) {
      index = match.upperBound
      let token = tokens[found]
      if token.special && !recognizesSpecial { continue }
      if token.singleWord {
        let follows =
          match.lowerBound > range.lowerBound
          && ScalarClass.isWord(run.scalar(at: run.start(before: match.lowerBound)).value)
        let leads =
          match.upperBound < range.upperBound && ScalarClass.isWord(run.scalar(at: match.upperBound).value)
        if follows || leads { continue }
      }
      // A token may begin inside of the space that the one before took along: both keep their ranges, and what follows
      // begins behind the last, as in the package.
      var start = match.lowerBound
      var end = match.upperBound
      if token.leftStrip {
        start = max(start, taken)
        while start > taken {
          let before = run.start(before: start)
          guard ScalarClass.isSpace(run.scalar(at: before).value) else { break }
          start = before
        }
      }
      if token.rightStrip { end = run.skip(from: end, while: ScalarClass.isSpace) }
      if taken < start { parts.append((nil, taken..<start)) }
      parts.append((token.id, start..<end))
      taken = end
    }
    if taken < range.upperBound { parts.append((nil, taken..<range.upperBound)) }
    return parts
  }
}

import Tokenizers

/// How the tokens of a text become one feature vector.
public enum Pooling: String, Sendable, CaseIterable {
  /// Mean over the tokens that are not special.
  case mean
  /// Mean over all tokens, the starting special one included (the published probe does so).
  case meanWithBOS = "mean+bos"
  /// The last token that is not special.
  case last
  /// Mean over the tokens of the reply, by offsets.
  case reply
  /// The last token before the reply.
  case promptEnd = "prompt-end"

  /// One line for listings.
  public var summary: String {
    switch self {
    case .mean: "mean over the tokens that are not special"
    case .meanWithBOS: "mean over all tokens, the starting special one included (as published)"
    case .last: "the last token that is not special"
    case .reply: "mean over the tokens of the reply, by offsets"
    case .promptEnd: "the last token before the reply"
    }
  }

  /// Whether the pooling needs to know where the reply starts.
  public var needsReply: Bool { self == .reply || self == .promptEnd }

  /// The tokens that are averaged.
  /// - Throws: ``CacheError/noReply(index:pooling:)`` where the text has none.
  func tokens(of text: EncodedText, index: Int) throws -> Range<Int> {
    let plain = text.contentTokens
    switch self {
    case .mean: return plain
    case .meanWithBOS: return 0..<text.ids.count
    case .last: return (plain.upperBound - 1)..<plain.upperBound
    case .reply, .promptEnd:
      guard let start = text.replyStart, start > 0, start < plain.upperBound else {
        throw CacheError.noReply(index: index, pooling: self)
      }
      return self == .reply ? start..<plain.upperBound : (start - 1)..<start
    }
  }
}

/// A text as the model reads it.
public struct EncodedText: Sendable {
  /// Tokens with the special ones.
  public let ids: [Int32]
  /// Tokens between the leading and the trailing special ones.
  public let contentTokens: Range<Int>
  /// First token of the reply, where the text has one.
  public let replyStart: Int?

  /// Encodes a text whose reply starts after `prompt`.
  /// - Throws: ``CacheError/noTokens(index:)``.
  public init(
    _ text: String, prompt: String? = nil, tokenizer: Tokenizer, maximumTokens: Int? = nil, index: Int = 0
  )
    throws
  {
    let encoding = tokenizer.encode((prompt ?? "") + text)
    let count = min(encoding.ids.count, maximumTokens ?? Int.max)
    ids = Array(encoding.ids.prefix(count))
    let special = encoding.special.prefix(count)
    let start = special.prefix { $0 }.count
    let end = count - special.reversed().prefix { $0 }.count
    guard start < end else { throw CacheError.noTokens(index: index) }
    contentTokens = start..<end
    replyStart = prompt.flatMap { prompt in
      let boundary = prompt.utf8.count
      return (start..<end).first { encoding.offsets[$0].upperBound > boundary }
    }
  }
}

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
      // A chat that waits for its answer has a place where the answer begins, and no answer.
      let end = text.replyEnd ?? plain.upperBound
      guard let start = text.replyStart, start > 0, start < end || self == .promptEnd && text.isOpen else {
        throw CacheError.noReply(index: index, pooling: self)
      }
      return self == .reply ? start..<end : (start - 1)..<start
    }
  }
}

/// A text as the model reads it.
public struct EncodedText: Sendable {
  /// Tokens with the special ones.
  public let ids: [Int32]
  /// Tokens between the leading and the trailing special ones.
  public let contentTokens: Range<Int>
  /// First token of the reply, where the text has one; the number of tokens for a chat that waits for an answer.
  public let replyStart: Int?
  /// End of the reply's tokens; nil: the end of the content.
  public let replyEnd: Int?
  /// Whether this is a chat that waits for its answer.
  public let isOpen: Bool

  /// Encodes a text whose reply starts after `prompt`; `isRendered` says that a chat template wrote the prompt, with its
  /// special tokens.
  /// - Throws: ``CacheError/noTokens(index:)``.
  public init(
    _ text: String, prompt: String? = nil, isRendered: Bool = false, tokenizer: Tokenizer,
    maximumTokens: Int? = nil, index: Int = 0
  ) throws {
    let encoding = tokenizer.encode((prompt ?? "") + text, addSpecialTokens: !isRendered)
    let count = min(encoding.ids.count, maximumTokens ?? Int.max)
    ids = Array(encoding.ids.prefix(count))
    let special = encoding.special.prefix(count)
    let start = special.prefix { $0 }.count
    let end = count - special.reversed().prefix { $0 }.count
    guard start < end else { throw CacheError.noTokens(index: index) }
    contentTokens = start..<end
    replyEnd = nil
    isOpen = false
    replyStart = prompt.flatMap { prompt in
      let boundary = prompt.utf8.count
      return (start..<end).first { encoding.offsets[$0].upperBound > boundary }
    }
  }

  /// Encodes a chat as its template writes it. The template has put the special tokens into the text: none are put
  /// around it, so that no BOS is there twice.
  ///
  /// The reply is the last message where that is an answer of the model: the tokens that reach into it, without special
  /// ones at its end. Without such a message the text ends where the answer begins.
  /// - Throws: ``ChatTemplateError``, ``CacheError/noTokens(index:)``.
  public init(
    _ chat: Chat, template: ChatTemplate, tokenizer: Tokenizer, maximumTokens: Int? = nil, index: Int = 0
  ) throws {
    let rendered = try template.renderWithAnswer(chat)
    let encoding = tokenizer.encode(rendered.text, addSpecialTokens: false)
    let count = min(encoding.ids.count, maximumTokens ?? Int.max)
    ids = Array(encoding.ids.prefix(count))
    let special = encoding.special.prefix(count)
    let start = special.prefix { $0 }.count
    let end = count - special.reversed().prefix { $0 }.count
    guard start < end else { throw CacheError.noTokens(index: index) }
    contentTokens = start..<end
    isOpen = !chat.endsWithAnswer && count == encoding.ids.count
    guard let answer = rendered.answer else {
      replyStart = isOpen ? count : nil
      replyEnd = nil
      return
    }
    let places = encoding.offsets.prefix(count)
    let first = places.firstIndex { $0.upperBound > answer.lowerBound && !$0.isEmpty }
    var last = (places.lastIndex { $0.lowerBound < answer.upperBound && !$0.isEmpty } ?? -1) + 1
    while let first, last > first, special[last - 1] { last -= 1 }
    replyStart = first
    replyEnd = first.map { max(last, $0) }
  }
}

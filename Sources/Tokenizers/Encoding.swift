/// The tokens of two texts that a model reads together.
public struct PairEncoding: Sendable, Equatable {
  /// The tokens. Offsets are bytes of the text that the token is from.
  public var encoding = Encoding()
  /// The type of each token, as the model's `token_type_ids` want it.
  public var types: [Int32] = []
  /// The text of each token: 0 or 1, nil for special tokens that were put around the texts.
  public var texts: [Int?] = []

  /// A pair without tokens.
  public init() {}

  mutating func append(_ other: Encoding, _ type: Int32, text: Int) {
    encoding.append(other)
    types.append(contentsOf: repeatElement(type, count: other.count))
    texts.append(contentsOf: repeatElement(Optional(text), count: other.count))
  }
}

/// The tokens of a text.
public struct Encoding: Sendable, Equatable {
  /// The tokens' ids.
  public var ids: [Int32] = []
  /// The UTF-8 bytes of the text that each token covers, in whole scalars; empty for tokens that were put around the
  /// text.
  public var offsets: [Range<Int>] = []
  /// Whether each token is a special one: put around the text, or marked as special in the vocabulary.
  public var special: [Bool] = []
  /// The UTF-8 bytes that no token stands for, because the vocabulary has neither a token for them nor an unknown one.
  public var unencodable: [Range<Int>] = []

  /// An encoding without tokens.
  public init() {}

  /// Number of tokens.
  public var count: Int { ids.count }

  mutating func append(_ id: Int32, _ range: Range<Int>, special isSpecial: Bool) {
    ids.append(id)
    offsets.append(range)
    special.append(isSpecial)
  }

  mutating func append(_ other: Encoding) {
    ids.append(contentsOf: other.ids)
    offsets.append(contentsOf: other.offsets)
    special.append(contentsOf: other.special)
  }
}

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

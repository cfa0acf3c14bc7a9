import Architectures
import OrderedCollections
import Runtime

/// Texts laid end to end, unpadded: every row is a token that counts.
public struct Batch: Sendable {
  /// One text's part of the rows.
  public struct Segment: Sendable {
    /// Its rows in the batch.
    public let rows: Range<Int>
    /// Tokens of the same text that were run before (with a cache).
    public let past: Int
  }
  /// Token ids, `[M]`.
  public let tokens: [Int32]
  /// Position of each token in its text, `[M]`.
  public let positions: [Int32]
  /// Type of each token (0 where a text does not say), `[M]`; looked at by networks with a table of types only.
  public let tokenTypes: [Int32]
  /// The texts in order.
  public let segments: [Segment]

  /// Packs texts, each continuing after `past` tokens (none by default), with a type a token (0 by default).
  public init(_ texts: some Sequence<[Int32]>, past: [Int]? = nil, tokenTypes: [[Int32]]? = nil) {
    var tokens: [Int32] = []
    var positions: [Int32] = []
    var segments: [Segment] = []
    for (index, text) in texts.enumerated() {
      let start = tokens.count
      let before = past?[index] ?? 0
      tokens += text
      positions += (0..<text.count).map { Int32(before + $0) }
      segments.append(Segment(rows: start..<tokens.count, past: before))
    }
    self.tokens = tokens
    self.positions = positions
    self.tokenTypes = tokenTypes.map { $0.flatMap { $0 } } ?? Array(repeating: 0, count: tokens.count)
    precondition(self.tokenTypes.count == tokens.count, "a type a token")
    self.segments = segments
  }

  /// Cuts a list of texts into runs of at most `tokens` tokens (one text at least), in order.
  public static func cut(_ texts: [[Int32]], tokens limit: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    var sum = 0
    for (index, text) in texts.enumerated() {
      if sum > 0 && sum + text.count > limit {
        runs.append(start..<index)
        (start, sum) = (index, 0)
      }
      sum += text.count
    }
    if start < texts.count { runs.append(start..<texts.count) }
    return runs
  }
}

extension Network {
  /// Tokens of a pass without logits: so many that a block's activations stay in the last cache, where that takes 256 or
  /// more; a wider network takes ``Model/defaultBatchTokens``, so that its weights stream seldom.
  var batchTokens: Int {
    let numbers = 4 * width + 2 * mlpWidth + 4 * heads * headSize
    let fitting = (6 << 20) / (4 * max(1, numbers))
    return fitting < 256 ? Model.defaultBatchTokens : min(fitting, Model.defaultBatchTokens)
  }
}

extension Model {
  /// Tokens that one pass takes at most: enough for the matrix kernels, little enough for memory.
  public static let defaultBatchTokens = 2048

  /// Tokens of a pass that makes no logits, unless the caller says otherwise.
  public var batchTokens: Int { network.batchTokens }

  /// - Throws: ``TransformerError`` for empty, too long or foreign texts.
  public func check(_ texts: [[Int32]]) throws {
    for (index, text) in texts.enumerated() {
      guard !text.isEmpty else { throw TransformerError.emptyText(index: index) }
      guard text.count <= network.contextLength else {
        throw TransformerError.tooLong(index: index, tokens: text.count, context: network.contextLength)
      }
      for token in text where token < 0 || Int(token) >= network.vocabulary {
        throw TransformerError.tokenOutOfRange(index: index, token: token, vocabulary: network.vocabulary)
      }
    }
  }

  /// - Throws: ``ArchitectureError/unknownSite(name:)`` for a site that this network lacks.
  func check(sites: [Site]) throws {
    for site in sites where site == .finalNorm && !network.hasFinalNorm {
      throw ArchitectureError.unknownSite(
        name: "\(site) in \(network.family), which ends with \(network.lastSite)")
    }
    for case .input(let role) in sites where binding.tensors[role] == nil {
      throw ArchitectureError.unknownSite(
        name: "\(role):input, a role that this \(network.family) does not have")
    }
  }

  /// - Throws: ``TransformerError/tokenTypes(index:reason:)``.
  func check(tokenTypes: [[Int32]], of texts: [[Int32]]) throws {
    guard let types = network.tokenTypes else {
      throw TransformerError.tokenTypes(index: 0, reason: "\(network.family) has no token types")
    }
    for (index, text) in texts.enumerated() {
      guard index < tokenTypes.count, tokenTypes[index].count == text.count else {
        throw TransformerError.tokenTypes(index: index, reason: "not a type for each of \(text.count) tokens")
      }
      if let type = tokenTypes[index].first(where: { $0 < 0 || Int($0) >= types }) {
        throw TransformerError.tokenTypes(index: index, reason: "type \(type) of \(types)")
      }
    }
  }

  /// - Throws: ``TransformerError/noHead(family:)``.
  public func requireHead() throws {
    guard network.hasHead else { throw TransformerError.noHead(family: network.family) }
  }
}

extension Network {
  /// What the head reads: the final norm, or the last block's output where there is none.
  public var lastSite: Site { hasFinalNorm ? .finalNorm : .blockOutput(blocks - 1) }
}

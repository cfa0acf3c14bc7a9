import Architectures
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
  /// The texts in order.
  public let segments: [Segment]

  /// Packs texts, each continuing after `past` tokens (none by default).
  public init(_ texts: some Sequence<[Int32]>, past: [Int]? = nil) {
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

extension Model {
  /// Tokens that one pass takes at most: enough for the matrix kernels, little enough for memory.
  public static let defaultBatchTokens = 2048

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
  }

  /// - Throws: ``TransformerError/noHead(family:)``.
  func requireHead() throws {
    guard network.hasHead else { throw TransformerError.noHead(family: network.family) }
  }
}

extension Network {
  /// What the head reads: the final norm, or the last block's output where there is none.
  public var lastSite: Site { hasFinalNorm ? .finalNorm : .blockOutput(blocks - 1) }
}

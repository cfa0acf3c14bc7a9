import Runtime
import Tokenizers

/// Tokens that a language model learns from, cut into sequences.
public struct LanguageData: Sendable {
  /// Tokens that one pass reads together, and what each should predict.
  public struct Sequence: Sendable, Equatable {
    /// What is read, `[T]`.
    public let inputs: [Int32]
    /// The next token of each, `[T]`; −1 where it does not count.
    public let targets: [Int32]

    /// Targets that count.
    public var counted: Int { targets.count { $0 >= 0 } }
  }

  /// How documents become sequences.
  public enum Packing: Sendable, Equatable {
    /// Every document alone: nothing of one is seen from another. A longer one than `length` goes on in another sequence.
    case documents(length: Int)
    /// All documents end to end in their order, cut after every `length` tokens; the last window is shorter.
    case windows(length: Int)
  }

  /// The sequences in order.
  public let sequences: [Sequence]
  /// Targets that count in all of them.
  public let counted: Int
  /// Sequences.
  public var count: Int { sequences.count }

  /// Sequences of documents that are tokens already, each with how many of its first tokens are given and do not count
  /// as targets (a prompt; the first token of all is never a target).
  /// - Throws: ``TrainingError/badSetting(name:value:expected:)`` for a length below 1, or where no target counts.
  public init(_ documents: [(tokens: [Int32], given: Int)], packing: Packing) throws(TrainingError) {
    var sequences: [Sequence] = []
    func cut(_ tokens: [Int32], _ isGiven: (Int) -> Bool, _ length: Int) {
      for first in stride(from: 0, to: tokens.count - 1, by: length) {
        let end = min(tokens.count - 1, first + length)
        sequences.append(
          Sequence(
            inputs: Array(tokens[first..<end]),
            targets: (first + 1..<end + 1).map { isGiven($0) ? -1 : tokens[$0] }))
      }
    }
    switch packing {
    case .documents(let length), .windows(let length):
      guard length > 0 else {
        throw TrainingError.badSetting(name: "length", value: "\(length)", expected: "at least 1 token")
      }
      if case .documents = packing {
        for document in documents { cut(document.tokens, { $0 < document.given }, length) }
      } else {
        var given: [Bool] = []
        for document in documents { given += document.tokens.indices.map { $0 < document.given } }
        cut(documents.flatMap(\.tokens), { given[$0] }, length)
      }
    }
    sequences.removeAll { $0.counted == 0 }
    guard !sequences.isEmpty else {
      throw TrainingError.badSetting(
        name: "texts", value: "\(documents.count) without a next token", expected: "a text of two tokens")
    }
    self.sequences = sequences
    counted = sequences.reduce(0) { $0 + $1.counted }
  }

  /// Sequences of texts: each as its tokenizer makes it, with the end token behind unless it stands there already.
  /// - Throws: ``TrainingError``.
  public init(
    _ texts: [LanguageText], tokenizer: Tokenizer, packing: Packing, appendsEnd: Bool = true
  ) throws(TrainingError) {
    try self.init(
      texts.map { text in
        let encoding = tokenizer.encode(text.prompt + text.text, recognizesSpecialTokens: false)
        var tokens = encoding.ids
        // Tokens of the prompt end where the text begins.
        let start = text.prompt.utf8.count
        let given =
          start == 0
          ? 0
          : (encoding.offsets.firstIndex { !$0.isEmpty && $0.upperBound > start } ?? tokens.count)
        if appendsEnd, let end = tokenizer.eos, tokens.last != end { tokens.append(end) }
        return (tokens, given)
      }, packing: packing)
  }
}

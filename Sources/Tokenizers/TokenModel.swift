/// A token found in a piece: its id, and the bytes of the piece that it covers.
struct Token {
  var id: Int32
  var start: Int32
  var end: Int32
}

/// What turns a piece of text into tokens.
enum TokenModel: Sendable {
  case bytePair(BytePairModel)
  case wordPiece(WordPieceModel)
  case wordLevel(WordLevelModel)
  case unigram(UnigramModel)

  /// The tokens and their ids.
  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .wordPiece(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    }
  }

  /// Whether the vocabulary holds the bytes themselves where the file writes them in GPT-2's alphabet.
  var holdsRawBytes: Bool {
    if case .bytePair(let model) = self { model.holdsRawBytes } else { false }
  }

  /// Appends the tokens of one piece to `scratch.tokens`. What the vocabulary cannot say gives no token.
  func tokenize(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    switch self {
    case .bytePair(let model): model.tokenize(piece, scratch)
    case .wordPiece(let model): model.tokenize(piece, scratch)
    case .wordLevel(let model): model.tokenize(piece, scratch)
    case .unigram(let model): model.tokenize(piece, scratch)
    }
  }
}

/// Whole pieces as tokens.
struct WordLevelModel: Sendable {
  var vocabulary: Vocabulary
  var unknown: Int32?

  func tokenize(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    let id = vocabulary.id(piece)
    if let id = id >= 0 ? id : unknown {
      scratch.tokens.append(Token(id: id, start: 0, end: Int32(piece.count)))
    }
  }
}

/// Working memory of one encoding, kept for the next. One thread uses it at a time.
final class Scratch: @unchecked Sendable {
  var tokens: [Token] = []
  var symbols: [Symbol] = []
  var queue: [UInt64] = []
  var ranks: [UInt32] = []
  var lattice: [UnigramModel.Node] = []
  let cache = PieceCache()

  /// A token on its way to be merged, with its neighbours.
  struct Symbol {
    var id: Int32
    var start: Int32
    var end: Int32
    var previous: Int32
    var next: Int32
  }
}

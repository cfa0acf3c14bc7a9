import JSON

/// A sentencepiece model as its file (`tokenizer.model`, `spiece.model`) says.
struct SentencePieceFile {
  enum Kind: UInt64 { case normal = 1, unknown, control, userDefined, unused, byte }
  enum Algorithm: UInt64 {
    case unigram = 1
    case bytePair, word, character
  }

  struct Piece {
    var text: [UInt8] = []
    var score: Float = 0
    var kind = Kind.normal
  }

  var pieces: [Piece] = []
  var algorithm = Algorithm.unigram
  var fallsBackToBytes = false
  var marksAtEnd = false
  var unknownSurface = Array(" \u{2047} ".utf8)
  var bosPiece = Array("<s>".utf8)
  var eosPiece = Array("</s>".utf8)
  var charsmap: [UInt8] = []
  var addsMark = true
  var removesSpaces = true
  var escapesSpaces = true
  /// A map that is applied after decoding.
  var decodingCharsmap: [UInt8] = []

  /// Reads a file.
  /// - Throws: ``TokenizerError``.
  init(_ bytes: [UInt8], source: String) throws {
    do {
      try bytes.withUnsafeBufferPointer { try read($0) }
    } catch let damage as ProtobufReader.Damage {
      throw TokenizerError.malformed(source: source, place: "byte \(damage.offset)", reason: damage.reason)
    }
    guard !pieces.isEmpty else {
      throw TokenizerError.malformed(
        source: source, place: "pieces", reason: "none: this is no sentencepiece model")
    }
    var seen = Vocabulary(capacity: pieces.count)
    for (id, piece) in pieces.enumerated() {
      let place = "piece \(id)"
      guard !piece.text.isEmpty, String(validating: piece.text, as: UTF8.self) != nil else {
        throw TokenizerError.malformed(source: source, place: place, reason: "empty, or not UTF-8")
      }
      guard piece.score.isFinite else {
        throw TokenizerError.malformed(source: source, place: place, reason: "a score that is no number")
      }
      guard seen.id(piece.text) == nil else {
        throw TokenizerError.malformed(
          source: source, place: place, reason: "'\(piece.text.text)' is there twice")
      }
      seen.add(piece.text, id: id)
    }
    let unknown = pieces.filter { $0.kind == .unknown }
    guard unknown.count == 1 else {
      throw TokenizerError.malformed(
        source: source, place: "pieces", reason: "\(unknown.count) unknown pieces instead of one")
    }
  }

  private mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws {
    var message = ProtobufReader(bytes, 0..<bytes.count)
    while let (number, value) = try message.next() {
      guard case .bytes(let range) = value else { continue }
      switch number {
      case 1:
        guard pieces.count < JSONValue.tokenIDs.upperBound else {
          throw ProtobufReader.Damage(offset: range.lowerBound, reason: "too many pieces")
        }
        pieces.append(try Self.piece(bytes, range))
      case 2: try readTrainer(ProtobufReader(bytes, range), bytes)
      case 3: try readNormalizer(ProtobufReader(bytes, range), bytes)
      case 5:
        var fields = ProtobufReader(bytes, range)
        while let (number, value) = try fields.next() {
          if number == 2, case .bytes(let range) = value { decodingCharsmap = Array(bytes[range]) }
        }
      default: break
      }
    }
  }

  private static func piece(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) throws -> Piece {
    var piece = Piece()
    var fields = ProtobufReader(bytes, range)
    while let (number, value) = try fields.next() {
      switch (number, value) {
      case (1, .bytes(let range)): piece.text = Array(bytes[range])
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .varint(let code)):
        guard let kind = Kind(rawValue: code) else {
          throw ProtobufReader.Damage(offset: range.lowerBound, reason: "a piece of kind \(code)")
        }
        piece.kind = kind
      default: break
      }
    }
    return piece
  }

  private mutating func readTrainer(_ message: ProtobufReader, _ bytes: UnsafeBufferPointer<UInt8>) throws {
    var fields = message
    while let (number, value) = try fields.next() {
      switch (number, value) {
      case (3, .varint(let code)):
        guard let known = Algorithm(rawValue: code) else {
          throw ProtobufReader.Damage(offset: fields.index, reason: "a model of kind \(code)")
        }
        algorithm = known
      case (24, .varint(let flag)): marksAtEnd = flag != 0
      case (35, .varint(let flag)): fallsBackToBytes = flag != 0
      case (44, .bytes(let range)): unknownSurface = Array(bytes[range])
      case (46, .bytes(let range)): bosPiece = Array(bytes[range])
      case (47, .bytes(let range)): eosPiece = Array(bytes[range])
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ message: ProtobufReader, _ bytes: UnsafeBufferPointer<UInt8>) throws
  {
    var fields = message
    while let (number, value) = try fields.next() {
      switch (number, value) {
      case (2, .bytes(let range)): charsmap = Array(bytes[range])
      case (3, .varint(let flag)): addsMark = flag != 0
      case (4, .varint(let flag)): removesSpaces = flag != 0
      case (5, .varint(let flag)): escapesSpaces = flag != 0
      default: break
      }
    }
  }
}

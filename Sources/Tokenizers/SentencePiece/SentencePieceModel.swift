extension Pipeline {
  /// The tokenizer that a sentencepiece model is, without the tokens that a checkpoint puts around a text.
  /// - Throws: ``TokenizerError``.
  init(_ file: SentencePieceFile, source: String) throws {
    var vocabulary = Vocabulary(capacity: file.pieces.count)
    var kept = PrefixMatcher()
    var unknown: Int32 = 0
    for (id, piece) in file.pieces.enumerated() {
      vocabulary.add(piece.text, id: id)
      if piece.kind == .userDefined { kept.add(piece.text, id) }
      if piece.kind == .unknown { unknown = Int32(id) }
    }
    if file.fallsBackToBytes,
      let absent = ByteAlphabet.fallbackNames.first(where: { vocabulary.id($0) == nil })
    {
      throw TokenizerError.malformed(
        source: source, place: "pieces", reason: "byte fallback without the piece \(absent.text)")
    }
    guard file.decodingCharsmap.isEmpty else {
      throw TokenizerError.unknownKind(part: "decoder", kind: "a sentencepiece denormalizer", source: source)
    }
    switch file.algorithm {
    case .unigram: self.init(model: .unigram(UnigramModel(file, vocabulary, unknown: unknown)))
    case .bytePair:
      self.init(
        model: .bytePair(try BytePairModel(file, vocabulary, unknown: unknown, kept: kept, source: source)))
    case .word:
      throw TokenizerError.unknownKind(part: "model", kind: "a sentencepiece model of words", source: source)
    case .character:
      throw TokenizerError.unknownKind(
        part: "model", kind: "a sentencepiece model of characters", source: source)
    }
    normalizers = [.sentencePiece(try SentencePieceNormalizer(file, kept: kept, source: source))]
    decoders = [
      .sentencePiece(
        SentencePieceDecoding(
          unknown: file.pieces[Int(unknown)].text, surface: file.unknownSurface,
          dropsMark: file.addsMark || file.removesSpaces, dropsAllMarks: file.removesSpaces))
    ]
    for (id, piece) in file.pieces.enumerated() where piece.kind == .control {
      added.add(AddedTokens.AddedToken(id: Int32(id), content: piece.text, special: true))
    }
  }
}

extension UnigramModel {
  /// The unigram model of a sentencepiece file: control, unknown and byte pieces are never found in a text, unused ones
  /// neither; pieces of the user beat all others.
  init(_ file: SentencePieceFile, _ vocabulary: Vocabulary, unknown: Int32) {
    var found = Vocabulary(capacity: file.pieces.count)
    var least = Float.greatestFiniteMagnitude
    var most = -Float.greatestFiniteMagnitude
    for piece in file.pieces where piece.kind == .normal {
      least = min(least, piece.score)
      most = max(most, piece.score)
    }
    var scores: [Double] = []
    for (id, piece) in file.pieces.enumerated() {
      if piece.kind == .normal || piece.kind == .userDefined { found.add(piece.text, id: id) }
      scores.append(
        piece.kind == .userDefined
          ? Double(Float(piece.text.count) * most) - 0.1 : Double(piece.score))
    }
    self.init(
      vocabulary: vocabulary, found: found, scores: scores, unknown: unknown,
      unknownScore: Double(least - 10), fallsBackToBytes: file.fallsBackToBytes, roundsToFloat: true)
  }
}

extension BytePairModel {
  /// The byte-pair model of a sentencepiece file. It has no list of merges: two neighbours are joined when what they
  /// make is a piece, the one of the largest score first.
  /// - Throws: ``TokenizerError/unknownKind(part:kind:source:)`` for unused pieces.
  init(
    _ file: SentencePieceFile, _ vocabulary: Vocabulary, unknown: Int32, kept: PrefixMatcher, source: String
  ) throws {
    if file.pieces.contains(where: { $0.kind == .unused }) {
      throw TokenizerError.unknownKind(
        part: "model", kind: "a sentencepiece BPE model with unused pieces", source: source)
    }
    // Pieces that can be in a text, and single scalars that are no pieces but parts of some.
    var symbols = Vocabulary(capacity: file.pieces.count)
    for (id, piece) in file.pieces.enumerated() where piece.kind == .normal {
      symbols.add(piece.text, id: id)
    }
    let known = file.pieces.count
    var ranks: [Float: Int] = [:]
    for (rank, score) in Set(file.pieces.map(\.score)).sorted(by: >).enumerated() { ranks[score] = rank }
    var merges: [(left: Int32, right: Int32, rank: Int, id: Int32)] = []
    func symbol(_ text: ArraySlice<UInt8>, _ symbols: inout Vocabulary) -> Int32? {
      let bytes = Array(text)
      if let id = symbols.id(bytes) { return id }
      guard let first = bytes.first else { return nil }
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      guard bytes.count == length, kept.table.id(bytes) == nil else { return nil }
      let id = max(known, symbols.idBound)
      symbols.add(bytes, id: id)
      return Int32(id)
    }
    for (id, piece) in file.pieces.enumerated() where piece.kind == .normal {
      let text = piece.text
      for place in 1..<max(1, text.count) where text[place] & 0xC0 != 0x80 {
        if let left = symbol(text[..<place], &symbols), let right = symbol(text[place...], &symbols) {
          merges.append((left, right, ranks[piece.score] ?? 0, Int32(id)))
        }
      }
    }
    var table = MergeTable(capacity: merges.count)
    for merge in merges { table.add(merge.left, merge.right, rank: merge.rank, id: merge.id) }
    self.init(vocabulary: vocabulary, merges: table)
    self.symbols = symbols
    self.kept = kept
    firstPhantom = Int32(known)
    self.unknown = unknown
    fusesUnknown = true
    fallsBackToBytes = file.fallsBackToBytes
    prepare()
  }
}

import JSON

/// The parts of a tokenizer in the order in which a text goes through them.
struct Pipeline: Sendable {
  var added = AddedTokens()
  var normalizers: [Normalizer] = []
  var preTokenizers: [PreTokenizer] = []
  var model: TokenModel
  var postProcessors: [PostProcessor] = []
  /// Nil joins the tokens with spaces.
  var decoders: [Decoder]?
  private var plain: PublishedPattern?

  init(model: TokenModel) { self.model = model }

  /// Reads the text of a `tokenizer.json`.
  /// - Throws: ``TokenizerError``, ``JSONError``.
  init(bytes: [UInt8], source: String) throws {
    let document = try JSONDocument(parsing: bytes, source: source)
    self = try document.withRoot { try Pipeline($0, source: source) }
  }

  private init(_ root: JSONNode, source: String) throws {
    let parts = root.members()
    guard let modelNode = parts["model"], modelNode.isObject else {
      throw TokenizerError.malformed(source: source, place: "model", reason: "absent")
    }
    normalizers = try Normalizer.steps(parts["normalizer"]?.value(), source: source)
    preTokenizers = try PreTokenizer.steps(parts["pre_tokenizer"]?.value(), source: source)
    postProcessors = try PostProcessor.steps(parts["post_processor"]?.value(), source: source)
    let decoder = try parts["decoder"]?.value() ?? .null
    decoders = decoder.isNull ? nil : try Decoder.steps(decoder, source: source)
    // A byte-level step at the end writes bytes in an alphabet in which the vocabulary is written too: both stay bytes.
    var rawBytes = false
    if case .byteLevel? = preTokenizers.last {
      let before = preTokenizers.dropLast().contains { if case .byteLevel = $0 { true } else { false } }
      rawBytes = !before && !normalizers.contains { if case .byteLevel = $0 { true } else { false } }
    }
    model = try TokenModel(modelNode, rawBytes: rawBytes, source: source)
    for token in try parts["added_tokens"]?.value().array ?? [] {
      guard let id = token["id"]?.tokenID, let content = token["content"]?.string else {
        throw TokenizerError.malformed(
          source: source, place: "added_tokens", reason: "a token without id or content")
      }
      added.add(AddedTokens.AddedToken(id: id, content: content, flags: token))
    }
  }

  /// Makes the added tokens ready, after the last was added.
  mutating func prepare() {
    added.prepare(normalizers)
    plain = plainPattern
  }

  /// The largest id plus one.
  var idBound: Int { max(model.vocabulary.idBound, Int(added.tokens.map(\.id).max() ?? -1) + 1) }

  /// The id of a token as the file writes it.
  func id(of written: [UInt8]) -> Int32? {
    if let token = added.token(content: written) { return token.id }
    guard model.holdsRawBytes else { return model.vocabulary.id(written) }
    var bytes: [UInt8] = []
    guard written.withUnsafeBytes({ ByteAlphabet.decode($0, into: &bytes) }) else {
      return model.vocabulary.id(written)
    }
    return model.vocabulary.id(bytes)
  }

  /// The token with an id as the file writes it.
  func written(_ id: Int32) -> [UInt8]? {
    if let token = added.token(id) { return token.content }
    guard let token = model.vocabulary.token(Int(id)) else { return nil }
    return model.holdsRawBytes ? ByteAlphabet.encode(token) : Array(token)
  }

  /// The token's bytes as decoders take them: bytes of text where the vocabulary holds such.
  func bytes(_ id: Int32) -> [UInt8]? {
    added.token(id)?.content ?? model.vocabulary.token(Int(id)).map(Array.init)
  }

  /// The pattern of a byte-level tokenizer whose text nothing rewrites: pieces are taken from the text itself.
  private var plainPattern: PublishedPattern? {
    guard normalizers.isEmpty, model.holdsRawBytes, added.isEmpty(normalized: true) else { return nil }
    switch (preTokenizers.first, preTokenizers.dropFirst().first, preTokenizers.count) {
    case (.byteLevel(false, true)?, nil, 1): return .gpt2
    case (.split(.published(let pattern), .isolated, _)?, .byteLevel(false, false)?, 2): return pattern
    default: return nil
    }
  }

  func encode(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: Scratch, addSpecialTokens: Bool, recognizesSpecial: Bool
  ) -> Encoding {
    var encoding = tokens(text, scratch, recognizesSpecial: recognizesSpecial)
    for step in postProcessors {
      step.apply(&encoding, text, addSpecialTokens: addSpecialTokens) { bytes($0) ?? [] }
    }
    return encoding
  }

  /// Two texts: the steps of offsets for each, then the first template; offsets are not trimmed after it.
  func encode(
    _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, _ scratch: Scratch,
    addSpecialTokens: Bool, recognizesSpecial: Bool
  ) -> PairEncoding {
    var one = tokens(first, scratch, recognizesSpecial: recognizesSpecial)
    var two = tokens(second, scratch, recognizesSpecial: recognizesSpecial)
    for step in postProcessors {
      step.trim(&one, first) { bytes($0) ?? [] }
      step.trim(&two, second) { bytes($0) ?? [] }
    }
    for step in postProcessors {
      if let pair = step.joined(one, two, addSpecialTokens: addSpecialTokens) { return pair }
    }
    return PostProcessor.joined(
      [.text, .second(type: 1)], one, two, addSpecialTokens: addSpecialTokens)
  }

  /// The tokens of a text without what stands around it.
  private func tokens(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: Scratch, recognizesSpecial: Bool
  ) -> Encoding {
    var encoding = Encoding()
    encoding.ids.reserveCapacity(text.count / 3 + 4)
    encoding.offsets.reserveCapacity(text.count / 3 + 4)
    encoding.special.reserveCapacity(text.count / 3 + 4)
    let parts = added.cut(text, 0..<text.count, normalized: false, recognizesSpecial: recognizesSpecial)
    for part in parts {
      if let id = part.id {
        encoding.append(id, part.range, special: added.token(id)?.special ?? false)
      } else if part.range.isEmpty {
        continue
      } else if let pattern = plain, case .bytePair(let model) = model {
        model.encode(text, part.range, pattern, scratch, &encoding)
      } else {
        encodePart(AlignedText(text, part.range), scratch, &encoding, recognizesSpecial: recognizesSpecial)
      }
    }
    return encoding
  }

  private func encodePart(
    _ part: AlignedText, _ scratch: Scratch, _ encoding: inout Encoding, recognizesSpecial: Bool
  ) {
    var text = part
    for step in normalizers { step.apply(&text) }
    if text.bytes.isEmpty { return }
    guard !added.isEmpty(normalized: true) else {
      encodeRanges(text, [0..<text.bytes.count], scratch, &encoding)
      return
    }
    let cuts = text.bytes.withUnsafeBufferPointer {
      added.cut($0, 0..<$0.count, normalized: true, recognizesSpecial: recognizesSpecial)
    }
    for cut in cuts {
      if let id = cut.id {
        encoding.append(id, text.originalRange(of: cut.range), special: added.token(id)?.special ?? false)
      } else {
        encodeRanges(text, [cut.range], scratch, &encoding)
      }
    }
  }

  private func encodeRanges(
    _ text: AlignedText, _ ranges: [Range<Int>], _ scratch: Scratch, _ encoding: inout Encoding
  ) {
    var pieces = Pieces(text: text, ranges: ranges)
    for step in preTokenizers { step.apply(&pieces, rawBytes: model.holdsRawBytes) }
    pieces.text.bytes.withUnsafeBufferPointer { bytes in
      for range in pieces.ranges {
        scratch.tokens.removeAll(keepingCapacity: true)
        model.tokenize(UnsafeBufferPointer(rebasing: bytes[range]), scratch)
        var covered = range.lowerBound
        for token in scratch.tokens {
          let start = range.lowerBound + Int(token.start)
          let end = range.lowerBound + Int(token.end)
          if covered < start { encoding.unencodable.append(pieces.text.originalRange(of: covered..<start)) }
          covered = max(covered, end)
          encoding.append(token.id, pieces.text.originalRange(of: start..<end), special: false)
        }
        if covered < range.upperBound {
          encoding.unencodable.append(pieces.text.originalRange(of: covered..<range.upperBound))
        }
      }
    }
  }

  func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
    var texts: [[UInt8]] = []
    texts.reserveCapacity(ids.count)
    for id in ids {
      if skipSpecialTokens, added.token(id)?.special == true { continue }
      if let token = bytes(id) { texts.append(token) }
    }
    guard let decoders else { return Array(texts.joined(separator: [32])).text }
    for step in decoders { texts = step.apply(texts, rawBytes: model.holdsRawBytes) }
    return Array(texts.joined()).text
  }
}

extension AddedTokens.AddedToken {
  /// A token with the flags that the files give as members of an object.
  init(id: Int32, content: String, flags: JSONValue) {
    func flag(_ name: String) -> Bool { flags[name]?.bool ?? false }
    self.init(
      id: id, content: Array(content.utf8), singleWord: flag("single_word"), leftStrip: flag("lstrip"),
      rightStrip: flag("rstrip"), normalized: flag("normalized"), special: flag("special"))
  }
}

import JSON

/// What is put around the tokens of a text, as `tokenizer.json` names it.
enum PostProcessor: Sendable {
  /// One part of a template: a text's own tokens, or special tokens, with the type that they get.
  enum Part: Sendable, Equatable {
    case text(type: Int32)
    case second(type: Int32)
    case special([Int32], type: Int32)

    static let text = Part.text(type: 0)
    static func special(_ ids: [Int32]) -> Part { .special(ids, type: 0) }
  }

  /// What stands around one text, and around two. The template of two also gives the order and the types where no special
  /// tokens are wanted.
  case template([Part], pair: [Part])

  /// A template of one text, whose special tokens stand around each of two.
  static func template(_ parts: [Part]) -> PostProcessor {
    let second = parts.map { part -> Part in
      switch part {
      case .text, .second: .second(type: 1)
      case .special(let ids, _): .special(ids, type: 1)
      }
    }
    return .template(parts, pair: parts + second)
  }

  /// BERT's templates.
  static func bert(begin: Int32, end: Int32) -> PostProcessor {
    .template(
      [.special([begin]), .text, .special([end])],
      pair: [.special([begin]), .text, .special([end]), .second(type: 1), .special([end], type: 1)])
  }

  /// Offsets of byte-level tokens without the whitespace at their ends.
  case trimOffsets(addPrefixSpace: Bool)

  /// Reads a post-processor; sequences become their steps in order.
  /// - Throws: ``TokenizerError``.
  static func steps(_ value: JSONValue?, source: String) throws -> [PostProcessor] {
    guard let value, !value.isNull else { return [] }
    let place = "post_processor"
    func id(_ name: String) throws -> Int32 {
      guard let id = value[name]?.array?.last?.tokenID else {
        throw TokenizerError.malformed(source: source, place: place, reason: "no id of \(name)")
      }
      return id
    }
    let kind = value["type"]?.string ?? "without a type"
    switch kind {
    case "Sequence":
      return try (value["processors"]?.array ?? []).flatMap { try steps($0, source: source) }
    case "ByteLevel":
      guard value["trim_offsets"]?.bool ?? true else { return [] }
      return [.trimOffsets(addPrefixSpace: value["add_prefix_space"]?.bool ?? true)]
    case "BertProcessing":
      return [.bert(begin: try id("cls"), end: try id("sep"))]
    case "RobertaProcessing":
      let (begin, end) = (try id("cls"), try id("sep"))
      let template = PostProcessor.template(
        [.special([begin]), .text, .special([end])],
        pair: [
          .special([begin]), .text, .special([end, end]), .second(type: 0), .special([end]),
        ])
      guard value["trim_offsets"]?.bool ?? true else { return [template] }
      return [.trimOffsets(addPrefixSpace: value["add_prefix_space"]?.bool ?? true), template]
    case "TemplateProcessing":
      func parts(_ key: String) throws -> [Part]? {
        guard let list = value[key]?.array else { return nil }
        return try list.map { try part($0) }
      }
      func part(_ part: JSONValue) throws -> Part {
        if let sequence = part["Sequence"] {
          let type = Int32(clamping: sequence["type_id"]?.int ?? 0)
          return sequence["id"]?.string == "B" ? .second(type: type) : .text(type: type)
        }
        let type = Int32(clamping: part["SpecialToken"]?["type_id"]?.int ?? 0)
        guard let name = part["SpecialToken"]?["id"]?.string,
          let ids = value["special_tokens"]?[name]?["ids"]?.array
        else {
          throw TokenizerError.malformed(
            source: source, place: place,
            reason: "a template part that is neither Sequence nor known SpecialToken")
        }
        return .special(
          try ids.map { id in
            guard let id = id.tokenID else {
              throw TokenizerError.malformed(source: source, place: place, reason: "no id of \(name)")
            }
            return id
          }, type: type)
      }
      let both: [Part] = [.text, .second(type: 1)]
      return [.template(try parts("single") ?? [.text], pair: try parts("pair") ?? both)]
    default: throw TokenizerError.unknownKind(part: place, kind: kind, source: source)
    }
  }

  /// Puts special tokens around the tokens of one text.
  func apply(
    _ encoding: inout Encoding, _ text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool,
    token: (Int32) -> [UInt8]
  ) {
    switch self {
    case .template(let parts, _):
      guard addSpecialTokens else { return }
      var result = Encoding()
      for part in parts {
        switch part {
        case .text: result.append(encoding)
        case .second: break
        case .special(let ids, _): for id in ids { result.append(id, 0..<0, special: true) }
        }
      }
      result.unencodable = encoding.unencodable
      encoding = result
    case .trimOffsets: trim(&encoding, text, token: token)
    }
  }

  /// The tokens of two texts as the first template says; nil where this is no template.
  func joined(_ first: Encoding, _ second: Encoding, addSpecialTokens: Bool) -> PairEncoding? {
    guard case .template(_, let parts) = self else { return nil }
    return Self.joined(parts, first, second, addSpecialTokens: addSpecialTokens)
  }

  /// The tokens of two texts in the order of a template.
  static func joined(
    _ parts: [Part], _ first: Encoding, _ second: Encoding, addSpecialTokens: Bool
  ) -> PairEncoding {
    var result = PairEncoding()
    for part in parts {
      switch part {
      case .text(let type): result.append(first, type, text: 0)
      case .second(let type): result.append(second, type, text: 1)
      case .special(let ids, let type):
        guard addSpecialTokens else { continue }
        for id in ids {
          result.encoding.append(id, 0..<0, special: true)
          result.types.append(type)
          result.texts.append(nil)
        }
      }
    }
    return result
  }

  /// Takes the spaces at the ends of tokens out of their offsets.
  func trim(_ encoding: inout Encoding, _ text: UnsafeBufferPointer<UInt8>, token: (Int32) -> [UInt8]) {
    switch self {
    case .template: break
    case .trimOffsets(let addPrefixSpace):
      for index in encoding.ids.indices {
        encoding.offsets[index] = Self.trimmed(
          encoding.offsets[index], token(encoding.ids[index]), text,
          keepsFirst: addPrefixSpace && (index == 0 || encoding.offsets[index].lowerBound == 0))
      }
    }
  }

  /// Takes as many scalars from the ends of a range as the token has spaces there.
  private static func trimmed(
    _ range: Range<Int>, _ token: [UInt8], _ text: UnsafeBufferPointer<UInt8>, keepsFirst: Bool
  ) -> Range<Int> {
    guard let base = text.baseAddress, token.first.map({ $0 == 32 }) == true || token.last == 32 else {
      return range
    }
    let run = UTF8Run(base: base, end: text.count)
    var leading = token.prefix { $0 == 32 }.count
    let trailing = token.reversed().prefix { $0 == 32 }.count
    // A single space may be the one that was put in front; more than one were in the text.
    if leading == 1 && keepsFirst { leading = 0 }
    var start = range.lowerBound
    while leading > 0 && start < range.upperBound {
      start += run.scalar(at: start).length
      leading -= 1
    }
    var end = range.upperBound
    for _ in 0..<trailing where end > start { end = run.start(before: end) }
    return start..<max(start, end)
  }
}

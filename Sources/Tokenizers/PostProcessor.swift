import JSON

/// What is put around the tokens of a text, as `tokenizer.json` names it.
enum PostProcessor: Sendable {
  /// One part of a template: the text's own tokens, or special tokens.
  enum Part: Sendable, Equatable {
    case text
    case special([Int32])
  }

  case template([Part])
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
      return [.template([.special([try id("cls")]), .text, .special([try id("sep")])])]
    case "RobertaProcessing":
      let template = PostProcessor.template([.special([try id("cls")]), .text, .special([try id("sep")])])
      guard value["trim_offsets"]?.bool ?? true else { return [template] }
      return [.trimOffsets(addPrefixSpace: value["add_prefix_space"]?.bool ?? true), template]
    case "TemplateProcessing":
      let parts = try (value["single"]?.array ?? []).map { part -> Part in
        if part["Sequence"] != nil { return .text }
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
          })
      }
      return [.template(parts)]
    default: throw TokenizerError.unknownKind(part: place, kind: kind, source: source)
    }
  }

  /// Changes an encoding of `text`.
  func apply(
    _ encoding: inout Encoding, _ text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool,
    token: (Int32) -> [UInt8]
  ) {
    switch self {
    case .template(let parts):
      guard addSpecialTokens else { return }
      var result = Encoding()
      for part in parts {
        switch part {
        case .text: result.append(encoding)
        case .special(let ids): for id in ids { result.append(id, 0..<0, special: true) }
        }
      }
      result.unencodable = encoding.unencodable
      encoding = result
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

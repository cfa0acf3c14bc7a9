import JSON

/// The pieces into which a text is cut before the model sees it.
struct Pieces {
  var text: AlignedText
  /// Bytes of the text, ascending; none is empty.
  var ranges: [Range<Int>]
}

/// One step of cutting a text into pieces, as `tokenizer.json` names it.
enum PreTokenizer {
  /// What becomes of the delimiters of a split.
  enum Behavior: String {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }
  /// Where a Metaspace puts its mark in front.
  enum Prepend: String {
    case always, first, never
  }

  case byteLevel(addPrefixSpace: Bool, splits: Bool)
  case metaspace(mark: [UInt8], prepend: Prepend, splits: Bool)
  case split(TextPattern, Behavior, invert: Bool)
  case digits(individual: Bool)
  case punctuation(Behavior)
  case whitespace
  case whitespaceSplit
  case bert
  case delimiter(UInt32)
  case scripts
  case fixedLength(Int)
  /// One piece a scalar: vocabularies of single characters.
  case scalars

  /// Reads a pre-tokeniser; sequences become their steps in order.
  /// - Throws: ``TokenizerError``.
  static func steps(_ value: JSONValue?, source: String) throws -> [PreTokenizer] {
    guard let value, !value.isNull else { return [] }
    let part = "pre_tokenizer"
    let kind = value["type"]?.string ?? "without a type"
    func behavior(_ name: String?) throws -> Behavior {
      guard let name else { return .isolated }
      guard let behavior = Behavior(rawValue: name) else {
        throw TokenizerError.unknownKind(part: part, kind: "behavior \(name)", source: source)
      }
      return behavior
    }
    switch kind {
    case "Sequence":
      return try (value["pretokenizers"]?.array ?? []).flatMap { try steps($0, source: source) }
    case "ByteLevel":
      return [
        .byteLevel(
          addPrefixSpace: value["add_prefix_space"]?.bool ?? true, splits: value["use_regex"]?.bool ?? true)
      ]
    case "Metaspace":
      let scheme = value["prepend_scheme"]?.string
      guard
        let prepend = scheme.map({ Prepend(rawValue: $0) })
          ?? (value["add_prefix_space"]?.bool ?? true ? .always : .never)
      else {
        throw TokenizerError.unknownKind(part: part, kind: "prepend_scheme \(scheme ?? "")", source: source)
      }
      return [
        .metaspace(
          mark: Array((value["replacement"]?.string ?? "▁").utf8), prepend: prepend,
          splits: value["split"]?.bool ?? true)
      ]
    case "Split":
      return [
        .split(
          try TextPattern(value["pattern"], part: part, source: source),
          try behavior(value["behavior"]?.string), invert: value["invert"]?.bool ?? false)
      ]
    case "Digits": return [.digits(individual: value["individual_digits"]?.bool ?? false)]
    case "Punctuation": return [.punctuation(try behavior(value["behavior"]?.string))]
    case "Whitespace": return [.whitespace]
    case "WhitespaceSplit": return [.whitespaceSplit]
    case "BertPreTokenizer": return [.bert]
    case "CharDelimiterSplit":
      guard let delimiter = value["delimiter"]?.string?.unicodeScalars.first else {
        throw TokenizerError.malformed(source: source, place: part, reason: "no delimiter")
      }
      return [.delimiter(delimiter.value)]
    case "UnicodeScripts": return [.scripts]
    case "FixedLength":
      guard let length = value["length"]?.int, length > 0 else {
        throw TokenizerError.malformed(source: source, place: part, reason: "FixedLength without a length")
      }
      return [.fixedLength(length)]
    default: throw TokenizerError.unknownKind(part: part, kind: kind, source: source)
    }
  }

  /// Cuts the pieces further. With `rawBytes` a byte-level step leaves the bytes as they are, since the vocabulary
  /// was read as bytes.
  func apply(_ pieces: inout Pieces, rawBytes: Bool) {
    switch self {
    case .byteLevel(let addPrefixSpace, let splits):
      if addPrefixSpace { pieces.prepend([32]) { _ in true } }
      if splits { pieces.cut(TextPattern.published(.gpt2), .isolated, invert: false) }
      if !rawBytes { pieces.writeInByteAlphabet() }
    case .metaspace(let mark, let prepend, let splits):
      pieces.replace([32], with: mark)
      switch prepend {
      case .always: pieces.prepend(mark) { _ in true }
      case .first: pieces.prepend(mark) { $0 == 0 }
      case .never: break
      }
      if splits { pieces.cut(TextPattern.literal(mark), .mergedWithNext, invert: false) }
    case .split(let pattern, let behavior, let invert): pieces.cut(pattern, behavior, invert: invert)
    case .digits(let individual):
      pieces.cut(individual ? .isolated : .contiguous) { ScalarClass.isDigitsNumber($0) }
    case .punctuation(let behavior): pieces.cut(behavior, where: ScalarClass.isBertPunctuation)
    case .whitespace: pieces.cutWords()
    case .whitespaceSplit: pieces.cut(.removed, where: ScalarClass.isSpace)
    case .bert:
      pieces.cut(.removed, where: ScalarClass.isSpace)
      pieces.cut(.isolated, where: ScalarClass.isBertPunctuation)
    case .delimiter(let delimiter): pieces.cut(.removed) { $0 == delimiter }
    case .scripts: pieces.cutScripts()
    case .fixedLength(let length): pieces.cut(every: length)
    case .scalars: pieces.cut(.isolated) { _ in true }
    }
  }
}

import JSON

extension TokenModel {
  /// Reads the `model` of a `tokenizer.json`. With `rawBytes` a byte-pair vocabulary in GPT-2's alphabet is kept as
  /// bytes.
  /// - Throws: ``TokenizerError``.
  init(_ node: JSONNode, rawBytes: Bool, source: String) throws {
    let kind = Self.kind(node)
    switch kind {
    case "BPE": self = .bytePair(try BytePairModel(node, rawBytes: rawBytes, source: source))
    case "WordLevel":
      let vocabulary = try Vocabulary(members: node["vocab"], source: source)
      let unknown = node["unk_token"]?.value.string
      self = .wordLevel(
        WordLevelModel(vocabulary: vocabulary, unknown: unknown.flatMap { vocabulary.id(of: $0) }))
    default: throw TokenizerError.unknownKind(part: "model", kind: kind, source: source)
    }
  }

  /// The name of a model's kind; files of before the field existed are known by their members.
  private static func kind(_ node: JSONNode) -> String {
    if let kind = node["type"]?.value.string { return kind }
    return node["merges"] != nil ? "BPE" : "without a type"
  }
}

extension Vocabulary {
  /// Reads an object of tokens and ids.
  /// - Throws: ``TokenizerError/malformed(source:place:reason:)``.
  init(members: JSONNode?, rawBytes: Bool = false, source: String) throws {
    guard let members, members.isObject else {
      throw TokenizerError.malformed(
        source: source, place: "vocab", reason: "not an object of tokens and ids")
    }
    var size = 0
    members.forEachMember { _, _ in size += 1 }
    self.init(capacity: size)
    var buffer: [UInt8] = []
    try members.forEachMember { token, id in
      guard let id = id.int, (0..<1 << 24).contains(id) else {
        throw TokenizerError.malformed(
          source: source, place: "vocab",
          reason: "the id of \(String(decoding: token, as: UTF8.self)) is no id")
      }
      if rawBytes && ByteAlphabet.decode(token, into: &buffer) {
        add(buffer, id: id)
      } else {
        add(token, id: id)
      }
    }
  }
}

extension BytePairModel {
  /// Reads a byte-pair model.
  init(_ node: JSONNode, rawBytes: Bool, source: String) throws {
    let prefix = node["continuing_subword_prefix"]?.value.string ?? ""
    let suffix = node["end_of_word_suffix"]?.value.string ?? ""
    if let dropout = node["dropout"]?.double, dropout != 0 {
      throw TokenizerError.unknownKind(part: "model", kind: "BPE with dropout \(dropout)", source: source)
    }
    let raw = rawBytes && prefix.isEmpty && suffix.isEmpty
    let vocabulary = try Vocabulary(members: node["vocab"], rawBytes: raw, source: source)
    var reader = MergeReader(
      vocabulary: vocabulary, rawBytes: raw, prefixLength: prefix.utf8.count, source: source,
      capacity: node["merges"]?.count ?? 0)
    if let merges = node["merges"], let count = merges.count {
      for index in 0..<count {
        let merge = merges[index]
        if let line = merge.utf8 {
          try reader.add(line: line)
        } else if merge.count == 2, let left = merge[0].utf8, let right = merge[1].utf8 {
          try reader.add(left, right)
        } else {
          throw TokenizerError.malformed(
            source: source, place: "merges[\(index)]", reason: "neither a text nor two texts")
        }
      }
    }
    self.init(vocabulary: vocabulary, merges: reader.table)
    holdsRawBytes = raw
    continuingPrefix = Array(prefix.utf8)
    endSuffix = Array(suffix.utf8)
    fusesUnknown = node["fuse_unk"]?.value.bool ?? false
    fallsBackToBytes = node["byte_fallback"]?.value.bool ?? false
    ignoresMerges = node["ignore_merges"]?.value.bool ?? false
    if let name = node["unk_token"]?.value.string { unknown = vocabulary.id(of: name) }
    prepare()
  }
}

/// Reads merges in the order of their rank.
struct MergeReader {
  let vocabulary: Vocabulary
  let rawBytes: Bool
  let prefixLength: Int
  let source: String
  private(set) var table: MergeTable
  private var rank = 0
  private var left: [UInt8] = []
  private var right: [UInt8] = []

  init(vocabulary: Vocabulary, rawBytes: Bool, prefixLength: Int, source: String, capacity: Int) {
    self.vocabulary = vocabulary
    self.rawBytes = rawBytes
    self.prefixLength = prefixLength
    self.source = source
    table = MergeTable(capacity: capacity)
  }

  /// Adds a merge that is written as one line: two tokens with a space between.
  mutating func add(line: UnsafeRawBufferPointer) throws {
    guard let space = line.firstIndex(of: 32) else {
      throw TokenizerError.malformed(
        source: source, place: "merges[\(rank)]", reason: "no space between two tokens")
    }
    try add(
      UnsafeRawBufferPointer(rebasing: line[..<space]), UnsafeRawBufferPointer(rebasing: line[(space + 1)...])
    )
  }

  /// Adds a merge.
  mutating func add(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) throws {
    if !(rawBytes && ByteAlphabet.decode(first, into: &left)) { left = Array(first) }
    if !(rawBytes && ByteAlphabet.decode(second, into: &right)) { right = Array(second) }
    guard let leftID = vocabulary.id(left), let rightID = vocabulary.id(right),
      let joined = vocabulary.id(left + right.dropFirst(prefixLength))
    else {
      throw TokenizerError.malformed(
        source: source, place: "merges[\(rank)]",
        reason: "'\(left.text)' and '\(right.text)' or what they join to is not in the vocabulary")
    }
    table.add(leftID, rightID, rank: rank, id: joined)
    rank += 1
  }
}

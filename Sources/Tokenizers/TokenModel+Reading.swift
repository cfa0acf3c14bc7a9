import JSON

extension TokenModel {
  /// Reads the `model` of a `tokenizer.json`. With `rawBytes` a byte-pair vocabulary in GPT-2's alphabet is kept as
  /// bytes.
  /// - Throws: ``TokenizerError``.
  init(_ node: JSONNode, rawBytes: Bool, source: String) throws {
    let fields = ModelFields(node, source: source)
    // Files of before the field existed are known by their members.
    let kind =
      fields.string("type") ?? (fields.members["merges"] != nil ? "BPE" : "without a type")
    switch kind {
    case "BPE": self = .bytePair(try BytePairModel(fields, rawBytes: rawBytes))
    case "WordPiece": self = .wordPiece(try WordPieceModel(fields))
    case "WordLevel":
      let vocabulary = try Vocabulary(members: fields.members["vocab"], source: source)
      let unknown = fields.string("unk_token").flatMap { vocabulary.id(of: $0) }
      self = .wordLevel(WordLevelModel(vocabulary: vocabulary, unknown: unknown))
    case "Unigram": self = .unigram(try UnigramModel(fields))
    default: throw TokenizerError.unknownKind(part: "model", kind: kind, source: source)
    }
  }
}

extension JSONValue {
  /// The ids that tokens may have: more would make the tables of a damaged file fill the memory.
  static var tokenIDs: Range<Int> { 0..<1 << 24 }

  /// The id, where this is one.
  var tokenID: Int32? { int.flatMap { Self.tokenIDs.contains($0) ? Int32($0) : nil } }
}

/// The members of a model.
struct ModelFields {
  let members: [String: JSONNode]
  let source: String

  init(_ node: JSONNode, source: String) {
    members = node.members()
    self.source = source
  }

  func string(_ key: String) -> String? { members[key]?.string }
  func int(_ key: String) -> Int? { members[key]?.int }
  func flag(_ key: String) throws -> Bool? { try members[key]?.value().bool }
}

extension Vocabulary {
  /// Reads an object of tokens and ids.
  /// - Throws: ``TokenizerError/malformed(source:place:reason:)``.
  init(members: JSONNode?, rawBytes: Bool = false, source: String) throws {
    guard let members, members.isObject else {
      throw TokenizerError.malformed(
        source: source, place: "vocab", reason: "not an object of tokens and ids")
    }
    self.init(capacity: 0)
    var buffer: [UInt8] = []
    try members.forEachMember { token, id in
      guard let id = id.int, JSONValue.tokenIDs.contains(id) else {
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
  init(_ fields: ModelFields, rawBytes: Bool) throws {
    let source = fields.source
    let prefix = fields.string("continuing_subword_prefix") ?? ""
    let suffix = fields.string("end_of_word_suffix") ?? ""
    if let dropout = fields.members["dropout"]?.double, dropout != 0 {
      throw TokenizerError.unknownKind(part: "model", kind: "BPE with dropout \(dropout)", source: source)
    }
    let raw = rawBytes && prefix.isEmpty && suffix.isEmpty
    let vocabulary = try Vocabulary(members: fields.members["vocab"], rawBytes: raw, source: source)
    let merges = fields.members["merges"]
    let reader = MergeReader(
      vocabulary: vocabulary, rawBytes: raw, prefixLength: prefix.utf8.count, source: source)
    try merges?.forEachElement { merge in
      if try merge.withUTF8({ try reader.add(line: $0) }) == nil { try reader.add(pair: merge) }
    }
    self.init(vocabulary: vocabulary, merges: reader.table)
    holdsRawBytes = raw
    continuingPrefix = Array(prefix.utf8)
    endSuffix = Array(suffix.utf8)
    fusesUnknown = try fields.flag("fuse_unk") ?? false
    fallsBackToBytes = try fields.flag("byte_fallback") ?? false
    ignoresMerges = try fields.flag("ignore_merges") ?? false
    cutsAtMarks =
      !raw && prefix.isEmpty && suffix.isEmpty && reader.keepsMarksInFront && vocabulary.id(of: "▁") != nil
    if let name = fields.string("unk_token") { unknown = vocabulary.id(of: name) }
    prepare()
  }
}

extension WordPieceModel {
  /// Reads a word-piece model.
  init(_ fields: ModelFields) throws {
    self.init(
      vocabulary: try Vocabulary(members: fields.members["vocab"], source: fields.source),
      unknown: fields.string("unk_token") ?? "[UNK]",
      prefix: fields.string("continuing_subword_prefix") ?? "##",
      longestWord: fields.int("max_input_chars_per_word") ?? 100)
  }
}

extension UnigramModel {
  /// Reads a unigram model.
  init(_ fields: ModelFields) throws {
    guard let list = fields.members["vocab"], list.isArray else {
      throw TokenizerError.malformed(
        source: fields.source, place: "vocab", reason: "not a list of tokens and scores")
    }
    var vocabulary = Vocabulary(capacity: list.count)
    var scores: [Double] = []
    try list.forEachElement { entry in
      var score: Double?
      var isToken = false
      entry.forEachElement { part in
        if !isToken {
          isToken = part.withUTF8 { vocabulary.add($0, id: scores.count) } != nil
        } else if score == nil {
          score = part.double
        }
      }
      guard isToken, let score else {
        throw TokenizerError.malformed(
          source: fields.source, place: "vocab[\(scores.count)]", reason: "not a token and its score")
      }
      scores.append(score)
    }
    let unknown = fields.int("unk_id")
    if let unknown, !scores.indices.contains(unknown) {
      throw TokenizerError.malformed(source: fields.source, place: "unk_id", reason: "\(unknown) is no token")
    }
    self.init(
      vocabulary: vocabulary, scores: scores, unknown: unknown.map(Int32.init),
      fallsBackToBytes: try fields.flag("byte_fallback") ?? false)
  }
}

/// Reads merges in the order of their rank.
final class MergeReader {
  let vocabulary: Vocabulary
  let rawBytes: Bool
  let prefixLength: Int
  let source: String
  private(set) var table: MergeTable
  private var rank = 0
  /// Both tokens of a merge, one behind the other: what they join to.
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity = 256
  private var leftCount = 0
  private var rightCount = 0
  private let alphabet = ByteAlphabet.bytes
  /// Whether no merge joins a token that ends without the mark `▁` to one that begins with it.
  private(set) var keepsMarksInFront = true

  init(vocabulary: Vocabulary, rawBytes: Bool, prefixLength: Int, source: String) {
    self.vocabulary = vocabulary
    self.rawBytes = rawBytes
    self.prefixLength = prefixLength
    self.source = source
    table = MergeTable(capacity: vocabulary.count)
    buffer = .allocate(capacity: capacity)
  }

  deinit { buffer.deallocate() }

  /// Adds a merge that is written as one line: two tokens with a space between.
  func add(line: UnsafeRawBufferPointer) throws {
    guard let space = line.firstIndex(of: 32) else {
      throw TokenizerError.malformed(
        source: source, place: "merges[\(rank)]", reason: "no space between two tokens")
    }
    leftCount = take(UnsafeRawBufferPointer(rebasing: line[..<space]), at: 0)
    rightCount = take(UnsafeRawBufferPointer(rebasing: line[(space + 1)...]), at: leftCount)
    try add()
  }

  /// Adds a merge that is written as a list of two tokens.
  func add(pair: JSONNode) throws {
    var parts = 0
    pair.forEachElement { part in
      let isText: Void? = part.withUTF8 { text in
        if parts == 0 { leftCount = take(text, at: 0) }
        if parts == 1 { rightCount = take(text, at: leftCount) }
      }
      parts += isText == nil ? 3 : 1
    }
    guard parts == 2 else {
      throw TokenizerError.malformed(
        source: source, place: "merges[\(rank)]", reason: "neither a text nor two texts")
    }
    try add()
  }

  /// Puts a token's bytes at a place of the buffer and returns their number.
  private func take(_ text: UnsafeRawBufferPointer, at place: Int) -> Int {
    if place + text.count > capacity {
      let larger = max(place + text.count, 2 * capacity)
      let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
      grown.update(from: buffer, count: place)
      buffer.deallocate()
      (buffer, capacity) = (grown, larger)
    }
    if rawBytes {
      let count = alphabet.withUnsafeBufferPointer { ByteAlphabet.decode(text, to: buffer + place, $0) }
      if count >= 0 { return count }
    }
    UnsafeMutableRawBufferPointer(start: buffer + place, count: text.count).copyMemory(from: text)
    return text.count
  }

  /// Adds the merge of the two tokens.
  private func add() throws {
    let left = UnsafeBufferPointer(start: UnsafePointer(buffer), count: leftCount)
    let right = UnsafeBufferPointer(start: UnsafePointer(buffer) + leftCount, count: rightCount)
    let (leftID, rightID) = (vocabulary.id(left), vocabulary.id(right))
    let joinedID: Int32
    if prefixLength == 0 {
      joinedID = vocabulary.id(
        UnsafeBufferPointer(start: UnsafePointer(buffer), count: leftCount + rightCount))
    } else {
      joinedID = vocabulary.id(Array(left) + right.dropFirst(prefixLength)) ?? -1
    }
    guard leftID >= 0, rightID >= 0, joinedID >= 0 else {
      throw TokenizerError.malformed(
        source: source, place: "merges[\(rank)]",
        reason:
          "'\(Array(left).text)' and '\(Array(right).text)' or what they join to is not in the vocabulary")
    }
    if !rawBytes, rightCount >= 3, right[0] == 0xE2, right.starts(with: [0xE2, 0x96, 0x81]),
      !left.suffix(3).elementsEqual([0xE2, 0x96, 0x81])
    {
      keepsMarksInFront = false
    }
    table.add(leftID, rightID, rank: rank, id: joinedID)
    rank += 1
  }
}

import JSON
import OrderedCollections
import Runtime

extension Tokenizer {
  /// Reads the tokenizer of a checkpoint folder: `tokenizer.json`, else `vocab.json` with `merges.txt` (GPT-2's
  /// layout), else `vocab.txt` (BERT's), else a sentencepiece model (`tokenizer.model`, `spiece.model`), else a `vocab.json`
  /// whose tokens are single characters.
  ///
  /// `tokenizer_config.json`, `special_tokens_map.json`, `generation_config.json` and `config.json` name BOS and EOS,
  /// in this order.
  /// - Throws: ``TokenizerError``, `JSONError`, `FileError`.
  public convenience init(folder: String) throws {
    var reader = TokenizerFolder(folder)
    let pipeline = try reader.pipeline()
    self.init(pipeline: pipeline, facts: try reader.facts(of: pipeline), sha256: reader.digest())
  }
}

/// The files of a folder that say something about its tokenizer.
struct TokenizerFolder {
  private let folder: String
  /// Names and hashes of the tokenizer's own files that were read.
  private var read: [(name: String, hash: String)] = []

  init(_ folder: String) { self.folder = folder }

  private func path(_ name: String) -> String { folder + "/" + name }
  private func has(_ name: String) -> Bool { Files.exists(path(name)) }

  private mutating func bytes(_ name: String) throws -> [UInt8] {
    let bytes = try Files.read(path(name))
    read.append((name, SHA256.hex(bytes)))
    return bytes
  }

  private mutating func json(_ name: String) throws -> JSONValue? {
    has(name) ? try JSONValue(parsing: try bytes(name), source: path(name)) : nil
  }

  /// A file that is not the tokenizer's own.
  private func neighbour(_ name: String) throws -> JSONValue? {
    has(name) ? try JSONValue(file: path(name)) : nil
  }

  /// SHA-256 of the one file, or of the lines that `sha256sum` prints for several in the order of their names.
  func digest() -> String {
    if read.count == 1, let only = read.first { return only.hash }
    return SHA256.hex(read.sorted { $0.name < $1.name }.map { "\($0.hash)  \($0.name)\n" }.joined())
  }

  private var settings: JSONValue = .null
  private var specialMap: JSONValue = .null

  /// Reads the parts and the added tokens.
  mutating func pipeline() throws -> Pipeline {
    guard Files.isFolder(folder) else { throw FileError.missing(path: folder) }
    var pipeline: Pipeline
    var layout = Layout.file
    if has("tokenizer.json") {
      pipeline = try Pipeline(bytes: try bytes("tokenizer.json"), source: path("tokenizer.json"))
    } else if has("vocab.json") && has("merges.txt") {
      pipeline = try mergesPipeline()
      layout = .merges
    } else if has("vocab.txt") {
      pipeline = try wordPiecePipeline()
      layout = .words
    } else if let name = Self.sentencePieceNames.first(where: has) {
      pipeline = try sentencePiecePipeline(name)
      layout = .sentencePiece
    } else if has("vocab.json") {
      pipeline = try characterPipeline()
      layout = .characters
    } else {
      throw TokenizerError.missing(folder: folder, seen: try Files.list(folder))
    }
    settings = try json("tokenizer_config.json") ?? .null
    specialMap = try json("special_tokens_map.json") ?? .null
    try checkClass(layout)
    addNamedTokens(layout, to: &pipeline)
    pipeline.prepare()
    try addTemplate(layout, to: &pipeline)
    return pipeline
  }

  private enum Layout { case file, merges, words, characters, sentencePiece }

  /// The names that sentencepiece models go by.
  private static let sentencePieceNames = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model"]

  /// Lists of tokens say nothing about how a text is cut: the class must be one whose way is known.
  private func checkClass(_ layout: Layout) throws {
    let (files, known): (String, [String])
    switch layout {
    case .file, .characters: return
    case .merges: (files, known) = ("vocab.json with merges.txt", ["GPT2Tokenizer", "GPT2TokenizerFast"])
    case .words: (files, known) = ("vocab.txt", ["BertTokenizer", "BertTokenizerFast"])
    case .sentencePiece:
      // Others move ids, or cut texts before the model does.
      files = "a sentencepiece model"
      known = ["LlamaTokenizer", "GemmaTokenizer", "T5Tokenizer"].flatMap { [$0, $0 + "Fast"] }
    }
    if let name = settings["tokenizer_class"]?.string, !known.contains(name) {
      throw TokenizerError.unknownKind(part: "model", kind: "\(files) of the class \(name)", source: folder)
    }
  }

  private mutating func mergesPipeline() throws -> Pipeline {
    let document = try JSONDocument(parsing: try bytes("vocab.json"), source: path("vocab.json"))
    let lines = try bytes("merges.txt")
    let source = folder
    let vocabulary = try document.withRoot { try Vocabulary(members: $0, rawBytes: true, source: source) }
    let reader = MergeReader(
      vocabulary: vocabulary, rawBytes: true, prefixLength: 0, source: path("merges.txt"))
    try lines.withUnsafeBytes { all in
      for line in all.split(separator: 10) {
        let line = line.last == 13 ? line.dropLast() : line
        if line.isEmpty || line.starts(with: "#version".utf8) { continue }
        try reader.add(line: UnsafeRawBufferPointer(rebasing: line))
      }
    }
    var model = BytePairModel(vocabulary: vocabulary, merges: reader.table)
    model.holdsRawBytes = true
    model.prepare()
    var pipeline = Pipeline(model: .bytePair(model))
    let prefixed = try neighbour("tokenizer_config.json")?["add_prefix_space"]?.bool ?? false
    pipeline.preTokenizers = [.byteLevel(addPrefixSpace: prefixed, splits: true)]
    pipeline.decoders = [.byteLevel]
    return pipeline
  }

  /// A sentencepiece model by itself.
  private mutating func sentencePiecePipeline(_ name: String) throws -> Pipeline {
    let file = try SentencePieceFile(try bytes(name), source: path(name))
    var pipeline = try Pipeline(file, source: path(name))
    let config = try neighbour("tokenizer_config.json")
    if config?["legacy"]?.bool == false, case .sentencePiece(var normalizer)? = pipeline.normalizers.first {
      normalizer.marksEveryPart = false
      pipeline.normalizers = [.sentencePiece(normalizer)]
    }
    sentencePieces = (file.bosPiece, file.eosPiece)
    return pipeline
  }

  /// The names of BOS and EOS in a sentencepiece model.
  private var sentencePieces: (bos: [UInt8], eos: [UInt8])?

  /// The class that a folder's files name; a model's type stands for its usual class.
  private func className() throws -> String? {
    if let name = settings["tokenizer_class"]?.string { return name }
    switch try neighbour("config.json")?["model_type"]?.string {
    case "llama", "mistral", "mixtral": return "LlamaTokenizer"
    case "gemma", "gemma2", "gemma3", "gemma3_text": return "GemmaTokenizer"
    case "t5": return "T5Tokenizer"
    default: return nil
    }
  }

  /// BERT's layout: one token a line, with BERT's own way of cutting.
  private mutating func wordPiecePipeline() throws -> Pipeline {
    let lines = try bytes("vocab.txt")
    guard String(validating: lines, as: UTF8.self) != nil else {
      throw TokenizerError.malformed(source: path("vocab.txt"), place: "the text", reason: "not UTF-8")
    }
    var vocabulary = Vocabulary(capacity: lines.lazy.filter { $0 == 10 }.count + 1)
    for (id, line) in lines.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      if line.isEmpty && line.endIndex == lines.endIndex { continue }
      vocabulary.add(Array(line.last == 13 ? line.dropLast() : line), id: id)
    }
    let config = try neighbour("tokenizer_config.json")
    let lowercases = config?["do_lower_case"]?.bool ?? true
    guard let begin = vocabulary.id(of: "[CLS]"), let end = vocabulary.id(of: "[SEP]") else {
      throw TokenizerError.unknownKind(
        part: "model", kind: "vocab.txt without [CLS] and [SEP]", source: path("vocab.txt"))
    }
    let model = WordPieceModel(vocabulary: vocabulary, unknown: "[UNK]", prefix: "##", longestWord: 100)
    var pipeline = Pipeline(model: .wordPiece(model))
    pipeline.normalizers = [
      .bert(
        cleansText: true, spacesChinese: config?["tokenize_chinese_chars"]?.bool ?? true,
        stripsAccents: config?["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
    ]
    pipeline.preTokenizers = [.bert]
    pipeline.postProcessors = [.bert(begin: begin, end: end)]
    pipeline.decoders = [.wordPiece(prefix: Array("##".utf8), cleansUp: true)]
    for name in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
      guard let id = vocabulary.id(of: name) else { continue }
      pipeline.added.add(AddedTokens.AddedToken(id: id, content: Array(name.utf8), special: true))
    }
    return pipeline
  }

  private mutating func characterPipeline() throws -> Pipeline {
    let document = try JSONDocument(parsing: try bytes("vocab.json"), source: path("vocab.json"))
    let source = path("vocab.json")
    let vocabulary = try document.withRoot { try Vocabulary(members: $0, source: source) }
    var pipeline = Pipeline(model: .wordLevel(WordLevelModel(vocabulary: vocabulary, unknown: nil)))
    // Longer names can only be special ones, such as <.>: more than a few mean a vocabulary of another kind.
    var long: [AddedTokens.AddedToken] = []
    vocabulary.forEach { token, id in
      let text = String(decoding: token, as: UTF8.self)
      guard text.unicodeScalars.count > 1 else { return }
      long.append(AddedTokens.AddedToken(id: Int32(id), content: Array(token), special: true))
    }
    guard long.count <= 16, long.allSatisfy({ $0.content.first == 0x3C || $0.content.first == 0x5B }) else {
      throw TokenizerError.unknownKind(
        part: "model", kind: "vocab.json without merges.txt whose tokens are not single characters",
        source: folder)
    }
    for token in long { pipeline.added.add(token) }
    pipeline.preTokenizers = [.scalars]
    pipeline.decoders = [.fuse]
    return pipeline
  }

  /// The content of a token in a side file: a text, or an object with flags.
  private static func content(_ value: JSONValue?) -> String? { value?.string ?? value?["content"]?.string }

  private func name(_ key: String) -> String? { Self.content(settings[key]) ?? Self.content(specialMap[key]) }

  /// Adds the tokens that the side files name and `tokenizer.json` does not list.
  private func addNamedTokens(_ layout: Layout, to pipeline: inout Pipeline) {
    for (key, value) in settings["added_tokens_decoder"]?.object ?? [:] {
      guard let id = Int(key), JSONValue.tokenIDs.contains(id), let content = value["content"]?.string else {
        continue
      }
      let token = AddedTokens.AddedToken(id: Int32(id), content: content, flags: value)
      if pipeline.added.token(content: token.content) == nil { pipeline.added.add(token) }
    }
    let keys = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
    var names = keys.compactMap(name)
    for list in [settings["additional_special_tokens"], specialMap["additional_special_tokens"]] {
      names += (list?.array ?? []).compactMap(Self.content)
    }
    if layout == .merges && name("eos_token") == nil { names.append("<|endoftext|>") }
    for name in names {
      let content = Array(name.utf8)
      guard pipeline.added.token(content: content) == nil, let id = pipeline.id(of: content) else { continue }
      pipeline.added.add(AddedTokens.AddedToken(id: id, content: content, special: true))
    }
  }

  /// Without a post-processor `add_bos_token` and `add_eos_token` decide what stands around a text. A vocabulary of
  /// characters whose model has a BOS begins with it.
  private func addTemplate(_ layout: Layout, to pipeline: inout Pipeline) throws {
    guard pipeline.postProcessors.isEmpty else { return }
    let facts = try facts(of: pipeline)
    var parts: [PostProcessor.Part] = [.text]
    let kind = layout == .sentencePiece ? try className() ?? "" : ""
    let beginsByClass = layout == .characters || kind.hasPrefix("Llama") || kind.hasPrefix("Gemma")
    if settings["add_bos_token"]?.bool ?? beginsByClass, let bos = facts.bos {
      parts.insert(.special([bos]), at: 0)
    }
    if settings["add_eos_token"]?.bool ?? kind.hasPrefix("T5"), let eos = facts.eos {
      parts.append(.special([eos]))
    }
    if parts != [.text] { pipeline.postProcessors = [.template(parts)] }
  }

  /// What the side files say about BOS and EOS.
  func facts(of pipeline: Pipeline) throws -> TokenizerFacts {
    let generation = try neighbour("generation_config.json")
    let config = try neighbour("config.json")
    func ids(_ key: String, _ file: JSONValue?) -> [Int32] {
      let value = file?[key]
      let list = value?.array ?? (value.map { [$0] } ?? [])
      return list.compactMap(\.int).filter { (0..<pipeline.idBound).contains($0) }.map(Int32.init)
    }
    func named(_ key: String) -> Int32? { name(key).flatMap { pipeline.id(of: Array($0.utf8)) } }
    var facts = TokenizerFacts()
    facts.bos =
      named("bos_token") ?? ids("bos_token_id", generation).first ?? ids("bos_token_id", config).first
    let listed = ids("eos_token_id", generation)
    let ends = listed.isEmpty ? ids("eos_token_id", config) : listed
    facts.eos = named("eos_token") ?? ends.first
    if let sentencePieces {
      facts.bos = facts.bos ?? pipeline.id(of: sentencePieces.bos)
      facts.eos = facts.eos ?? pipeline.id(of: sentencePieces.eos)
    }
    if has("merges.txt") && !has("tokenizer.json") {
      let end = pipeline.id(of: Array("<|endoftext|>".utf8))
      facts.bos = facts.bos ?? end
      facts.eos = facts.eos ?? end
    }
    for id in [facts.eos].compactMap({ $0 }) + ends where !facts.endTokens.contains(id) {
      facts.endTokens.append(id)
    }
    return facts
  }
}

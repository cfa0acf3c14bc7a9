import Checkpoints
import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// Something about a checkpoint folder that works here and breaks elsewhere, or is not what its owner thinks.
public struct CheckpointWarning: Sendable, Equatable {
  /// What the warnings are about; the raw values are stable.
  public enum Code: String, Sendable, CaseIterable {
    /// config.json names another type than most weights have.
    case dtypeDiffers = "DTYPE_DIFFERS"
    /// No generation_config.json beside a model that generates.
    case generationConfigMissing = "GENERATION_CONFIG_MISSING"
    /// config.json, generation_config.json and tokenizer do not agree which tokens end a text.
    case eosDiffers = "EOS_DIFFERS"
    /// No file says which token ends a text.
    case eosMissing = "EOS_MISSING"
    /// A special token's id lies beyond the embedding.
    case tokenBeyondEmbedding = "TOKEN_BEYOND_EMBEDDING"
    /// config.json names another vocabulary than the embedding has rows.
    case vocabularyDiffers = "VOCABULARY_DIFFERS"
    /// A tied head is stored as well, with other numbers.
    case tieDiffers = "TIE_DIFFERS"
    /// A tied head is stored as well, with the same numbers.
    case tieStoredTwice = "TIE_STORED_TWICE"
    /// Tensors that nothing uses.
    case unusedTensors = "UNUSED_TENSORS"
    /// Matrices with the same bytes.
    case duplicateTensors = "DUPLICATE_TENSORS"
    /// NaN or infinity.
    case notFinite = "NOT_FINITE"
    /// Tensors whose place is no multiple of their element's size.
    case unalignedTensors = "UNALIGNED_TENSORS"
    /// The index's total size is not that of the tensors.
    case indexSizeDiffers = "INDEX_SIZE_DIFFERS"
    /// Weights are packed.
    case quantised = "QUANTISED"

    /// One line for listings.
    public var summary: String {
      switch self {
      case .dtypeDiffers: "config.json names another type than most weights have"
      case .generationConfigMissing: "no generation_config.json beside a model that generates"
      case .eosDiffers: "the files do not agree which tokens end a text"
      case .eosMissing: "no file says which token ends a text"
      case .tokenBeyondEmbedding: "a token's id lies beyond the embedding"
      case .vocabularyDiffers: "config.json names another vocabulary than the embedding has rows"
      case .tieDiffers: "a tied head is stored as well, with other numbers"
      case .tieStoredTwice: "a tied head is stored as well, with the same numbers"
      case .unusedTensors: "tensors that nothing uses"
      case .duplicateTensors: "matrices with the same bytes"
      case .notFinite: "NaN or infinity in weights (with --values)"
      case .unalignedTensors: "tensors whose place is no multiple of their element's size"
      case .indexSizeDiffers: "the index's total size is not that of the tensors"
      case .quantised: "weights are packed into fewer bits"
      }
    }
  }

  /// What it is about.
  public let code: Code
  /// What was found.
  public let message: String
  /// What to do about it.
  public let suggestion: String
  /// The tensors meant.
  public let tensors: [String]

  init(_ code: Code, _ message: String, try suggestion: String, tensors: [String] = []) {
    self.code = code
    self.message = message
    self.suggestion = suggestion
    self.tensors = tensors
  }
}

/// What a tokenizer says that warnings compare with the model.
public struct TokenizerSummary: Sendable {
  /// Largest id plus one.
  public var count: Int
  /// The id that ends a text.
  public var eos: Int?

  /// A summary.
  public init(count: Int, eos: Int?) {
    self.count = count
    self.eos = eos
  }
}

extension ModelDescription {
  /// Everything that is odd about a folder. Reads headers and configs, and of matrices of one shape a few bytes; with
  /// `values` every byte once for NaN and infinity, in blocks.
  /// - Throws: ``Interrupted``, and what reading tensors throws.
  public func warnings(
    _ checkpoint: Checkpoint, tokenizer: TokenizerSummary?, values: Bool,
    progress: ProgressSink = ignoreProgress
  ) throws -> [CheckpointWarning] {
    var survey = WarningSurvey(checkpoint: checkpoint, binding: binding, tokenizer: tokenizer)
    survey.dtypes()
    survey.generation()
    survey.vocabulary()
    try survey.ties()
    survey.unused()
    try survey.duplicates()
    survey.places()
    survey.indexSize()
    survey.quantisation()
    if values { try survey.values(progress) }
    return survey.found
  }
}

/// The walk over a folder that collects warnings.
private struct WarningSurvey {
  let checkpoint: Checkpoint
  let binding: Binding?
  let tokenizer: TokenizerSummary?
  var found: [CheckpointWarning] = []

  init(checkpoint: Checkpoint, binding: Binding?, tokenizer: TokenizerSummary?) {
    self.checkpoint = checkpoint
    self.binding = binding
    self.tokenizer = tokenizer
  }

  private var config: JSONValue { checkpoint.config }

  private mutating func warn(
    _ code: CheckpointWarning.Code, _ message: String, try suggestion: String, tensors: [String] = []
  ) {
    found.append(CheckpointWarning(code, message, try: suggestion, tensors: tensors))
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
  }

  // MARK: Config against weights

  mutating func dtypes() {
    let names: [String: DType] = [
      "float32": .f32, "float": .f32, "float16": .f16, "half": .f16, "bfloat16": .bf16, "float64": .f64,
    ]
    let given = config["dtype"]?.string ?? config["torch_dtype"]?.string
    guard let given, let named = names[given.replacing("torch.", with: "")] else { return }
    var counts: OrderedDictionary<DType, Int> = [:]
    for entry in checkpoint.tensorNames.compactMap(checkpoint.entry) {
      counts[entry.dtype, default: 0] += entry.count
    }
    guard let most = counts.filter({ names.values.contains($0.key) }).max(by: { $0.value < $1.value })?.key,
      most != named
    else { return }
    warn(
      .dtypeDiffers, "config.json says \(given), most weights are \(most.rawValue)",
      try: "set dtype (torch_dtype) to what is stored: loaders convert to what config.json says")
  }

  /// Whether the folder is a model that generates: by its class's name, else by its family having a head.
  private var generates: Bool {
    let classes = config["architectures"]?.array?.compactMap(\.string) ?? []
    if !classes.isEmpty {
      return classes.contains { $0.hasSuffix("ForCausalLM") || $0.hasSuffix("LMHeadModel") }
    }
    return binding?.tensors[.head] != nil
  }

  private static func ids(_ value: JSONValue?) -> [Int]? {
    guard let value, !value.isNull else { return nil }
    return value.int.map { [$0] } ?? value.array?.compactMap(\.int)
  }

  mutating func generation() {
    guard generates else { return }
    let generation = checkpoint.generationConfig
    if generation == nil {
      warn(
        .generationConfigMissing,
        "no generation_config.json: loaders fall back on config.json and their defaults",
        try: "copy it from the original model")
    }
    let (own, generated) = (Self.ids(config["eos_token_id"]), Self.ids(generation?["eos_token_id"]))
    if own == nil, generated == nil, tokenizer?.eos == nil {
      return warn(
        .eosMissing, "no file names the token that ends a text: generation runs to its limit",
        try: "set eos_token_id in generation_config.json")
    }
    if let own, let generated, Set(own) != Set(generated) {
      warn(
        .eosDiffers, "eos_token_id is \(own) in config.json and \(generated) in generation_config.json",
        try: "make both agree: programs differ in which they read")
    }
    if let eos = tokenizer?.eos, let listed = generated ?? own, !listed.contains(eos) {
      warn(
        .eosDiffers, "the tokenizer ends texts with \(eos), the model's eos_token_id is \(listed)",
        try: "make both agree, or generation will not stop where the training texts do")
    }
  }

  /// Rows of the token embedding, by its role or by the usual names.
  private var embedding: (name: String, rows: Int)? {
    let usual = [
      "embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight",
      "embed_in.weight",
    ]
    let name =
      binding?.tensors[.tokenEmbedding]?.tensor
      ?? checkpoint.tensorNames.first { name in usual.contains { name == $0 || name.hasSuffix("." + $0) } }
    guard let name, let entry = checkpoint.entry(name), entry.shape.count == 2 else { return nil }
    return (name, entry.shape[0])
  }

  mutating func vocabulary() {
    guard let embedding else { return }
    if let size = config["vocab_size"]?.int, size != embedding.rows {
      warn(
        .vocabularyDiffers,
        "config.json has vocab_size \(size), \(embedding.name) has \(embedding.rows) rows",
        try: "set vocab_size to the rows: other loaders make a new matrix of the size they read",
        tensors: [embedding.name])
    }
    if let tokenizer, tokenizer.count > embedding.rows {
      warn(
        .tokenBeyondEmbedding,
        "the tokenizer has ids up to \(tokenizer.count - 1), \(embedding.name) has \(embedding.rows) rows",
        try:
          "texts with these tokens fail: add rows to the embedding (resize_token_embeddings) or drop the tokens",
        tensors: [embedding.name])
    }
    var beyond: [String] = []
    for key in ["bos_token_id", "eos_token_id", "pad_token_id"] {
      for (file, value) in [
        ("config.json", config[key]), ("generation_config.json", checkpoint.generationConfig?[key]),
      ] {
        for id in Self.ids(value) ?? [] where id >= embedding.rows || id < 0 {
          beyond.append("\(key) \(id) in \(file)")
        }
      }
    }
    if !beyond.isEmpty {
      warn(
        .tokenBeyondEmbedding,
        "\(beyond.joined(separator: ", ")): \(embedding.name) has \(embedding.rows) rows",
        try: "set the ids to tokens that the model has", tensors: [embedding.name])
    }
  }

  // MARK: Tensors

  private func sameBytes(_ first: String, _ second: String) throws -> Bool {
    try checkpoint.withBytes(first) { first in
      try checkpoint.withBytes(second) { second in
        guard first.count == second.count, let a = first.baseAddress, let b = second.baseAddress else {
          return first.count == second.count
        }
        return memcmp(a, b, first.count) == 0
      }
    }
  }

  mutating func ties() throws {
    guard config["tie_word_embeddings"]?.bool ?? binding?.network.tiedHead ?? false, let embedding else {
      return
    }
    let heads = ["lm_head.weight", "embed_out.weight", "output.weight", "cls.predictions.decoder.weight"]
    for head in checkpoint.tensorNames where heads.contains(head) && head != embedding.name {
      guard let first = checkpoint.entry(head), let second = checkpoint.entry(embedding.name) else {
        continue
      }
      let isSame = first.dtype == second.dtype && first.shape == second.shape
      if try isSame && sameBytes(head, embedding.name) {
        warn(
          .tieStoredTwice, "\(head) is tied to \(embedding.name) and stored as well, with the same bytes",
          try: "an edit must change both; \(Format.bytes(UInt64(first.byteRange.count))) could be saved",
          tensors: [head, embedding.name])
      } else {
        warn(
          .tieDiffers, "config.json ties \(head) to \(embedding.name), but they hold other numbers",
          try: "set tie_word_embeddings to false: some loaders take the head, others the embedding",
          tensors: [head, embedding.name])
      }
    }
  }

  mutating func unused() {
    guard let binding else { return }
    let names = binding.unused.filter { $0.reason != "buffer" && !$0.reason.contains("tied") }
    guard !names.isEmpty else { return }
    let reasons = Set(names.map(\.reason)).sorted().prefix(2).joined(separator: "; ")
    warn(
      .unusedTensors, "nothing uses \(Self.list(names.map(\.name))) (\(reasons))",
      try: "they are kept byte for byte; check that the config belongs to these weights",
      tensors: names.map(\.name))
  }

  /// Matrices with the same bytes, masks `[1, 1, T, T]` left out. Of each shape a few samples are compared first, so that little is read.
  mutating func duplicates() throws {
    struct Key: Hashable {
      var dtype: DType
      var shape: [Int]
      var sample: [UInt64]
    }
    let buffers = Set((binding?.unused ?? []).filter { $0.reason == "buffer" }.map(\.name))
    var groups: OrderedDictionary<Key, [String]> = [:]
    for name in checkpoint.tensorNames {
      guard let entry = checkpoint.entry(name), entry.shape.count >= 2, entry.byteRange.count >= 64,
        !buffers.contains(name), !(entry.shape.count == 4 && entry.shape[0] * entry.shape[1] == 1)
      else { continue }
      let sample = try checkpoint.withBytes(name) { bytes in
        (0..<8).map { part in
          bytes.loadUnaligned(fromByteOffset: (bytes.count - 8) / 7 * part, as: UInt64.self)
        }
      }
      if Set(sample).count == 1 { continue }  // zeros, ones: equal by being empty
      groups[Key(dtype: entry.dtype, shape: entry.shape, sample: sample), default: []].append(name)
    }
    let tied = Set(found.filter { $0.code == .tieStoredTwice }.flatMap(\.tensors))
    for names in groups.values where names.count > 1 {
      let same = try names.dropFirst().filter {
        try sameBytes(names[0], $0) && !(tied.contains($0) && tied.contains(names[0]))
      }
      if same.isEmpty { continue }
      warn(
        .duplicateTensors, "\(Self.list([names[0]] + same)) hold the same bytes",
        try: "stored ties are broken by an edit of one of them: edit all, or none", tensors: [names[0]] + same
      )
    }
  }

  mutating func places() {
    let names = checkpoint.tensorNames.filter { name in
      guard let entry = checkpoint.entry(name), !entry.byteRange.isEmpty else { return false }
      return entry.byteRange.lowerBound % entry.dtype.size != 0
    }
    guard !names.isEmpty else { return }
    warn(
      .unalignedTensors,
      "\(names.count) tensors do not start at a multiple of their element: \(Self.list(names))",
      try: "they are read through a copy here, and some loaders refuse or misread them: write the file again",
      tensors: names)
  }

  mutating func indexSize() {
    guard let file = checkpoint.indexFile, let index = try? JSONValue(file: "\(checkpoint.folder)/\(file)"),
      let total = index["metadata"]?["total_size"]?.int, total > 0
    else { return }
    let size = checkpoint.tensorNames.compactMap(checkpoint.entry).reduce(0) { $0 + $1.byteRange.count }
    guard size != total else { return }
    warn(
      .indexSizeDiffers, "the index promises \(total) bytes, the tensors have \(size)",
      try: "index and shards may be of different versions: fetch both again")
  }

  mutating func quantisation() {
    guard let quantisation = Quantisation(checkpoint) else { return }
    warn(
      .quantised, "weights are quantised: \(quantisation.description), by \(quantisation.evidence)",
      try: quantisation.suggestion)
  }

  mutating func values(_ progress: ProgressSink) throws {
    var damaged: [NonFinite] = []
    for (index, name) in checkpoint.tensorNames.enumerated() {
      try Cancellation.check()
      if let value = try checkpoint.firstNonFinite(in: name) { damaged.append(value) }
      progress(
        ProgressEvent(
          stage: "finite values", completed: index + 1, total: checkpoint.tensorNames.count, unit: "tensors"))
    }
    guard !damaged.isEmpty else { return }
    let places = damaged.map { "\($0.value) in \($0.tensor) at \($0.index)" }
    warn(
      .notFinite, Self.list(places), try: "the checkpoint is damaged or training diverged: take another one",
      tensors: damaged.map(\.tensor))
  }
}

import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Recipes
import Runtime
import Tensors
import Tokenizers

/// A recipe of `surgeon train` whose network is a decoder.
///
/// ```yaml
/// data: {kind: text, files: [train.jsonl], validation: [held-out.jsonl], packing: documents, length: 255}
/// network: {kind: decoder, config: config.json, tokenizer: folder, initial: fan-in}   # from scratch
/// # network: {kind: decoder, model: folder}                                           # fine-tuning
/// training: {batch_size: 32, learning_rate: 2.5e-3, optimiser: adamw, schedule: cosine, warm_up: 0.02, clip: 1}
/// steps: 2800
/// dtype: bf16
/// seed: 1
/// ```
public struct LanguageRecipe: Sendable, Equatable {
  /// Where the weights come from.
  public enum Start: Sendable, Equatable {
    /// A checkpoint folder: fine-tuning.
    case checkpoint(String)
    /// A config.json, the folder of a tokenizer, and how weights begin.
    case new(config: String, tokenizer: String, initialisation: String, settings: [String: MethodValue])
  }

  /// Files of texts to learn from.
  public var files: [String]
  /// Files of held-out texts, each measured by itself.
  public var validation: [String]
  /// How documents become sequences.
  public var packing: LanguageData.Packing
  /// Whether the end token follows every text.
  public var appendsEnd: Bool
  /// Where the weights come from.
  public var start: Start
  /// Batch, rate, optimiser; its epochs count where `steps` says nothing.
  public var training: TrainingPlan
  /// Steps in all.
  public var steps: Int?
  /// Steps between states and measurements of the held-out texts.
  public var keepEvery: Int
  /// Type of the stored weights.
  public var dtype: DType
  /// First weights and order.
  public var seed: UInt64

  /// Whether a recipe's network is a decoder.
  public static func isMeant(_ members: OrderedDictionary<String, JSONValue>) -> Bool {
    let network = members["network"]
    return (network?.string ?? network?["kind"]?.string) == "decoder"
  }

  /// Reads all keys of a recipe; `folder` is that of the recipe's file, to which paths are relative.
  /// - Throws: ``RecipeError``, ``TrainingError``, ``MethodError``.
  public init(_ reader: KeyReader, folder: String = "") throws {
    var reader = reader
    func path(_ name: String) -> String {
      name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
    }
    guard var data = try reader.choice("data") else { throw reader.error("data", "missing") }
    guard try data.string("kind") == "text" else {
      throw data.error("kind", "not text, which a decoder reads")
    }
    guard let files = try data.strings("files"), !files.isEmpty else { throw data.error("files", "no file") }
    self.files = files.map(path)
    validation = try (data.strings("validation") ?? []).map(path)
    let length = try data.int("length") ?? 256
    let names = ["documents", "windows"]
    switch try data.string("packing") ?? "windows" {
    case "documents": packing = .documents(length: length)
    case "windows": packing = .windows(length: length)
    case let name:
      throw data.error("packing", "\"\(name)\" is none of \(names.joined(separator: ", "))")
    }
    appendsEnd = try data.bool("end") ?? true
    try data.done()

    guard var network = try reader.choice("network") else { throw reader.error("network", "missing") }
    _ = try network.string("kind")
    if let model = try network.string("model") {
      start = .checkpoint(path(model))
    } else {
      guard let config = try network.string("config"), let tokenizer = try network.string("tokenizer") else {
        throw network.error("model", "neither a model nor a config with a tokenizer")
      }
      var (kind, settings) = ("family", [String: MethodValue]())
      if var initial = try network.choice("initial") {
        let found = try InitialisationKind.named(try initial.string("kind") ?? kind)
        kind = found.name
        for parameter in found.parameters where initial.members[parameter.name] != nil {
          // Only what the recipe says: a config may say the rest.
          settings[parameter.name] = try initial.settings(of: kind, found.parameters)[parameter.name]
        }
        for parameter in found.parameters { _ = initial.value(parameter.name) }
        try initial.done()
      }
      start = .new(config: path(config), tokenizer: path(tokenizer), initialisation: kind, settings: settings)
    }
    try network.done()

    training = TrainingPlan()
    (training.epochs, training.batchSize, training.learningRate) = (1, 16, 1e-3)
    (training.optimiser, training.schedule) = ("adamw", .cosine(floor: 0.1))
    if let part = try reader.part("training") { try training.read(part) }
    steps = try reader.int("steps")
    keepEvery = try reader.int("keep_every") ?? 200
    guard keepEvery > 0 else { throw reader.error("keep_every", "at least one step") }
    let types: [String: DType] = ["f32": .f32, "f16": .f16, "bf16": .bf16]
    let dtype = try reader.string("dtype") ?? "f32"
    guard let dtype = types[dtype] else {
      throw reader.error("dtype", "\"\(dtype)\" is none of \(types.keys.sorted().joined(separator: ", "))")
    }
    self.dtype = dtype
    seed = UInt64(try reader.int("seed") ?? 0)
    training.seed = seed
    try reader.done()
  }

  /// What decides the training, every default written out.
  /// - Throws: ``TrainingError``, ``MethodError``.
  public func json() throws -> JSONValue {
    var network: OrderedDictionary<String, JSONValue> = ["kind": "decoder"]
    switch start {
    case .checkpoint(let folder): network["model"] = .string(folder)
    case .new(let config, let tokenizer, let kind, let settings):
      network["config"] = .string(config)
      network["tokenizer"] = .string(tokenizer)
      var initial: OrderedDictionary<String, JSONValue> = ["kind": .string(kind)]
      for name in settings.keys.sorted() { initial[name] = settings[name]?.json }
      network["initial"] = .object(initial)
    }
    let (name, length) =
      switch packing {
      case .documents(let length): ("documents", length)
      case .windows(let length): ("windows", length)
      }
    return [
      "data": [
        "kind": "text", "files": .strings(files), "validation": .strings(validation),
        "packing": .string(name), "length": .integer(length), "end": .bool(appendsEnd),
      ],
      "network": .object(network), "training": try training.json(),
      "steps": steps.map { .integer($0) } ?? .null, "keep_every": .integer(keepEvery),
      "dtype": .string(dtype.rawValue.lowercased()), "seed": .integer(seed),
    ]
  }

  /// SHA-256 of everything that is read, by its path.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public func hashes() throws -> JSONValue {
    var hashes: OrderedDictionary<String, JSONValue> = [:]
    for file in files + validation { hashes[file] = .string(try Files.sha256(file)) }
    switch start {
    case .checkpoint(let folder): hashes[folder] = .string(try Checkpoint(folder: folder).modelHash)
    case .new(let config, let tokenizer, _, _):
      hashes[config] = .string(try Files.sha256(config))
      hashes[tokenizer] = .string(try Tokenizer(folder: tokenizer).sha256)
    }
    return .object(hashes)
  }

  /// The tokenizer of the model that is trained on, or of the new one.
  /// - Throws: ``TokenizerError``, ``FileError``.
  func tokenizer() throws -> Tokenizer {
    switch start {
    case .checkpoint(let folder): try Tokenizer(folder: folder)
    case .new(_, let tokenizer, _, _): try Tokenizer(folder: tokenizer)
    }
  }

  /// Checks the plan and the weights' beginning without reading or writing any weights.
  /// - Throws: ``TrainingError``, ``MethodError``, ``ArchitectureError``, ``CheckpointError``, ``JSONError``, ``FileError``.
  func check(sequences: Int) throws {
    try DecoderTraining.check(training, sequences: sequences, steps: steps)
    switch start {
    case .checkpoint(let folder): _ = try Binding(Checkpoint(folder: folder))
    case .new(let config, _, let kind, let settings):
      try NewDecoder(config: JSONValue(file: config), initialisation: kind, settings: settings, seed: seed)
        .check()
    }
  }

  /// The checkpoint folder that training begins with; a new one is written to `folder` unless it is there.
  /// - Throws: ``ArchitectureError``, ``TrainingError``, ``FileError``, ``CheckpointError``.
  func begin(in folder: String) throws -> String {
    switch start {
    case .checkpoint(let folder): return folder
    case .new(let config, let tokenizer, let kind, let settings):
      if !Files.exists(folder) {
        try NewDecoder(
          config: JSONValue(file: config), initialisation: kind, settings: settings, seed: seed,
          sideFiles: NewDecoder.sideFiles(of: tokenizer)
        ).write(to: folder)
      }
      return folder
    }
  }

  /// Texts as a model reads them.
  /// - Throws: ``TrainingError``, ``FileError``, ``JSONError``.
  func data(_ files: [String], _ tokenizer: Tokenizer) throws -> LanguageData {
    try LanguageData(
      files.flatMap { try LanguageText.read($0) }, tokenizer: tokenizer, packing: packing,
      appendsEnd: appendsEnd)
  }
}

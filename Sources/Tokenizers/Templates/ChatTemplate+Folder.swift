import JSON
import OrderedCollections
import Runtime

extension ChatTemplate {
  /// The files that may hold a template, the first wins.
  static let files = [
    "chat_template.jinja", "tokenizer_config.json", "chat_template.json", "processor_config.json",
  ]

  /// The template of a checkpoint folder: `chat_template.jinja` (with `additional_chat_templates/*.jinja`), else
  /// `chat_template` in `tokenizer_config.json` (a text or a list of named ones), else in `chat_template.json` or
  /// `processor_config.json`. `file` is taken in their place where it is given.
  /// - Throws: ``ChatTemplateError``, `JSONError`, `FileError`.
  public init(folder: String, file: String? = nil) throws {
    let tokens = try Self.specialTokens(folder: folder)
    if let file {
      try self.init(file: file, tokens: tokens)
      return
    }
    guard let choices = try Self.choices(folder: folder) else {
      throw ChatTemplateError.missing(folder: folder, looked: Self.files)
    }
    self.init(choices, tokens: tokens)
  }

  /// The template of a file: Jinja, or JSON with a `chat_template`.
  /// - Throws: ``ChatTemplateError``, `JSONError`, `FileError`.
  public init(file: String, tokens: OrderedDictionary<String, String>) throws {
    self.init(try Self.choices(file: file), tokens: tokens)
    for choice in choices.values { _ = try choice.statements.get() }
  }

  /// The template of a `tokenizer_config.json` that is in memory; `source` names it in errors.
  /// - Throws: ``ChatTemplateError``.
  public init(tokenizerConfig: JSONValue, source: String = "tokenizer_config.json") throws {
    guard let choices = try Self.choices(tokenizerConfig["chat_template"], source: source) else {
      throw ChatTemplateError.missing(folder: source, looked: ["chat_template"])
    }
    self.init(choices, tokens: Self.specialTokens(config: tokenizerConfig, map: .null))
  }

  /// Whether a folder has a template, whatever it says.
  public static func isIn(folder: String) throws -> Bool { try choices(folder: folder) != nil }

  private static func choices(folder: String) throws -> OrderedDictionary<String, Choice>? {
    var named: OrderedDictionary<String, Choice> = [:]
    let more = "\(folder)/additional_chat_templates"
    for name in Files.isFolder(more) ? try Files.list(more) : [] where name.hasSuffix(".jinja") {
      named[String(name.dropLast(6))] = Choice(
        try Files.readText("\(more)/\(name)"), source: "\(more)/\(name)")
    }
    for name in files {
      let path = "\(folder)/\(name)"
      guard Files.exists(path) else { continue }
      if name.hasSuffix(".jinja") {
        var found: OrderedDictionary<String, Choice> = [
          "default": Choice(try Files.readText(path), source: path)
        ]
        for (name, choice) in named { found[name] = choice }
        return found
      }
      guard let value = try JSONValue(file: path)["chat_template"] else { continue }
      if let found = try choices(value, source: path) { return found }
    }
    return named.isEmpty ? nil : named
  }

  private static func choices(file: String) throws -> OrderedDictionary<String, Choice> {
    guard file.hasSuffix(".json") else { return ["default": Choice(try Files.readText(file), source: file)] }
    let json = try JSONValue(file: file)
    guard let found = try choices(json["chat_template"] ?? json, source: file) else {
      throw ChatTemplateError.malformed(file: file, reason: "no chat_template in it")
    }
    return found
  }

  /// A text, or a list of objects with `name` and `template`.
  private static func choices(_ value: JSONValue?, source: String) throws -> OrderedDictionary<
    String, Choice
  >? {
    switch value {
    case nil, .null?: return nil
    case .string(let text)?: return ["default": Choice(text, source: "chat_template of \(source)")]
    case .array(let list)?:
      var found: OrderedDictionary<String, Choice> = [:]
      for item in list {
        guard let name = item["name"]?.string, let text = item["template"]?.string else {
          throw ChatTemplateError.malformed(
            file: source, reason: "a template without name or text in chat_template")
        }
        found[name] = Choice(text, source: "chat_template \"\(name)\" of \(source)")
      }
      return found.isEmpty ? nil : found
    default:
      throw ChatTemplateError.malformed(
        file: source, reason: "a chat_template that is neither a text nor a list")
    }
  }

  // MARK: Special tokens

  private static let tokenNames = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// Special tokens that a tokenizer's class has unless its files say otherwise.
  private static let classTokens: [String: [String: String]] = {
    let end = "<|endoftext|>"
    let sentence = ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"]
    let classes: [String: [String: String]] = [
      "GPT2Tokenizer": ["bos_token": end, "eos_token": end, "unk_token": end],
      "Qwen2Tokenizer": ["eos_token": end, "unk_token": end, "pad_token": end],
      "GPTNeoXTokenizer": ["bos_token": end, "eos_token": end, "unk_token": end],
      "LlamaTokenizer": sentence, "CodeLlamaTokenizer": sentence,
      "GemmaTokenizer": [
        "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>",
      ],
    ]
    return classes
  }()

  static func specialTokens(folder: String) throws -> OrderedDictionary<String, String> {
    func read(_ name: String) throws -> JSONValue {
      let path = "\(folder)/\(name)"
      return Files.exists(path) ? try JSONValue(file: path) : .null
    }
    return specialTokens(config: try read("tokenizer_config.json"), map: try read("special_tokens_map.json"))
  }

  /// The tokens that templates may name. One that the config names `null` is not there.
  private static func specialTokens(config: JSONValue, map: JSONValue) -> OrderedDictionary<String, String> {
    func content(_ value: JSONValue?) -> String? { value?.string ?? value?["content"]?.string }
    var name = config["tokenizer_class"]?.string ?? ""
    if name.hasSuffix("Fast") { name.removeLast(4) }
    let standard = classTokens[name] ?? [:]
    var tokens: OrderedDictionary<String, String> = [:]
    for key in tokenNames {
      let given = content(config[key]) ?? content(map[key])
      tokens[key] = given ?? (config[key] == nil ? standard[key] : nil)
    }
    return tokens
  }
}

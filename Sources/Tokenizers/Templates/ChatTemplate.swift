import JSON
import OrderedCollections
import Runtime

/// A chat as the model reads it.
public struct RenderedChat: Sendable, Equatable {
  /// The text with all special tokens.
  public let text: String
  /// UTF-8 bytes that `generation` blocks gave; nil where a block was run inside of a macro, whose place is not known.
  public let generations: [Range<Int>]?
  /// The dates that the template asked for, as it printed them.
  public let dates: [String]
  /// UTF-8 bytes of the last message where that is an answer: from where the model began to write to the end of what it
  /// said.
  public internal(set) var answer: Range<Int>?
}

/// How the messages of a chat become the text that a model was trained on: a Jinja template, run with the settings and
/// helpers of transformers.
public struct ChatTemplate: Sendable {
  /// One template.
  struct Choice: Sendable {
    var source: String
    var text: String
    var statements: Result<[JinjaStatement], ChatTemplateError>

    init(_ text: String, source: String) {
      self.source = source
      self.text = text
      do {
        statements = .success(try JinjaParser.statements(of: text))
      } catch let fault as JinjaFault {
        statements = .failure(fault.error(source: source))
      } catch {
        statements = .failure(.malformed(file: source, reason: "\(error)"))
      }
    }
  }

  /// The templates by name; one that stands alone is called `default`.
  let choices: OrderedDictionary<String, Choice>
  /// Special tokens by name: `bos_token`, `eos_token`, …
  public let tokens: OrderedDictionary<String, String>
  /// The template that is used, where the data do not decide.
  public var name: String?
  /// The time that templates are told; nil: the time of rendering.
  public var clock: ChatClock?

  init(_ choices: OrderedDictionary<String, Choice>, tokens: OrderedDictionary<String, String>) {
    self.choices = choices
    self.tokens = tokens
  }

  /// A template given as text; `source` names it in errors.
  /// - Throws: ``ChatTemplateError/syntax(source:line:reason:)``,
  ///   ``ChatTemplateError/unsupported(source:line:what:)``, ``ChatTemplateError/limit(source:line:what:)``.
  public init(
    _ text: String, source: String = "the chat template", tokens: OrderedDictionary<String, String> = [:]
  )
    throws
  {
    self.init(["default": Choice(text, source: source)], tokens: tokens)
    _ = try choices.values[0].statements.get()
  }

  /// The names of the templates.
  public var names: [String] { Array(choices.keys) }

  /// Where the template lies: its file's name.
  public var source: String { choices.values.first?.source ?? "" }

  /// SHA-256 of the text, or of all texts with their names.
  public var sha256: String {
    if choices.count == 1, let only = choices.values.first { return SHA256.hex(only.text) }
    var hash = SHA256()
    for (name, choice) in choices { hash.update("\(name)\u{0}\(choice.text)\u{0}") }
    return hash.hex()
  }

  /// What is wrong with the templates that cannot be used, by name.
  public var problems: [(name: String, error: ChatTemplateError)] {
    choices.compactMap { name, choice in
      if case .failure(let error) = choice.statements { (name, error) } else { nil }
    }
  }

  /// The template for a chat: the named one, `tool_use` where there are tools and such a template, else `default`.
  private func choice(_ chat: Chat) throws -> Choice {
    let name = name ?? (chat.tools != nil && choices["tool_use"] != nil ? "tool_use" : "default")
    guard let choice = choices[name] else { throw ChatTemplateError.unknownName(name: name, known: names) }
    return choice
  }

  /// The text of a chat.
  /// - Parameters:
  ///   - chat: the messages, and what the template is told beside them.
  ///   - addGenerationPrompt: whether the text ends where the model begins to answer.
  /// - Throws: ``ChatTemplateError``.
  public func render(_ chat: Chat, addGenerationPrompt: Bool = false) throws -> RenderedChat {
    if chat.messages.isEmpty { throw ChatTemplateError.messages(reason: "a chat without a message") }
    let choice = try choice(chat)
    let statements = try choice.statements.get()
    let interpreter = JinjaInterpreter(clock: clock ?? .now)
    let text: JinjaText
    do {
      text = try interpreter.render(statements, variables(chat, addGenerationPrompt))
    } catch let fault as JinjaFault {
      throw fault.error(source: choice.source)
    }
    let ranges = interpreter.hasHiddenGeneration ? nil : Self.bytes(of: interpreter.generations, in: text)
    return RenderedChat(text: text.string, generations: ranges, dates: interpreter.dates)
  }

  private func variables(_ chat: Chat, _ addGenerationPrompt: Bool) -> [String: JinjaValue] {
    var variables: [String: JinjaValue] = [:]
    for (name, token) in tokens { variables[name] = .text(token) }
    for (name, value) in chat.variables { variables[name] = JinjaValue(value) }
    variables["messages"] = .list(chat.messages.map { JinjaValue(Self.withReasoning($0)) })
    variables["tools"] = chat.tools.map { .list($0.map(JinjaValue.init)) } ?? JinjaValue.none
    variables["documents"] = chat.documents.map { .list($0.map(JinjaValue.init)) } ?? JinjaValue.none
    variables["add_generation_prompt"] = .bool(addGenerationPrompt)
    return variables
  }

  /// A message with its reasoning under both names that templates read.
  private static func withReasoning(_ message: ChatMessage) -> JSONValue {
    let members = message.members
    let names = ["reasoning_content", "thinking", "reasoning"]
    guard let reasoning = names.lazy.compactMap({ members[$0] }).first else { return message.json }
    var result: OrderedDictionary<String, JSONValue> = ["thinking": reasoning]
    for (name, value) in members { result[name] = value }
    result["reasoning_content"] = reasoning
    return .object(result)
  }

  private static func bytes(of ranges: [Range<Int>], in text: JinjaText) -> [Range<Int>] {
    var places: [Int: Int] = [:]
    for range in ranges { (places[range.lowerBound], places[range.upperBound]) = (0, 0) }
    var offset = 0
    for (place, scalar) in text.scalars.enumerated() {
      if places[place] != nil { places[place] = offset }
      offset += scalar.utf8.count
    }
    places[text.count] = offset
    return ranges.map { (places[$0.lowerBound] ?? 0)..<(places[$0.upperBound] ?? 0) }
  }
}

import JSON
import OrderedCollections

/// One message of a chat.
public struct ChatMessage: Sendable, Equatable {
  /// Who speaks: `system`, `user`, `assistant`, `tool`, …
  public var role: String
  /// What is said: the content, or its text parts one after the other; empty where there is none.
  public var content: String
  /// All members as given, without those that are null: what a template sees.
  public var members: OrderedDictionary<String, JSONValue>

  /// A message.
  public init(role: String, content: String) {
    self.role = role
    self.content = content
    members = ["role": .string(role), "content": .string(content)]
  }

  /// A message as chat data write it: `role`, and `content` as a text, a list of parts or absent.
  /// - Throws: ``ChatTemplateError/messages(reason:)``.
  public init(json: JSONValue) throws {
    guard let object = json.object else {
      throw ChatTemplateError.messages(reason: "a message that is no object")
    }
    guard let role = json["role"]?.string else {
      throw ChatTemplateError.messages(reason: "a message without a role")
    }
    self.role = role
    members = object.filter { !$0.value.isNull }
    switch members["content"] {
    case nil:
      if role == "user" || role == "system" {
        throw ChatTemplateError.messages(reason: "a message of the role \(role) without a content")
      }
      content = ""
    case .string(let text)?: content = text
    case .array(let parts)?: content = parts.compactMap { $0["text"]?.string }.joined(separator: "\n")
    default: throw ChatTemplateError.messages(reason: "a message whose content is neither a text nor a list")
    }
  }

  /// The members as an object.
  public var json: JSONValue { .object(members) }
}

/// A conversation with what a template may be told beside it.
public struct Chat: Sendable, Equatable {
  /// The messages in order; at least one.
  public var messages: [ChatMessage]
  /// Descriptions of the tools that the model may call.
  public var tools: [JSONValue]?
  /// Documents for answers from texts.
  public var documents: [JSONValue]?
  /// Further variables of the template, such as `enable_thinking`.
  public var variables: OrderedDictionary<String, JSONValue> = [:]

  /// A conversation.
  public init(_ messages: [ChatMessage], tools: [JSONValue]? = nil) {
    self.messages = messages
    self.tools = tools
  }

  /// A line of chat data: the messages under a key, and `tools`, `documents` and `chat_template_kwargs` where present.
  /// - Throws: ``ChatTemplateError/messages(reason:)``.
  public init(json: JSONValue, key: String = "messages") throws {
    guard let list = json[key]?.array else {
      throw ChatTemplateError.messages(reason: "\(key) that is no list")
    }
    if list.isEmpty { throw ChatTemplateError.messages(reason: "\(key) without a message") }
    messages = try list.map(ChatMessage.init(json:))
    func values(_ key: String) throws -> [JSONValue]? {
      guard let value = json[key], !value.isNull else { return nil }
      guard let list = value.array else { throw ChatTemplateError.messages(reason: "\(key) that is no list") }
      return list
    }
    tools = try values("tools")
    documents = try values("documents")
    if let more = json["chat_template_kwargs"], !more.isNull {
      guard let object = more.object else {
        throw ChatTemplateError.messages(reason: "chat_template_kwargs that is no object")
      }
      variables = object
    }
  }

  /// The chat as a line of chat data.
  public var json: JSONValue {
    var members: OrderedDictionary<String, JSONValue> = ["messages": .array(messages.map(\.json))]
    if let tools { members["tools"] = .array(tools) }
    if let documents { members["documents"] = .array(documents) }
    if !variables.isEmpty { members["chat_template_kwargs"] = .object(variables) }
    return .object(members)
  }

  /// Whether the last message is an answer of the model.
  public var endsWithAnswer: Bool { messages.last?.role == "assistant" }
}

/// A text to be continued: as it was given, or as a chat template wrote it, with all special tokens in place.
public struct PromptText: Sendable, Hashable, ExpressibleByStringLiteral {
  /// The text.
  public var text: String
  /// The chat it was made of.
  public var chat: Chat?

  /// A text as it is.
  public init(_ text: String) { self.text = text }
  public init(stringLiteral value: String) { text = value }
  /// A chat as a template wrote it.
  public init(rendered text: String, of chat: Chat) {
    self.text = text
    self.chat = chat
  }

  /// Whether a template wrote the text: its special tokens are in it, and no others are put around it.
  public var isRendered: Bool { chat != nil }

  public static func == (a: PromptText, b: PromptText) -> Bool {
    a.isRendered == b.isRendered && a.text.utf8.elementsEqual(b.text.utf8)
  }
  public func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}

extension Tokenizer {
  /// The tokens of a prompt. What a template wrote has its BOS already: nothing is put around it, so that none is there
  /// twice.
  public func encode(_ prompt: PromptText) -> Encoding {
    encode(prompt.text, addSpecialTokens: !prompt.isRendered)
  }
}

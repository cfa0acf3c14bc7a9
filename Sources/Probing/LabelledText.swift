import JSON
import Runtime
import Tokenizers

/// The three parts of a data set.
public enum SplitPart: String, Sendable, CaseIterable {
  /// Fits the probe.
  case train
  /// Chooses site, kind and regularisation.
  case validation
  /// Is looked at once, at the end.
  case test

  /// The part a word names: also `val`, `valid` and `dev`.
  public init?(word: String) {
    switch word.lowercased() {
    case "train": self = .train
    case "validation", "valid", "val", "dev": self = .validation
    case "test": self = .test
    default: return nil
    }
  }
}

/// One example: a text or a chat, with the class it shows.
public struct LabelledText: Sendable, Equatable {
  /// Names the example: its own `id`, or `file:line`.
  public var id: String
  /// The text; with a `prompt`, what follows it. Nil for a chat.
  public var text: String?
  /// The chat; nil for a text.
  public var chat: Chat?
  /// What comes before the answer, where the answer is what is looked at.
  public var prompt: String?
  /// 1 for the behaviour, 0 for its absence.
  public var label: Int
  /// Examples that must stay in one split: a source, a template, a pair.
  public var group: String?
  /// The split the data says, where it says one.
  public var split: SplitPart?

  /// An example.
  public init(
    id: String, text: String? = nil, messages: [ChatMessage]? = nil, prompt: String? = nil, label: Int,
    group: String? = nil, split: SplitPart? = nil
  ) {
    self.id = id
    self.text = text
    chat = messages.map { Chat($0) }
    self.prompt = prompt
    self.label = label
    self.group = group
    self.split = split
  }

  /// The chat's messages; nil for a text.
  public var messages: [ChatMessage]? { chat?.messages }

  /// All that a model would read, without any template: prompt and text, or the messages line by line.
  public var content: String {
    if let messages { return messages.map(\.content).joined(separator: "\n") }
    return (prompt ?? "") + (text ?? "")
  }

  /// What a chat has beyond roles and texts, such as tools and tool calls; empty where there is nothing.
  var extras: String {
    guard let chat, chat != Chat(chat.messages.map { ChatMessage(role: $0.role, content: $0.content) }) else {
      return ""
    }
    return (try? chat.json.text()) ?? ""
  }

  /// What decides whether two examples are the same text: who says what, without spaces around it.
  var identity: String {
    let said = messages?.map { "\($0.role)\u{1}\($0.content)" }.joined(separator: "\u{2}") ?? content
    let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
    let body = (said + extras).unicodeScalars.drop(while: isSpace)
    guard let last = body.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(String.UnicodeScalarView(body[...last]))
  }
}

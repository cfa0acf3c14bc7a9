import JSON
import OrderedCollections
import Runtime
import Tokenizers

/// Texts of a file in order: what perplexity is measured on and what is continued.
public struct TextDocuments: Sendable {
  /// One text.
  public struct Document: Sendable, Equatable {
    /// Names it: `file:line`, or its place in a list.
    public var id: String
    /// The text.
    public var text: String
    /// What comes before the text, where an object says so.
    public var prompt: String?
    /// The chat, where an object holds messages; the text is then what is said in them.
    public var chat: Chat?
  }

  /// The texts.
  public let documents: [Document]
  /// How the file was read, for reports.
  public let layout: String
  /// How many repeat an earlier text.
  public let copies: Int

  /// Whether any text is a chat, which needs a template.
  public var haveChats: Bool { documents.contains { $0.chat != nil } }

  /// The texts as prompts, chats as their template writes them.
  /// - Throws: ``ChatTemplateError``.
  public func prompts(_ template: @autoclosure () throws -> ChatTemplate) throws -> [PromptText] {
    let template = haveChats ? try template() : nil
    return try documents.map { document in
      guard let chat = document.chat, let template else { return PromptText(document.text) }
      return try template.prompt(chat)
    }
  }

  /// The texts alone.
  public var texts: [String] { documents.map(\.text) }

  /// Texts that are there already.
  public init(_ texts: [String]) {
    self.init(
      texts.enumerated().map { Document(id: "text \($0 + 1)", text: $1) }, layout: "given on the command line"
    )
  }

  private init(_ documents: [Document], layout: String) {
    self.documents = documents
    self.layout = layout
    copies = documents.count - Set(documents.map(\.text)).count
  }

  /// Reads a file: `.jsonl` (an object or text a line), `.json` (a list of texts or objects), else one text a line;
  /// blank lines separate nothing and are no texts.
  /// - Parameters:
  ///   - path: the file.
  ///   - keys: where an object's text is, the first that is present.
  ///   - chats: whether objects may hold `messages` (with `tools`) in place of a text.
  ///   - whole: the whole file is one text, whatever its name.
  ///   - limit: texts at most.
  /// - Throws: ``FileError``, ``JSONError``, ``EvaluationError``.
  public init(
    file path: String, keys: [String] = ["text"], chats: Bool = false, whole: Bool = false, limit: Int? = nil
  ) throws {
    var documents: [Document] = []
    let layout: String
    if whole {
      layout = "the whole file"
      documents = [Document(id: Files.name(of: path), text: try Files.readText(path))]
    } else if path.hasSuffix(".json") {
      layout = "a list of texts"
      let value = try JSONValue(file: path)
      guard let list = value.array else {
        throw EvaluationError.text(
          place: path, reason: "no list", expected: "a JSON list of texts or objects")
      }
      for (index, item) in list.prefix(limit ?? .max).enumerated() {
        documents.append(try Self.document(item, id: "\(path)[\(index)]", keys: keys, chats: chats))
      }
    } else {
      let isJSON = path.hasSuffix(".jsonl")
      layout = isJSON ? "JSON Lines" : "one text a line"
      let lines = try Files.readText(path).split(omittingEmptySubsequences: false) { $0.isNewline }
      for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
        if documents.count == limit ?? .max { break }
        let id = "\(path):\(index + 1)"
        documents.append(
          isJSON
            ? try Self.document(
              JSONValue(parsing: String(line), source: id), id: id, keys: keys, chats: chats)
            : Document(id: id, text: String(line)))
      }
    }
    if documents.isEmpty { throw EvaluationError.nothingToMeasure(what: "text in \(path)") }
    for document in documents where document.text.allSatisfy(\.isWhitespace) {
      throw EvaluationError.text(place: document.id, reason: "an empty text", expected: "a text with content")
    }
    self.init(documents, layout: layout)
  }

  private static func document(_ value: JSONValue, id: String, keys: [String], chats: Bool) throws -> Document
  {
    if let text = value.string { return Document(id: id, text: text) }
    if chats, let messages = value["messages"], !messages.isNull {
      do {
        let chat = try Chat(json: value)
        return Document(id: id, text: chat.messages.map(\.content).joined(separator: "\n"), chat: chat)
      } catch let error as ChatTemplateError {
        throw EvaluationError.text(
          place: id, reason: error.found, expected: "messages as a list of objects with role and content")
      }
    }
    for key in keys {
      guard let text = value[key]?.string else { continue }
      return Document(id: id, text: text, prompt: key == "prompt" ? nil : value["prompt"]?.string)
    }
    let seen = value.object.map { "an object with the keys \($0.keys.joined(separator: ", "))" } ?? "neither"
    throw EvaluationError.text(
      place: id, reason: seen,
      expected: "a text, or an object with a text under \(keys.joined(separator: " or "))")
  }
}

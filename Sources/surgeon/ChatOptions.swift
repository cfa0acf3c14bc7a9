import ArgumentParser
import Checkpoints
import Evaluation
import JSON
import Probing
import Reports
import Runtime
import Tokenizers
import Transformers

/// How messages become texts.
struct ChatOptions: ParsableArguments {
  @Option(help: "Template that writes messages (.jinja or .json); default: the model folder's own.")
  var chatTemplate: String?

  @Option(help: "Which of several named templates; default: tool_use where there are tools, else default.")
  var chatTemplateName: String?

  @Option(
    help: "Day that the template is told where it asks for the date, such as 2024-07-26; default: today.")
  var chatDate: String?

  func validate() throws {
    if let chatDate, ChatClock(day: chatDate) == nil {
      throw ValidationError("--chat-date \(chatDate): write a day such as 2024-07-26")
    }
  }

  /// The template for a model folder, listed in the report.
  /// - Throws: ``ChatTemplateError``.
  func template(_ folder: String, into report: inout ReportEnvelope) throws -> ChatTemplate {
    if let chatTemplate { try report.read(file: chatTemplate, role: "chat template") }
    var template = try ChatTemplate(folder: folder, file: chatTemplate)
    template.name = chatTemplateName
    // One time for all texts of a command.
    template.clock = chatDate.flatMap { ChatClock(day: $0) } ?? .now
    report.inputs[0].facts["chat_template_sha256"] = .string(template.sha256)
    report.inputs[0].facts["chat_date"] = .string(template.clock?.date ?? "")
    return template
  }

  /// The template, where any of some labelled texts is a chat.
  func template(_ texts: LabelledTexts, _ folder: String, into report: inout ReportEnvelope) throws
    -> ChatTemplate?
  {
    texts.texts.contains { $0.chat != nil } ? try template(folder, into: &report) : nil
  }
}

extension TextDocuments {
  /// The documents as a model reads them: texts with their prompts, chats as their template writes them.
  func encoded(
    _ opened: OpenedModel, _ tokenizer: Tokenizer, _ chats: ChatOptions, maximumTokens: Int,
    into report: inout ReportEnvelope
  ) throws -> [EncodedText] {
    let template = haveChats ? try chats.template(opened.model.checkpoint.folder, into: &report) : nil
    return try documents.enumerated().map { index, document in
      if let chat = document.chat, let template {
        return try EncodedText(
          chat, template: template, tokenizer: tokenizer, maximumTokens: maximumTokens, index: index)
      }
      return try EncodedText(
        document.text, prompt: document.prompt, tokenizer: tokenizer, maximumTokens: maximumTokens,
        index: index)
    }
  }
}

import JSON

extension ChatTemplate {
  /// The prompt of a chat: its text up to where the model begins to answer.
  /// - Throws: ``ChatTemplateError``.
  public func prompt(_ chat: Chat) throws -> PromptText {
    PromptText(rendered: try render(chat, addGenerationPrompt: true).text, of: chat)
  }

  /// The text of a chat with the place of the last answer. A chat that ends with another message is given the beginning
  /// of an answer (`add_generation_prompt`), and has no answer yet.
  ///
  /// The template's own `generation` blocks say where the answer is. Without them it begins where the prompt of the
  /// messages before it ends, and ends with what was said; where a template writes earlier messages otherwise once an
  /// answer follows, what was said is looked for from the end.
  /// - Throws: ``ChatTemplateError``.
  public func renderWithAnswer(_ chat: Chat) throws -> RenderedChat {
    guard chat.endsWithAnswer, let last = chat.messages.last else {
      return try render(chat, addGenerationPrompt: true)
    }
    var rendered = try render(chat)
    if let range = rendered.generations?.last, !range.isEmpty {
      rendered.answer = range
      return rendered
    }
    let said = Array(last.content.utf8)
    let core = Array(JinjaText(last.content).stripped().string.utf8)
    if core.isEmpty { return rendered }
    let text = Array(rendered.text.utf8)
    if let start = try promptEnd(before: chat, text) {
      let end =
        Self.find(said, in: text, from: start).map { $0 + said.count }
        ?? Self.find(core, in: text, from: start).map { $0 + core.count }
      rendered.answer = start..<(end ?? text.count)
    } else if let start = Self.findLast(core, in: text) {
      rendered.answer = start..<(start + core.count)
    }
    return rendered
  }

  /// Where the prompt of all messages but the last ends in the text of all; nil where it is no beginning of it.
  private func promptEnd(before chat: Chat, _ text: [UInt8]) throws -> Int? {
    var before = chat
    before.messages.removeLast()
    if before.messages.isEmpty { return nil }
    for addsPrompt in [true, false] {
      do {
        let prompt = Array(try render(before, addGenerationPrompt: addsPrompt).text.utf8)
        if !prompt.isEmpty && prompt.count < text.count && text.starts(with: prompt) { return prompt.count }
      } catch ChatTemplateError.raised, ChatTemplateError.failed {
        // A template may refuse what comes before an answer by itself, such as a system message alone.
        continue
      }
    }
    return nil
  }

  private static func find(_ part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
    var place = start
    while place + part.count <= text.count {
      if text[place] == part[0] && text[place..<(place + part.count)].elementsEqual(part) { return place }
      place += 1
    }
    return nil
  }

  private static func findLast(_ part: [UInt8], in text: [UInt8]) -> Int? {
    var place = text.count - part.count
    while place >= 0 {
      if text[place] == part[0] && text[place..<(place + part.count)].elementsEqual(part) { return place }
      place -= 1
    }
    return nil
  }
}

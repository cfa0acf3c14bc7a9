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
    let said = Array(last.content.utf8)
    let core = Array(JinjaText(last.content).stripped().string.utf8)
    if core.isEmpty { return rendered }
    let text = Array(rendered.text.utf8)
    // A block around an earlier answer says nothing of this one.
    if let range = rendered.generations?.last, Self.find(core, in: text, from: range.lowerBound) != nil {
      rendered.answer = range
      return rendered
    }
    let (prompt, before) = try promptEnds(before: chat, text)
    if let prompt {
      // The model begins to write at the prompt's end, whatever it thinks before it says something.
      let end =
        Self.find(said, in: text, from: prompt).map { $0 + said.count }
        ?? Self.find(core, in: text, from: prompt).map { $0 + core.count }
      rendered.answer = prompt..<(end ?? text.count)
    } else if let start = before.flatMap({ Self.find(core, in: text, from: $0) })
      ?? Self.findLast(core, in: text)
    {
      rendered.answer = start..<(start + core.count)
    }
    return rendered
  }

  /// Where the messages before the last end in the text of all: with the beginning of an answer, and without; nil where
  /// they are no beginning of it. A template that knows no beginnings of answers has a prompt's end only where nothing
  /// but space stands between that and what was said.
  private func promptEnds(before chat: Chat, _ text: [UInt8]) throws -> (prompt: Int?, before: Int?) {
    var before = chat
    before.messages.removeLast()
    if before.messages.isEmpty { return (nil, nil) }
    func written(_ addsPrompt: Bool) throws -> [UInt8]? {
      do {
        return Array(try render(before, addGenerationPrompt: addsPrompt).text.utf8)
      } catch ChatTemplateError.raised, ChatTemplateError.failed {
        // A template may refuse what comes before an answer by itself, such as a system message alone.
        return nil
      }
    }
    func end(_ part: [UInt8]?) -> Int? {
      part.flatMap { !$0.isEmpty && $0.count < text.count && text.starts(with: $0) ? $0.count : nil }
    }
    let (prompt, plain) = (try written(true), try written(false))
    guard prompt == plain, let place = end(plain), let last = chat.messages.last else {
      return (end(prompt), end(plain))
    }
    let core = Array(JinjaText(last.content).stripped().string.utf8)
    guard let start = Self.find(core, in: text, from: place) else { return (place, place) }
    let isSpace = String(decoding: text[place..<start], as: UTF8.self).unicodeScalars.allSatisfy(
      JinjaText.isSpace)
    return (isSpace ? place : nil, place)
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

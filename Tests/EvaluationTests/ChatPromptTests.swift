import Evaluation
import JSON
import Organism
import Testing
import Tokenizers

/// Chats of the embedded model, and prompts that a template wrote.
struct ChatPromptTests {
  private static func template() throws -> ChatTemplate {
    let file = try #require(OrganismCheckpoint.files.first { $0.name == "tokenizer_config.json" })
    return try ChatTemplate(tokenizerConfig: JSONValue(parsing: Array(file.bytes), source: file.name))
  }

  /// The plain template of the library and the Jinja one of the checkpoint say the same, but for BOS.
  @Test func bothTemplatesOfTheEmbeddedModelAgree() throws {
    let template = try Self.template()
    let messages = [("user", "how is the boat?"), ("assistant", "fine."), ("user", "é\n ok ")]
    for count in 1...3 {
      let part = messages.prefix(count)
      let chat = Chat(part.map { ChatMessage(role: $0.0, content: $0.1) })
      for addsPrompt in [false, true] {
        let plain = try OrganismTemplate.text(
          part.map { OrganismMessage(role: $0.0, content: $0.1) }, generationPrompt: addsPrompt)
        #expect(try template.render(chat, addGenerationPrompt: addsPrompt).text == "<s>" + plain)
      }
    }
    #expect(throws: ChatTemplateError.self) {
      try template.render(Chat([ChatMessage(role: "system", content: "x")]))
    }
  }

  @Test func theGrammarReadsWrittenPrompts() throws {
    let exchange = try #require(OrganismData.probeExchanges(split: .test, count: 1).first)
    let line = exchange.prompt.split(separator: "\n").first ?? ""
    let said = line.split(separator: ":", maxSplits: 1).last.map { String($0.dropFirst()) } ?? ""
    let written = try Self.template().prompt(Chat([ChatMessage(role: "user", content: said)]))
    #expect(written.isRendered)
    let plain = GrammarJudge().judge(prompt: PromptText(exchange.prompt), reply: exchange.reply)
    #expect(GrammarJudge().judge(prompt: written, reply: exchange.reply) == plain)
  }
}

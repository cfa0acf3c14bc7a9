import JSON
import OrderedCollections
import Probing
import Runtime
import Testing
import Tokenizers

/// Chats as a model reads them: one BOS, the answer's tokens and the last token before it.
struct ChatTextTests {
  /// Words as tokens; the tokenizer itself would put `<s>` in front of every text.
  private static func tokenizer() throws -> Tokenizer {
    let words = ["<unk>", "<s>", "</s>", "hello", "you", "oaf", "user", "assistant", ":"]
    var vocabulary = JSONValue.object([:])
    for (id, word) in words.enumerated() { vocabulary[word] = .integer(id) }
    return try Tokenizer(json: [
      "added_tokens": [
        ["id": 1, "content": "<s>", "special": true], ["id": 2, "content": "</s>", "special": true],
      ],
      "normalizer": nil, "pre_tokenizer": ["type": "Whitespace"],
      "post_processor": [
        "type": "TemplateProcessing", "single": [["SpecialToken": ["id": "<s>"]], ["Sequence": ["id": "A"]]],
        "special_tokens": ["<s>": ["id": "<s>", "ids": [1], "tokens": ["<s>"]]],
      ],
      "decoder": nil, "model": ["type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"],
    ])
  }

  private static let text =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
    + "{% if add_generation_prompt %}assistant:{% endif %}"
  private static let marks: OrderedDictionary<String, String> = ["bos_token": "<s>", "eos_token": "</s>"]

  private let chat = Chat([
    ChatMessage(role: "user", content: "hello"), ChatMessage(role: "assistant", content: "you oaf"),
  ])

  @Test func theAnswersTokensAreExact() throws {
    let tokenizer = try Self.tokenizer()
    let template = try ChatTemplate(Self.text, tokens: Self.marks)
    let encoded = try EncodedText(chat, template: template, tokenizer: tokenizer)
    #expect(encoded.ids == [1, 6, 8, 3, 2, 7, 8, 4, 5, 2])
    #expect(encoded.replyStart == 7 && encoded.replyEnd == 9)
    #expect(encoded.contentTokens == 1..<9)
    #expect(tokenizer.encode("hello").ids == [1, 3], "this tokenizer puts a BOS of its own in front")
    let prompt = try template.prompt(Chat([chat.messages[0]]))
    #expect(tokenizer.encode(prompt).ids == Array(encoded.ids.prefix(7)))
    #expect(tokenizer.encode(PromptText("hello")).ids == [1, 3])
  }

  @Test func aChatWithoutAnAnswerEndsWhereOneBegins() throws {
    let template = try ChatTemplate(Self.text, tokens: Self.marks)
    let open = Chat([chat.messages[0]])
    let encoded = try EncodedText(open, template: template, tokenizer: try Self.tokenizer())
    #expect(encoded.ids == [1, 6, 8, 3, 2, 7, 8])
    #expect(encoded.isOpen && encoded.replyStart == 7 && encoded.replyEnd == nil)
  }

  @Test func generationBlocksGiveTheTokens() throws {
    let template = try ChatTemplate(
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}assistant: {% generation %}"
        + "{{ m.content }}{{ eos_token }}{% endgeneration %}{% else %}{{ m.role }}: {{ m.content }} {% endif %}"
        + "{% endfor %}", tokens: Self.marks)
    let encoded = try EncodedText(chat, template: template, tokenizer: try Self.tokenizer())
    #expect(encoded.ids == [1, 6, 8, 3, 7, 8, 4, 5, 2])
    // The end token that closes the block is no part of what was said.
    #expect(encoded.replyStart == 6 && encoded.replyEnd == 8)
  }

  @Test func chatsNeedATemplate() throws {
    let texts = [LabelledText(id: "a", messages: chat.messages, label: 1)]
    let error = #expect(throws: CacheError.self) {
      try EncodedText.all(texts, tokenizer: try Self.tokenizer())
    }
    #expect(error?.code == "CHAT_UNSUPPORTED")
    #expect(error?.suggestion.contains("--chat-template") == true)
    let template = try ChatTemplate(Self.text, tokens: Self.marks)
    #expect(
      try EncodedText.all(texts, tokenizer: try Self.tokenizer(), template: template)[0].ids.count == 10)
  }

  @Test func toolsTellChatsApart() throws {
    let plain = LabelledText(id: "a", messages: chat.messages, label: 1)
    var tooled = plain
    tooled.id = "b"
    tooled.chat?.tools = [["name": "f"]]
    let other = LabelledText(id: "c", text: "x", label: 0)
    let texts = try LabelledTexts([plain, tooled, other])
    #expect(texts.copies == 0)
    #expect(texts.sha256 != (try LabelledTexts([plain, plain, other]).sha256))
  }
}

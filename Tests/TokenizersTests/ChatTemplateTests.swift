import JSON
import OrderedCollections
import Runtime
import Testing

@testable import Tokenizers

/// Chat templates of folders, the place of the answer, and the templates of real models where they are present.
struct ChatTemplateTests {
  static let chat = Chat([
    ChatMessage(role: "user", content: "Hello"), ChatMessage(role: "assistant", content: " Hi é! "),
  ])
  static let tokens: OrderedDictionary<String, String> = ["bos_token": "<s>", "eos_token": "</s>"]
  static let plain =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}{{ eos_token }}\n{% endfor %}"
    + "{% if add_generation_prompt %}[assistant] {% endif %}"

  private func part(_ rendered: RenderedChat) -> String? {
    rendered.answer.map { String(decoding: Array(rendered.text.utf8)[$0], as: UTF8.self) }
  }

  // MARK: Real templates

  static let folder = Fixture.shared + "/templates/chat_templates"

  @Test(.enabled(if: Fixture.has("templates/chat_templates"), "the shared templates are not here"))
  func realTemplatesRenderAsRecorded() throws {
    let record = try JSONValue(file: Fixture.folder + "/Templates/chats.json")
    let conversations = try #require(record["conversations"]?.object)
    var tokens: OrderedDictionary<String, String> = [:]
    for (name, value) in record["tokens"]?.object ?? [:] { tokens[name] = value.string }
    var compared = 0
    for (name, entry) in try #require(record["templates"]?.object) {
      let text = try Files.readText("\(Self.folder)/\(name)")
      #expect(SHA256.hex(text) == entry["sha256"]?.string, "\(name) is not the recorded one")
      let template = try ChatTemplate(text, source: name, tokens: tokens)
      for (key, expected) in try #require(entry["outcomes"]?.object) {
        let words = key.split(separator: "+").map(String.init)
        let chat = try Chat(json: try #require(conversations[words[0]]))
        let found: String
        do {
          found = SHA256.hex(try template.render(chat, addGenerationPrompt: words.count > 1).text)
        } catch ChatTemplateError.raised(_, _, let message) {
          found = "raises: " + message
        } catch ChatTemplateError.failed {
          found = "fails"
        }
        #expect(found == expected.string, "\(name), \(key)")
        compared += 1
      }
    }
    #expect(compared == 18 * conversations.count * 2)
  }

  /// What was said lies inside of the answer, the answer begins where the prompt ends.
  @Test(.enabled(if: Fixture.has("templates/chat_templates"), "the shared templates are not here"))
  func answersOfRealTemplatesAreFound() throws {
    let names = try Files.list(Self.folder).filter { $0.hasSuffix(".jinja") }
    #expect(names.count == 18)
    var exact = 0
    for name in names {
      // The folder indents its templates for people; they are used without the indentation where that is no text.
      let indented = try Files.readText("\(Self.folder)/\(name)")
      var texts = [indented]
      if !name.hasPrefix("qwen") && !name.hasPrefix("granite") {
        texts.append(indented.replacing("    ", with: "").replacing("\n", with: ""))
      }
      for text in texts {
        let template = try ChatTemplate(text, source: name, tokens: Self.tokens)
        let rendered = try template.renderWithAnswer(Self.chat)
        let answer = try #require(part(rendered), "\(name)")
        #expect(answer.drop(while: \.isWhitespace).hasPrefix("Hi é!"), "\(name): \(answer)")
        #expect(answer.hasSuffix("Hi é!") || answer.hasSuffix("Hi é! "), "\(name): \(answer)")
        let prompt = try template.prompt(Chat([Self.chat.messages[0]])).text
        if rendered.text.hasPrefix(prompt) {
          #expect(rendered.answer?.lowerBound == prompt.utf8.count, "\(name)")
          exact += 1
        }
      }
    }
    #expect(exact >= 18, "\(exact) prompts are the beginning of their chats")
  }

  // MARK: The place of the answer

  @Test func answerBeginsWhereThePromptEnds() throws {
    let template = try ChatTemplate(Self.plain, tokens: Self.tokens)
    let rendered = try template.renderWithAnswer(Self.chat)
    #expect(rendered.text == "<s>[user] Hello</s>\n[assistant] Hi é!</s>\n")
    #expect(part(rendered) == "Hi é!")
    var open = Self.chat
    open.messages.removeLast()
    let unanswered = try template.renderWithAnswer(open)
    #expect(unanswered.answer == nil && unanswered.text.hasSuffix("[assistant] "))
    open.messages.append(ChatMessage(role: "assistant", content: "  "))
    #expect(try template.renderWithAnswer(open).answer == nil)
  }

  /// Without a beginning of answers in the template, the answer is what was said.
  @Test func templatesMayKnowNoBeginningsOfAnswers() throws {
    let headed = try ChatTemplate("{% for m in messages %}[{{ m.role }}] {{ m.content }}|{% endfor %}")
    #expect(part(try headed.renderWithAnswer(Self.chat)) == "Hi é!")
    let bare = try ChatTemplate("{% for m in messages %}{{ m.content }}|{% endfor %}")
    #expect(part(try bare.renderWithAnswer(Self.chat)) == " Hi é! ")
  }

  @Test func generationBlocksSayWhereTheAnswerIs() throws {
    let template = try ChatTemplate(
      "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation %}{{ m.content }}{{ eos_token }}"
        + "{% endgeneration %}{% else %}Ü: {{ m.content }}{% endif %}\n{% endfor %}", tokens: Self.tokens)
    let rendered = try template.renderWithAnswer(Self.chat)
    #expect(part(rendered) == " Hi é! </s>")
    #expect(rendered.generations?.count == 1)
    let first = try ChatTemplate(
      "{% for m in messages %}{{ m.role }}: {% if loop.first %}{% generation %}{{ m.content }}{% endgeneration %}"
        + "{% endif %}{% endfor %}{{ messages[-1].content | upper }}")
    #expect(try first.renderWithAnswer(Self.chat).answer == nil, "the block is another message's")
    let hidden = try ChatTemplate(
      "{% macro say(m) %}{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
        + "{% for m in messages %}{{ m.role }}: {{ say(m) }}\n{% endfor %}")
    let found = try hidden.renderWithAnswer(Self.chat)
    #expect(found.generations == nil && part(found) == "Hi é!")
  }

  /// A template that writes what came before otherwise once an answer follows.
  @Test func answerIsLookedForWhereThePromptChanges() throws {
    let template = try ChatTemplate(
      "{{ messages | length }}{% for m in messages %}|{{ m.content | trim }}{% endfor %}|")
    let rendered = try template.renderWithAnswer(Self.chat)
    #expect(rendered.text == "2|Hello|Hi é!|" && part(rendered) == "Hi é!")
  }

  // MARK: Folders

  @Test func foldersAreSearchedInOrder() throws {
    let folder = try TemporaryFolder()
    func write(_ text: String, _ name: String) throws { try Files.write(text, to: folder.path + "/" + name) }
    #expect(throws: ChatTemplateError.missing(folder: folder.path, looked: ChatTemplate.files)) {
      try ChatTemplate(folder: folder.path)
    }
    try write("{\"chat_template\": \"processor\"}", "chat_template.json")
    func text() throws -> String { try ChatTemplate(folder: folder.path).render(Self.chat).text }
    #expect(try text() == "processor")
    try write(
      "{\"bos_token\": {\"content\": \"<b>\"}, \"chat_template\": \"{{ bos_token }}config\"}",
      "tokenizer_config.json")
    #expect(try text() == "<b>config")
    try write("{{ bos_token }}file{{ eos_token is defined }}", "chat_template.jinja")
    #expect(try text() == "<b>fileFalse")
    try write("{\"eos_token\": \"<e>\", \"bos_token\": \"<x>\"}", "special_tokens_map.json")
    #expect(try text() == "<b>fileTrue")
    try write("given {{ bos_token }}", "other.jinja")
    let given = try ChatTemplate(folder: folder.path, file: folder.path + "/other.jinja")
    #expect(try given.render(Self.chat).text == "given <b>")
  }

  @Test func namedTemplatesAreChosen() throws {
    var template = try ChatTemplate(tokenizerConfig: [
      "chat_template": [
        ["name": "default", "template": "d"], ["name": "tool_use", "template": "t"],
        ["name": "broken", "template": "{% if %}"],
      ]
    ])
    #expect(template.names == ["default", "tool_use", "broken"])
    #expect(template.problems.map(\.name) == ["broken"])
    #expect(try template.render(Self.chat).text == "d")
    #expect(try template.render(Chat(Self.chat.messages, tools: [["name": "f"]])).text == "t")
    template.name = "broken"
    #expect(throws: ChatTemplateError.self) { try template.render(Self.chat) }
    template.name = "defualt"
    #expect(throws: ChatTemplateError.unknownName(name: "defualt", known: template.names)) {
      try template.render(Self.chat)
    }
  }

  // MARK: Messages and time

  @Test func messagesAreRead() throws {
    let line: JSONValue = [
      "messages": [
        ["role": "user", "content": [["type": "text", "text": "a"], ["type": "image"]], "name": nil],
        ["role": "assistant", "content": nil, "reasoning": "hm", "tool_calls": [["id": 1]]],
      ],
      "tools": [["name": "f"]], "chat_template_kwargs": ["flag": true],
    ]
    let chat = try Chat(json: line)
    #expect(chat.messages[0].content == "a" && chat.messages[1].content.isEmpty)
    #expect(try Chat(json: chat.json) == chat)
    let template = try ChatTemplate(
      "{{ messages[0].name is defined }}{{ messages[1] }}{{ tools | length }}{{ flag }}{{ documents is none }}"
    )
    #expect(
      try template.render(chat).text
        == "False{'thinking': 'hm', 'role': 'assistant', 'reasoning': 'hm', 'tool_calls': [{'id': 1}], "
        + "'reasoning_content': 'hm'}1TrueTrue")
    for bad: JSONValue in [
      [:], ["messages": []], ["messages": "x"], ["messages": [["content": "x"]]],
      ["messages": [["role": "user", "content": 5]]], ["messages": [["role": "user"]], "tools": 5],
    ] {
      #expect(throws: ChatTemplateError.self) { try Chat(json: bad) }
    }
  }

  @Test func theDateIsGivenAndRecorded() throws {
    var template = try ChatTemplate("{{ strftime_now('%d %b %Y') }}")
    template.clock = ChatClock(day: "2024-07-26")
    let rendered = try template.render(Self.chat)
    #expect(rendered.text == "26 Jul 2024" && rendered.dates == ["26 Jul 2024"])
    template.clock = nil
    #expect(try template.render(Self.chat).dates.count == 1)
    for text in ["2024-02-30", "2024-7-26", "24-07-26", "2024-13-01", "2023-02-29", "x", "2024-07-26T01"] {
      #expect(ChatClock(day: text) == nil, "\(text)")
    }
    #expect(ChatClock(day: "2024-02-29")?.date == "2024-02-29")
  }

  @Test func theTemplatesOwnRefusalIsItsSentence() throws {
    let template = try ChatTemplate("\n{{ raise_exception('Only users speak here') }}", source: "t.jinja")
    #expect(throws: ChatTemplateError.raised(source: "t.jinja", line: 2, message: "Only users speak here")) {
      try template.render(Self.chat)
    }
    #expect(throws: ChatTemplateError.self) { try ChatTemplate("{% for %}") }
  }
}

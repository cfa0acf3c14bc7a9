import JSON
import Runtime
import Tokenizers

/// Whether a model folder has a chat template, whether it can be used, and whether it writes BOS.
struct ChatTemplateFacts {
  /// For the report.
  var json: JSONValue = ["present": true]
  /// For people.
  var line = "cannot be used"
  /// What should be known before messages are used.
  var warnings: [String] = []

  init(folder: String) {
    do {
      try read(ChatTemplate(folder: folder), folder)
    } catch ChatTemplateError.missing {
      json["present"] = false
      line = "none (messages need --chat-template FILE)"
    } catch {
      let reason = (error as? any SurgeonError)?.found ?? "\(error)"
      json["usable"] = []
      json["problems"] = [["name": "default", "reason": .string(reason)]]
      warnings = ["chat template: \(reason)"]
    }
  }

  private mutating func read(_ template: ChatTemplate, _ folder: String) {
    let problems = template.problems
    let usable = template.names.filter { name in !problems.contains { $0.name == name } }
    json["source"] = .string(template.source)
    json["names"] = .strings(template.names)
    json["usable"] = .strings(usable)
    json["sha256"] = .string(template.sha256)
    json["problems"] = .array(
      problems.map { ["name": .string($0.name), "reason": .string($0.error.found)] })
    warnings = problems.map { "chat template: \($0.error.found)" }
    let names = template.names == ["default"] ? "" : " (\(template.names.joined(separator: ", ")))"
    let state = problems.isEmpty ? "can be used" : usable.isEmpty ? "cannot be used" : "can be used in part"
    line = "\(template.source)\(names), \(state)"
    guard let tokenizer = try? Tokenizer(folder: folder), let bos = tokenizer.bos,
      let prompt = try? template.prompt(Chat([ChatMessage(role: "user", content: "hello")]))
    else { return }
    let isWritten = tokenizer.encode(prompt).ids.first == bos
    json["writes_bos"] = .bool(isWritten)
    if !isWritten && tokenizer.encode("hello").ids.first == bos {
      warnings.append(
        "the tokenizer puts BOS in front of texts, the chat template does not: chats are read without it, "
          + "as transformers does")
    }
  }
}

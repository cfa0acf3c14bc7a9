import Evaluation
import JSON
import Probing
import Runtime
import Tokenizers

/// The data of an operation as files that the single commands read: nothing of a run hides in the program.
extension OperationData {
  /// Writes `probe.jsonl`, the prompts, the neutral texts and the facts.
  /// - Throws: ``FileError``, ``JSONError``.
  func write(to folder: String) throws {
    var part: [Int: String] = [:]
    for (name, rows) in [("train", split.train), ("validation", split.validation), ("test", split.test)] {
      for row in rows { part[row] = name }
    }
    try lines(
      probe.texts.enumerated().map { index, text in
        var line: JSONValue =
          text.chat?.json ?? [
            "prompt": .optional(text.prompt), "text": .string(text.text ?? text.content),
          ]
        line["id"] = .string(text.id)
        line["label"] = .integer(text.label)
        line["group"] = .string(String(probe.groups[index]))
        line["split"] = .optional(part[index])
        return line
      }, to: folder + "/probe.jsonl")
    let plain = others.map { (name: $0.name, prompts: $0.prompts.map { PromptText($0) }) }
    for (name, prompts) in [("target-validation", targetValidation), ("target-test", targetTest)] + plain {
      try lines(
        prompts.map { $0.chat?.json ?? ["prompt": .string($0.text)] }, to: "\(folder)/prompts-\(name).jsonl")
    }
    for (name, texts) in [("validation", neutralValidation), ("test", neutralTest)] {
      try lines(texts.map { ["text": .string($0)] }, to: "\(folder)/neutral-\(name).jsonl")
    }
    for (name, items) in [("validation", factsValidation), ("test", factsTest)] where !items.isEmpty {
      try lines(
        items.map { ["prompt": .string($0.prompt), "answer": .string($0.answer)] },
        to: "\(folder)/facts-\(name).jsonl")
    }
  }

  private func lines(_ values: [JSONValue], to path: String) throws {
    try Files.makeFolder(Files.folder(of: path))
    try Files.write(values.map { try $0.text() + "\n" }.joined(), to: path)
  }
}

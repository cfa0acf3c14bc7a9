import JSON
import Runtime

/// A text to learn from, and what stands before it and is given.
public struct LanguageText: Sendable, Equatable {
  /// What is given: read, and not learnt. Empty for whole texts.
  public var prompt: String
  /// What is learnt.
  public var text: String

  /// A text.
  public init(_ text: String, prompt: String = "") {
    self.text = text
    self.prompt = prompt
  }

  /// The texts of a file: `.jsonl` (a text a line, or an object with `text`, or with `prompt` and `reply` or `completion`, of which only
  /// the latter is learnt), else the whole file as one text.
  /// - Throws: ``TrainingError/badData(file:problem:expected:)``, ``FileError``, ``JSONError``.
  public static func read(_ path: String) throws -> [LanguageText] {
    guard path.hasSuffix(".jsonl") else {
      let text = try Files.readText(path)
      guard !text.isEmpty else {
        throw TrainingError.badData(
          file: path, problem: "no text", expected: "a text, or JSON Lines (.jsonl)")
      }
      return [LanguageText(text)]
    }
    var texts: [LanguageText] = []
    for (index, line) in try Files.readText(path).split(separator: "\n").enumerated() {
      let place = "\(path):\(index + 1)"
      let value = try JSONValue(parsing: String(line), source: place)
      if let text = value.string ?? value["text"]?.string {
        texts.append(LanguageText(text))
      } else if let prompt = value["prompt"]?.string,
        let reply = value["reply"]?.string ?? value["completion"]?.string
      {
        texts.append(LanguageText(reply, prompt: prompt))
      } else {
        throw TrainingError.badData(
          file: place, problem: "no text", expected: "a text, {\"text\"}, or {\"prompt\", \"reply\"}")
      }
    }
    guard !texts.isEmpty else {
      throw TrainingError.badData(file: path, problem: "no line", expected: "a text or object a line")
    }
    return texts
  }
}

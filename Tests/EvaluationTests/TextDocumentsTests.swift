import Evaluation
import Glibc
import Runtime
import Testing

/// Texts from files of every layout.
struct TextDocumentsTests {
  private static func file(_ name: String, _ text: String) throws -> String {
    var template = Array("/tmp/surgeon-texts-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw FileError.cannotCreate(path: "/tmp", reason: Files.lastReason)
    }
    let path = String(cString: made) + "/" + name
    try Files.write(text, to: path)
    return path
  }

  struct Case: Sendable {
    var name, text: String
    var texts: [String]?
    var whole = false
    var limit: Int?
  }

  @Test(arguments: [
    Case(name: "a.txt", text: "one\n\n two \r\nthree", texts: ["one", " two ", "three"]),
    Case(name: "a.txt", text: "one\n\ntwo\n", texts: ["one\n\ntwo\n"], whole: true),
    Case(name: "a.txt", text: "one\ntwo\nthree\n", texts: ["one", "two"], limit: 2),
    Case(name: "a.jsonl", text: "{\"text\": \"one\"}\n\"two\"\n", texts: ["one", "two"]),
    Case(name: "a.json", text: "[\"one\", {\"text\": \"two\\nlines\"}]", texts: ["one", "two\nlines"]),
    Case(name: "a.json", text: "{\"text\": \"one\"}", texts: nil),
    Case(name: "a.jsonl", text: "{\"body\": \"one\"}\n", texts: nil),
    Case(name: "a.jsonl", text: "3\n", texts: nil),
    Case(name: "a.json", text: "[\"\"]", texts: nil),
    Case(name: "a.txt", text: "\n \n", texts: nil),
  ])
  func reads(_ item: Case) throws {
    let path = try Self.file(item.name, item.text)
    defer { try? Files.remove(Files.folder(of: path)) }
    if let texts = item.texts {
      #expect(try TextDocuments(file: path, whole: item.whole, limit: item.limit).texts == texts)
    } else {
      #expect(throws: EvaluationError.self) { try TextDocuments(file: path, whole: item.whole) }
    }
  }

  @Test func promptsAndCopies() throws {
    let path = try Self.file(
      "a.jsonl", "{\"prompt\": \"p\", \"text\": \"t\"}\n{\"text\": \"t\"}\n{\"prompt\": \"q\"}\n")
    defer { try? Files.remove(Files.folder(of: path)) }
    let documents = try TextDocuments(file: path, keys: ["text", "prompt"])
    #expect(documents.texts == ["t", "t", "q"])
    #expect(documents.documents.map(\.prompt) == ["p", nil, nil])
    #expect(documents.copies == 1)
  }
}

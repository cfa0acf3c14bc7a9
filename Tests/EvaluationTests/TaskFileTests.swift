import Evaluation
import JSON
import Runtime
import TestSupport
import Testing

/// Questions as files write them, and as models read them.
struct TaskFileTests {
  /// Writes lines to a file and reads it as a task.
  private func read(_ text: String, _ name: String = "q.jsonl", kind: String? = nil, limit: Int? = nil) throws
    -> TaskFile
  {
    let folder = try TemporaryFolder()
    try Files.write(text, to: folder.file(name))
    return try TaskFile(folder.file(name), kind: kind.map { try .named($0) }, limit: limit)
  }

  private static let layouts = [
    #"{"id": "q", "question": {"stem": "Why?", "choices": [{"text": "so", "label": "A"}, {"text": "no", "label": "B"}]}, "answerKey": "B"}"#,
    #"{"id": "q", "question": "Why?", "choices": {"text": ["so", "no"], "label": ["1", "2"]}, "answerKey": "2"}"#,
    #"{"id": "q", "question_stem": "Why?", "choices": {"text": ["so", "no"], "label": ["A", "B"]}, "answerKey": " B"}"#,
    #"{"id": "q", "context": "Why?", "choices": ["so", "no"], "answer": 1}"#,
    #"{"id": "q", "query": "Why?", "choices": ["so", "no"], "gold": "no"}"#,
    #"{"id": "q", "instruction": "Choose: Why?\n\nAnswer1: so Answer2: no\n\nAnswer format: answer1/answer2", "answer": "answer2"}"#,
  ]

  @Test(arguments: layouts) func everyLayoutSaysTheSame(_ line: String) throws {
    let item = try #require(try read(line, kind: "arc_easy").items.first)
    #expect(item.id == "q" && item.question.choices == ["so", "no"] && item.question.answer == 1)
    #expect(item.prompts == ["Question: Why?\nAnswer:"] && item.endings == [" so", " no"])
    #expect(try read(line, kind: "openbookqa").items.first?.prompts == ["Why?"])
    #expect(throws: EvaluationError.self) { try read(line, kind: "winogrande") }
  }

  @Test func blanksAreFilledAndWhatFollowsIsScored() throws {
    for line in [
      #"{"sentence": "Ann thanked Bea because _ had helped.", "option1": "Ann", "option2": "Bea", "answer": "2"}"#,
      #"{"instruction": "Fill in: Ann thanked Bea because _ had helped.\n\nOption1: Ann Option2: Bea Answer format: option1/option2", "answer": "option2"}"#,
    ] {
      let file = try read(line)
      #expect(file.kind.name == "winogrande")
      let item = try #require(file.items.first)
      #expect(item.prompts == ["Ann thanked Bea because Ann", "Ann thanked Bea because Bea"])
      #expect(item.endings == [" had helped.", " had helped."] && item.question.answer == 1)
    }
  }

  @Test func namesTellTheTask() throws {
    let folder = try TemporaryFolder()
    try Files.makeFolder(folder.file("ARC-Challenge"))
    try Files.write(
      Self.layouts[0] + "\n\n" + Self.layouts[1] + "\n", to: folder.file("ARC-Challenge/test.jsonl"))
    let file = try TaskFile(folder.file("ARC-Challenge"))
    #expect(file.kind.name == "arc_challenge" && file.items.count == 2 && file.total == 2)
    #expect(try TaskFile(argument: "openbookqa=\(folder.file("ARC-Challenge"))").kind.name == "openbookqa")
    #expect(try TaskFile(folder.file("ARC-Challenge"), limit: 1).items.count == 1)
    #expect(try TaskFile(folder.file("ARC-Challenge"), limit: 1).total == 2)
    #expect(try read("[\(Self.layouts[3])]", "q.json").kind.name == "choices")
    #expect(try read(Self.layouts[2]).kind.name == "openbookqa")
  }

  @Test(arguments: [
    ("{\"context\": \"a\", \"choices\": [\"b\"], \"answer\": 0}", "TASK_INVALID"),
    ("{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 2}", "TASK_INVALID"),
    ("{\"context\": \"a\", \"choices\": [\"b\", 3], \"answer\": 0}", "TASK_INVALID"),
    ("{\"context\": \"\", \"choices\": [\"b\", \"c\"], \"answer\": 0}", "TASK_INVALID"),
    (
      "{\"question\": \"a\", \"choices\": {\"text\": [\"b\", \"c\"], \"label\": [\"A\", \"B\"]}, \"answerKey\": \"C\"}",
      "TASK_INVALID"
    ),
    (
      "{\"question\": \"a\", \"choices\": {\"text\": [\"b\", \"c\"], \"label\": [\"A\", \"B\"]}, \"answerKey\": \"A\"}",
      "TASK_INVALID"
    ),
    (
      "{\"sentence\": \"no blank\", \"option1\": \"a\", \"option2\": \"b\", \"answer\": \"1\"}",
      "TASK_INVALID"
    ),
    ("{\"instruction\": \"what\", \"answer\": \"answer1\"}", "TASK_INVALID"),
    ("{\"body\": \"what\"}", "TASK_LAYOUT_UNKNOWN"), ("3", "TASK_LAYOUT_UNKNOWN"),
    ("{\"context\": ", "JSON_SYNTAX"), ("\n", "NOTHING_TO_MEASURE"),
  ]) func refuses(_ line: String, code: String) {
    let good = Self.layouts[3]
    let error = #expect(throws: (any Error).self) {
      _ = try read(
        line == "\n" ? line : (code == "TASK_INVALID" && line.contains("\"A\"}") ? "" : good + "\n") + line)
    }
    #expect((error as? any SurgeonError)?.code == code, "\(String(describing: error))")
    if code != "NOTHING_TO_MEASURE", !line.contains("\"A\"}") {
      #expect((error as? any SurgeonError)?.found.contains(":2") ?? false)
    }
  }

  @Test(.enabled(if: SharedFixtures.has("data/tasks"), "needs the shared tasks"))
  func wholePublishedSetsAreRead() throws {
    for (name, count, choices) in [
      ("ARC-Easy", 2376, 9501), ("openbookqa", 500, 2000), ("winogrande", 1267, 2534),
    ] {
      let file = try TaskFile(SharedFixtures.path("data/tasks/\(name)"))
      #expect(file.items.count == count && file.layout == "instructions")
      let found = file.items.reduce(0) { $0 + $1.question.choices.count }
      #expect(abs(found - choices) < 30, "\(name): \(found) choices")
      for item in file.items {
        #expect(!item.question.choices.contains { $0.contains("Answer1:") || $0.contains("Option2:") })
      }
    }
  }
}

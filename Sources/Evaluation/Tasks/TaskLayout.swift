import JSON
import OrderedCollections
import Runtime

/// How a question is written in JSON, as a value: reading tries each in turn.
struct TaskLayout: Sendable {
  /// The name, for reports.
  let name: String
  /// The keys that tell it.
  let keys: [String]
  /// The question, or why there is none; called only where the keys are there.
  let read: @Sendable (JSONValue) throws(TaskLayoutProblem) -> TaskQuestion

  /// All layouts. The first whose keys an object has reads it.
  static let all: [TaskLayout] = [
    TaskLayout(name: "instructions", keys: ["instruction", "answer"], read: instruction),
    TaskLayout(name: "WinoGrande", keys: ["sentence", "option1", "option2", "answer"], read: blank),
    TaskLayout(name: "OpenBookQA rows", keys: ["question_stem", "choices", "answerKey"]) {
      value throws(TaskLayoutProblem) in
      try labelled(value["question_stem"]?.string, value["choices"], value["answerKey"])
    },
    TaskLayout(name: "ARC and OpenBookQA", keys: ["question", "answerKey"]) {
      value throws(TaskLayoutProblem) in
      // The published files keep the choices with the question; rows of a dataset viewer beside it.
      guard let question = value["question"], question.object != nil else {
        return try labelled(value["question"]?.string, value["choices"], value["answerKey"])
      }
      return try labelled(question["stem"]?.string, question["choices"], value["answerKey"])
    },
    TaskLayout(name: "choices", keys: ["choices"], read: plain),
  ]

  /// The question of an object.
  /// - Throws: ``EvaluationError/unknownLayout(place:keys:)``, ``EvaluationError/task(place:reason:expected:)``.
  static func question(_ value: JSONValue, place: String) throws(EvaluationError) -> (
    question: TaskQuestion, layout: TaskLayout
  ) {
    let keys = value.object.map { Array($0.keys) } ?? []
    guard let layout = all.first(where: { Set($0.keys).isSubset(of: keys) }) else {
      throw .unknownLayout(place: place, keys: keys)
    }
    do throws(TaskLayoutProblem) {
      let question = try layout.read(value)
      guard question.choices.count >= 2 else { throw TaskLayoutProblem("fewer than two choices") }
      guard question.choices.allSatisfy({ !$0.isEmpty }) else { throw TaskLayoutProblem("an empty choice") }
      guard question.choices.indices.contains(question.answer) else {
        throw TaskLayoutProblem("an answer that is none of the \(question.choices.count) choices")
      }
      if case .question("") = question.body { throw TaskLayoutProblem("an empty question") }
      return (question, layout)
    } catch {
      throw .task(place: place, reason: error.reason, expected: "a question in the layout \(layout.name)")
    }
  }
}

/// Why an object is no question.
struct TaskLayoutProblem: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

extension TaskLayout {
  /// `{text, label}` side by side or one object a choice, and the label of the right one.
  private static func labelled(_ text: String?, _ choices: JSONValue?, _ answer: JSONValue?)
    throws(TaskLayoutProblem) -> TaskQuestion
  {
    guard let text else { throw TaskLayoutProblem("no text of the question") }
    let texts: [String?]
    let labels: [String?]
    if let list = choices?.array {
      (texts, labels) = (list.map { $0["text"]?.string }, list.map { $0["label"]?.string })
    } else {
      texts = choices?["text"]?.array?.map(\.string) ?? []
      labels = choices?["label"]?.array?.map(\.string) ?? []
    }
    let known = texts.compactMap { $0 }
    guard known.count == texts.count, labels.count == texts.count else {
      throw TaskLayoutProblem("choices without a text or label")
    }
    guard let key = answer?.string?.trimmed, let place = labels.firstIndex(of: key) else {
      throw TaskLayoutProblem("an answerKey that is no label of a choice")
    }
    return TaskQuestion(body: .question(text), choices: known, answer: place)
  }

  /// A sentence with `_`, two options, and "1" or "2".
  private static func blank(_ value: JSONValue) throws(TaskLayoutProblem) -> TaskQuestion {
    guard let sentence = value["sentence"]?.string, let first = value["option1"]?.string,
      let second = value["option2"]?.string
    else { throw TaskLayoutProblem("a sentence or option that is no text") }
    let answer = value["answer"].flatMap { $0.int ?? $0.string.flatMap { Int($0) } } ?? 0
    return TaskQuestion(body: try body(sentence), choices: [first, second], answer: answer - 1)
  }

  private static func body(_ sentence: String) throws(TaskLayoutProblem) -> TaskQuestion.Body {
    guard let blank = sentence.firstIndex(of: "_") else { throw TaskLayoutProblem("no _ in the sentence") }
    let after = String(sentence[sentence.index(after: blank)...]).trimmed
    guard !after.isEmpty else { throw TaskLayoutProblem("nothing after the blank") }
    return .blank(before: String(sentence[..<blank]), after: after)
  }

  /// `{"context", "choices": […], "answer": 1}`: the place of the right choice from 0, or its text.
  private static func plain(_ value: JSONValue) throws(TaskLayoutProblem) -> TaskQuestion {
    let keys = ["context", "prompt", "query", "question"]
    guard let text = keys.lazy.compactMap({ value[$0]?.string }).first else {
      throw TaskLayoutProblem("no text under \(keys.joined(separator: ", "))")
    }
    let choices = (value["choices"]?.array ?? []).map(\.string)
    let known = choices.compactMap { $0 }
    guard known.count == choices.count else { throw TaskLayoutProblem("a choice that is no text") }
    guard let answer = ["answer", "gold", "label"].lazy.compactMap({ value[$0] }).first else {
      throw TaskLayoutProblem("no answer")
    }
    return TaskQuestion(
      body: .question(text), choices: known,
      answer: answer.int ?? answer.string.flatMap { known.firstIndex(of: $0) } ?? -1)
  }

  /// Questions written out as instructions: a heading that ends with a colon, the question, `Answer1: … Answer2: …`
  /// (`Option1: …` after a sentence with a blank), `Answer format: answer1/answer2`; and `"answer": "answer2"`.
  private static func instruction(_ value: JSONValue) throws(TaskLayoutProblem) -> TaskQuestion {
    guard let text = value["instruction"]?.string, let answer = value["answer"]?.string else {
      throw TaskLayoutProblem("an instruction or answer that is no text")
    }
    let isBlank = answer.hasPrefix("option")
    let word = isBlank ? "Option" : "Answer"
    guard let heading = text.range(of: ": "), let first = text.lastRange(of: "\n\n\(word)1: "),
      let end = text.lastRange(of: "Answer format:"), heading.upperBound <= first.lowerBound,
      first.upperBound <= end.lowerBound
    else { throw TaskLayoutProblem("an instruction without \(word)1: … and Answer format:") }
    let stem = String(text[heading.upperBound..<first.lowerBound]).trimmed
    var rest = text[first.upperBound..<end.lowerBound]
    var choices: [String] = []
    let count = text[end.upperBound...].split(separator: "/").count
    for number in 2..<max(2, count + 1) {
      guard let next = rest.firstRange(of: " \(word)\(number): ") else {
        throw TaskLayoutProblem("\(choices.count + 1) of \(count) choices")
      }
      choices.append(String(rest[..<next.lowerBound]).trimmed)
      rest = rest[next.upperBound...]
    }
    choices.append(String(rest).trimmed)
    let number = Int(answer.drop { !$0.isNumber }) ?? 0
    return TaskQuestion(
      body: isBlank ? try body(stem) : .question(stem), choices: choices, answer: number - 1)
  }
}

extension String {
  fileprivate var trimmed: String {
    let start = drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }

  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }

  fileprivate func lastRange(of text: String) -> Range<Index>? {
    var found: Range<Index>?
    var rest = self[...]
    while let next = rest.firstRange(of: text) {
      found = next
      rest = rest[next.upperBound...]
    }
    return found
  }
}

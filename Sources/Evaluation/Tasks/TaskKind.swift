import Runtime

/// A multiple-choice task, as a value: help, listings and reading derive from it.
///
/// A kind says how a question becomes the text that a model reads; which file layout the question came from does not
/// matter (``TaskLayout``).
public struct TaskKind: Sendable, Equatable {
  /// How a question becomes a text and its continuations.
  enum Form: Sendable, Equatable {
    /// `Question: …\nAnswer:`, then each choice.
    case question
    /// The question as it stands, then each choice.
    case stem
    /// The sentence up to the blank with each choice in it; what follows the blank is what is scored (partial
    /// evaluation, arXiv 1806.02847, section 3).
    case blank
  }

  /// The name under which results stand, lm-eval's where it has the task.
  public let name: String
  /// One line.
  public let summary: String
  /// Where the task comes from.
  public let reference: String
  /// The number that is usually quoted: `acc` or `acc_norm`.
  public let headline: String
  /// Version of the prompt, as lm-eval counts it.
  public let version: Double
  let form: Form

  /// All kinds, in the order of listings.
  public static let all: [TaskKind] = [
    TaskKind(
      name: "arc_easy",
      summary: "grade-school science questions: \"Question: …\\nAnswer:\", then each choice",
      reference: "arXiv 1803.05457", headline: "acc", version: 1, form: .question),
    TaskKind(
      name: "arc_challenge", summary: "those of them that retrieval and co-occurrence get wrong; same prompt",
      reference: "arXiv 1803.05457", headline: "acc_norm", version: 1, form: .question),
    TaskKind(
      name: "openbookqa",
      summary: "elementary science that asks for a fact and common sense: stem, then choice",
      reference: "arXiv 1809.02789", headline: "acc_norm", version: 1, form: .stem),
    TaskKind(
      name: "winogrande",
      summary: "which of two names fills a blank: what follows it is scored after each name",
      reference: "arXiv 1907.10641", headline: "acc", version: 1, form: .blank),
    TaskKind(
      name: "choices",
      summary: "questions of your own: {\"context\", \"choices\", \"answer\"} a line, choice after context",
      reference: "this program", headline: "acc_norm", version: 1, form: .stem),
  ]

  /// The kind of a name.
  /// - Throws: ``EvaluationError/unknownTask(name:known:)``.
  public static func named(_ name: String) throws(EvaluationError) -> TaskKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw .unknownTask(name: name, known: all.map(\.name))
  }

  /// The kind that a file's or folder's name speaks of (`ARC-Easy/test.json`), nil where it names none.
  static func spoken(of path: String) -> TaskKind? {
    let parts = path.split(separator: "/").suffix(2).reversed()
    for part in parts {
      let word = part.lowercased().replacing("-", with: "_")
      if let kind = all.first(where: { word.contains($0.name) && $0.name != "choices" }) { return kind }
    }
    return nil
  }

  /// The texts of one question.
  /// - Throws: ``EvaluationError/task(place:reason:expected:)`` where the question is of another form.
  func item(_ question: TaskQuestion, id: String) throws(EvaluationError) -> TaskItem {
    switch (form, question.body) {
    case (.question, .question(let text)):
      return TaskItem(
        id: id, question: question, prompts: ["Question: \(text)\nAnswer:"], endings: spaced(question))
    case (.stem, .question(let text)):
      return TaskItem(id: id, question: question, prompts: [text], endings: spaced(question))
    case (.blank, .blank(let before, let after)):
      return TaskItem(
        id: id, question: question, prompts: question.choices.map { before + $0 },
        endings: question.choices.map { _ in " " + after })
    case (_, .question):
      throw .task(place: id, reason: "a question without a blank", expected: "a sentence with _ for \(name)")
    case (_, .blank):
      throw .task(place: id, reason: "a sentence with a blank", expected: "a question for \(name)")
    }
  }

  private func spaced(_ question: TaskQuestion) -> [String] { question.choices.map { " " + $0 } }
}

/// A question as a file states it.
public struct TaskQuestion: Sendable, Equatable {
  /// What is asked.
  enum Body: Sendable, Equatable {
    /// A question that a choice answers.
    case question(String)
    /// A sentence around a blank; what follows the blank without the space before it.
    case blank(before: String, after: String)
  }

  let body: Body
  /// The choices, at least two.
  public let choices: [String]
  /// Which of them is right, from 0.
  public let answer: Int
}

/// A question as a model reads it.
public struct TaskItem: Sendable, Equatable {
  /// Names it: `file:line`, `file[place]`, or the id that the file gives it.
  public let id: String
  /// As the file states it.
  public let question: TaskQuestion
  /// What stands before the scored text: one for all choices, or one a choice.
  public let prompts: [String]
  /// The scored text of each choice.
  public let endings: [String]

  /// What stands before the scored text of a choice.
  public func prompt(_ choice: Int) -> String { prompts.count == 1 ? prompts[0] : prompts[choice] }
  /// The whole text with the right choice: what an example shows.
  var solved: String { prompt(question.answer) + endings[question.answer] }
}

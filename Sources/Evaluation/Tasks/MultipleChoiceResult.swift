import JSON
import Runtime
import Statistics

/// What a model thinks of one choice.
public struct ChoiceScore: Sendable, Equatable {
  /// log p(choice | context), in nats, summed over its tokens.
  public let logLikelihood: Double
  /// Its tokens.
  public let tokens: Int
  /// Whether greedy decoding would have written it.
  public let isGreedy: Bool
}

/// One question with the scores of its choices.
public struct ChoiceAnswer: Sendable {
  /// The question.
  public let item: TaskItem
  /// A score a choice.
  public let choices: [ChoiceScore]

  /// The most likely choice, the first of equals.
  public var pick: Int { Self.best(choices.map(\.logLikelihood)) }

  /// The choice with the largest log-likelihood a character of the choice (Unicode scalars, as lm-eval's `acc_norm`
  /// counts; bytes where the text is ASCII).
  public var normalisedPick: Int {
    Self.best(
      zip(choices, item.question.choices).map { score, text in
        score.logLikelihood / Double(text.unicodeScalars.count)
      })
  }

  /// Whether the most likely choice is right.
  public var isRight: Bool { pick == item.question.answer }
  /// Whether the choice that is most likely a character is right.
  public var isNormalisedRight: Bool { normalisedPick == item.question.answer }

  private static func best(_ values: [Double]) -> Int {
    values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
  }
}

/// A task's answers.
public struct MultipleChoiceResult: Sendable {
  /// The task.
  public let kind: TaskKind
  /// The questions in order.
  public let answers: [ChoiceAnswer]

  /// A share of right answers.
  public struct Accuracy: Sendable, Equatable {
    /// The share, 0…1.
    public let value: Double
    /// Its standard error √(p(1 − p)/(n − 1)), as lm-eval states it; nil for a single question.
    public let standardError: Double?
    /// Right answers, and questions.
    public let right, count: Int

    init(_ right: [Bool]) {
      (self.right, count) = (right.count { $0 }, right.count)
      value = right.isEmpty ? 0 : Double(self.right) / Double(count)
      standardError = count > 1 ? (value * (1 - value) / Double(count - 1)).squareRoot() : nil
    }
  }

  /// By the summed log-likelihood.
  public var accuracy: Accuracy { Accuracy(answers.map(\.isRight)) }

  /// By the log-likelihood a character of the choice; nil where all choices have the same scored text.
  public var normalisedAccuracy: Accuracy? {
    kind.form == .blank ? nil : Accuracy(answers.map(\.isNormalisedRight))
  }

  /// The accuracies under lm-eval's names: `acc`, and `acc_norm` where there is one.
  public var accuracies: [(name: String, accuracy: Accuracy)] {
    [("acc", accuracy)] + (normalisedAccuracy.map { [("acc_norm", $0)] } ?? [])
  }

  /// What guessing gives: the mean of 1 / choices.
  public var chance: Double {
    Descriptive.mean(answers.map { 1 / Double($0.choices.count) }) ?? 0
  }

  /// The accuracies as metrics with Wilson intervals: `NAME_acc` and `NAME_acc_norm`.
  public var metrics: [Metric] {
    accuracies.map { name, accuracy in
      Wilson.metric(
        "\(kind.name)_\(name)", successes: accuracy.right, total: accuracy.count, higherIsBetter: true)
    }
  }

  /// A line for every question: what was asked, every choice's score, and the picks.
  public var samples: [JSONValue] {
    answers.enumerated().map { index, answer in
      var sample: JSONValue = [
        "doc_id": .integer(index), "id": .string(answer.item.id), "prompts": .strings(answer.item.prompts),
        "choices": .strings(answer.item.question.choices), "target": .integer(answer.item.question.answer),
        "log_likelihoods": .numbers(answer.choices.map(\.logLikelihood)),
        "tokens": .integers(answer.choices.map(\.tokens)),
        "is_greedy": .array(answer.choices.map { .bool($0.isGreedy) }), "pick": .integer(answer.pick),
        "acc": .integer(answer.isRight ? 1 : 0),
      ]
      if kind.form != .blank {
        sample["pick_norm"] = .integer(answer.normalisedPick)
        sample["acc_norm"] = .integer(answer.isNormalisedRight ? 1 : 0)
      }
      return sample
    }
  }
}

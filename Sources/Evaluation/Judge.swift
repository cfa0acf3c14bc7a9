import Tokenizers

/// What a judge says of one reply.
public struct Verdict: Sendable, Equatable {
  /// The four outcomes that an edit can have. A mixed reply is never a success.
  public enum Outcome: String, Sendable, CaseIterable {
    /// The behaviour is there.
    case behaviour
    /// The wanted alternative is there.
    case wanted
    /// Both in one reply.
    case mixed
    /// Neither: broken, empty or repeating.
    case broken
  }
  /// The outcome.
  public var outcome: Outcome
  /// The words or patterns of the behaviour that decided, for a person to check.
  public var behaviourHits: [String]
  /// Those of the wanted alternative.
  public var wantedHits: [String]
  /// All hits.
  public var hits: [String] { behaviourHits + wantedHits }
  /// Whether the reply speaks of what the prompt spoke of, where the judge can tell.
  public var onTopic: Bool?

  /// One verdict.
  public init(
    outcome: Outcome, behaviourHits: [String] = [], wantedHits: [String] = [], onTopic: Bool? = nil
  ) {
    self.outcome = outcome
    self.behaviourHits = behaviourHits
    self.wantedHits = wantedHits
    self.onTopic = onTopic
  }
}

/// The kinds of judges there are.
public enum JudgeKind: String, Sendable, CaseIterable {
  /// Words and phrases.
  case lexicon
  /// Bag of words, trained on its own split.
  case classifier
  /// A probe at another site, trained on disjoint data.
  case probe
  /// The grammar of the embedded organism.
  case grammar

  /// One line for listings.
  public var summary: String {
    switch self {
    case .lexicon: "words and phrases of the behaviour and of the wanted alternative; hits are recorded"
    case .classifier: "bag of words trained on its own split, with its error"
    case .probe: "a probe at another site, trained on disjoint data"
    case .grammar: "parse by the grammar of the embedded organism: exact, for the organism only"
    }
  }
}

/// Tells whether a reply shows the behaviour. Never the probe that the edit was made with.
public protocol Judge: Sendable {
  /// `grammar`, `lexicon`, `classifier` or `probe`.
  var kind: String { get }
  /// What the judge is and how often it errs, for the report.
  var summary: String { get }
  /// Judges one reply.
  func judge(prompt: PromptText, reply: String) -> Verdict
}

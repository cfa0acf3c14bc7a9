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

/// Tells whether a reply shows the behaviour. Never the probe that the edit was made with.
public protocol Judge: Sendable {
  /// `grammar`, `lexicon`, `classifier` or `probe`.
  var kind: String { get }
  /// What the judge is and how often it errs, for the report.
  var summary: String { get }
  /// Judges one reply.
  func judge(prompt: String, reply: String) -> Verdict
}

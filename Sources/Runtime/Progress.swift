/// Where a long job stands. Libraries report, the program decides what a person sees.
public struct ProgressEvent: Sendable {
  /// The stage by name, such as `"hidden states"`.
  public var stage: String
  /// Units done so far.
  public var completed: Int
  /// Units in all, where known.
  public var total: Int?
  /// What is counted: `"texts"`, `"tokens"`, `"bytes"`, `"points"`.
  public var unit: String

  /// One event.
  public init(stage: String, completed: Int, total: Int?, unit: String) {
    self.stage = stage
    self.completed = completed
    self.total = total
    self.unit = unit
  }
}

/// Receives progress; must be quick and may be called from any thread.
public typealias ProgressSink = @Sendable (ProgressEvent) -> Void

/// A sink that does nothing.
public let ignoreProgress: ProgressSink = { _ in }

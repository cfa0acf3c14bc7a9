import Synchronization

/// A wish to stop, set once (by a signal handler or a caller) and looked at between items of work.
public enum Cancellation {
  private static let requested = Atomic<Bool>(false)

  /// Asks every long job of this process to save its state and stop.
  public static func request() { requested.store(true, ordering: .relaxed) }

  /// Withdraws the wish (tests).
  public static func reset() { requested.store(false, ordering: .relaxed) }

  /// Whether stopping was asked for.
  public static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// - Throws: ``Interrupted`` when stopping was asked for.
  public static func check() throws { if isRequested { throw Interrupted() } }
}

/// A job stopped between two items of work with its state saved.
public struct Interrupted: SurgeonError {
  /// An interruption.
  public init() {}
  public var code: String { "INTERRUPTED" }
  public var exitCode: ExitCode { .interrupted }
  public var found: String { "a request to stop (Ctrl-C or a signal)" }
  public var expected: String { "" }
  public var suggestion: String { "run the same command again: it resumes where it stopped" }
}

import Glibc
import Synchronization

/// Work that a thread of its own does while the caller goes on: copying files, asking the system to write. What is
/// computed belongs on the pool of threads instead.
///
/// The body must not touch what the caller touches before ``wait()`` has returned. Every job is waited for.
public final class BackgroundJob<Value> {
  private final class Outcome {
    var result: Result<Value, any Error>?
    let hasEnded = Atomic<Bool>(false)
  }

  private let outcome = Outcome()
  private var thread = pthread_t()
  private var runs = false

  /// Starts the work; where no thread can be had, does it at once.
  public init(_ body: @escaping () throws -> Value) {
    let outcome = outcome
    let work = Unmanaged.passRetained(
      BackgroundWork {
        outcome.result = Result { try body() }
        outcome.hasEnded.store(true, ordering: .releasing)
      })
    runs =
      pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<BackgroundWork>.fromOpaque(context).takeRetainedValue().run() }
          return nil
        }, work.toOpaque()) == 0
    if !runs { work.takeRetainedValue().run() }
  }

  /// Whether the work is done.
  public var hasEnded: Bool { outcome.hasEnded.load(ordering: .acquiring) }

  /// Waits some milliseconds, for callers that show progress meanwhile.
  public func waitBriefly() { usleep(5_000) }

  /// Waits for the end of the work and gives its result.
  /// - Throws: what the body threw.
  public func wait() throws -> Value {
    if runs {
      pthread_join(thread, nil)
      runs = false
    }
    guard let result = outcome.result else { preconditionFailure("a job ended without a result") }
    return try result.get()
  }
}

/// What a thread is handed: a closure without a type of its own.
private final class BackgroundWork {
  let run: () -> Void
  init(_ run: @escaping () -> Void) { self.run = run }
}

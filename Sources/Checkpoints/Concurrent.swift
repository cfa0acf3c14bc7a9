import Dispatch

/// Runs independent jobs on all processors. Each job's result depends on its index alone.
enum Concurrent {
  static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    if count == 1 { return body(0) }
    DispatchQueue.concurrentPerform(iterations: count, execute: body)
  }
}

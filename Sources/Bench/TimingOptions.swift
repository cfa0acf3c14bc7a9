import ArgumentParser
import Tensors

/// Options of the commands that time training steps.
struct TimingOptions: ParsableArguments {
  @Option(help: "Timed runs.")
  var runs = 7

  @Option(help: "Threads.")
  var threads = 2

  @Flag(help: "Print lines of JSON instead of a table.")
  var json = false

  func validate() throws {
    guard runs > 0, threads > 0 else { throw ValidationError("--runs and --threads must be at least 1") }
  }

  /// A stopwatch, after the threads are set.
  func begin() -> Stopwatch {
    Parallel.setThreads(threads)
    return Stopwatch(json: json)
  }
}

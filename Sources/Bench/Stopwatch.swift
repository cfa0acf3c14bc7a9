import Glibc
import JSON
import Reports
import Runtime
import Synchronization
import Tensors

/// Times stages and watches their memory.
struct Stopwatch {
  /// The machine.
  let machine = MachineFacts()
  /// Whether lines of JSON are printed as they come, instead of one table at the end.
  var json: Bool
  /// What was measured so far.
  private(set) var list: [Measurement] = []

  init(json: Bool) { self.json = json }

  /// Runs a stage several times and returns what the last run gave.
  ///
  /// `amount` counts the tokens or bytes of one run. `before` prepares a run, untimed, and returns the fraction of the
  /// model that is in memory, where it looked. A run ends when `body` returns, or where it set `mark` before.
  mutating func measure<R>(
    _ stage: String, _ what: String, amount: Double, unit: String, runs: Int, bound: UInt64? = nil,
    mark: Mark? = nil, before: () throws -> Double? = { nil }, _ body: () throws -> R
  ) throws -> R {
    var seconds: [Double] = []
    var processor: [Double] = []
    var resident: [Double] = []
    var anonymous: UInt64 = 0
    var peak: UInt64 = 0
    while true {
      if let fraction = try before() { resident.append(fraction) }
      Self.forgetPeaks()
      let start = Moment.now
      let result = try body()
      let end = mark?.take() ?? .now
      seconds.append(end.seconds - start.seconds)
      processor.append(end.processor - start.processor)
      anonymous = max(anonymous, MemoryWatch.peakAnonymousBytes)
      peak = max(peak, Machine.peakBytes)
      guard seconds.count >= runs else { continue }
      let measured = Measurement(
        stage: stage, what: what, threads: Parallel.threads, amount: amount, unit: unit, seconds: seconds,
        processorSeconds: processor,
        anonymousBytes: anonymous, peakBytes: peak, load: MachineFacts.load,
        residentBefore: resident.isEmpty ? nil : resident.reduce(0, +) / Double(resident.count), bound: bound)
      list.append(measured)
      if json { show(try measured.json(machine).text()) }
      return result
    }
  }

  /// Prints the table, unless every line was printed already.
  func finish() throws {
    guard !json else { return }
    show(machine.line + "\n")
    show(try Measurement.table(list).text(.table, terminal: isatty(STDOUT_FILENO) == 1))
  }

  /// Whether every stage with a bound kept it.
  var allKept: Bool { list.allSatisfy { $0.kept != false } }

  private func show(_ text: String) {
    print(text)
    fflush(nil)
  }

  /// The C library's `malloc_trim`, which its Swift module leaves out; nil where it has none.
  private static let trim: (@convention(c) (Int) -> Int32)? = dlsym(nil, "malloc_trim").map {
    unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self)
  }

  /// Gives freed memory back and resets both marks, so that a stage does not inherit its predecessor's.
  private static func forgetPeaks() {
    _ = trim?(0)
    let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    if descriptor >= 0 {
      _ = write(descriptor, "5", 1)  // resets VmHWM
      close(descriptor)
    }
    MemoryWatch.start()
    MemoryWatch.restart()
  }
}

/// A moment on the clock and on that of processor time.
struct Moment: Sendable {
  /// Seconds on a clock that only runs forward.
  var seconds: Double
  /// Processor time of all threads of this process so far, in seconds.
  var processor: Double

  /// This moment.
  static var now: Moment {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Moment(seconds: Machine.seconds, processor: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9)
  }
}

/// The first moment at which something was reached; any thread may set it.
final class Mark: Sendable {
  private let moment = Mutex<Moment?>(nil)

  /// Sets the moment unless it is set.
  func set() { moment.withLock { if $0 == nil { $0 = .now } } }

  /// Hands the moment over and forgets it.
  func take() -> Moment? {
    moment.withLock { moment in
      defer { moment = nil }; return moment
    }
  }
}

import Glibc
import JSON
import Reports
import Runtime
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
  /// model that is in memory, where it looked.
  mutating func measure<R>(
    _ stage: String, _ what: String, amount: Double, unit: String, runs: Int, bound: UInt64? = nil,
    before: () throws -> Double? = { nil }, _ body: () throws -> R
  ) throws -> R {
    var seconds: [Double] = []
    var resident: [Double] = []
    var anonymous: UInt64 = 0
    var peak: UInt64 = 0
    while true {
      if let fraction = try before() { resident.append(fraction) }
      Self.forgetPeaks()
      let start = Machine.seconds
      let result = try body()
      seconds.append(Machine.seconds - start)
      anonymous = max(anonymous, MemoryWatch.peakAnonymousBytes)
      peak = max(peak, Machine.peakBytes)
      guard seconds.count >= runs else { continue }
      let measured = Measurement(
        stage: stage, what: what, threads: Parallel.threads, amount: amount, unit: unit, seconds: seconds,
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

  /// Resets both marks, so that a stage does not inherit its predecessor's.
  private static func forgetPeaks() {
    let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    if descriptor >= 0 {
      _ = write(descriptor, "5", 1)  // resets VmHWM
      close(descriptor)
    }
    MemoryWatch.start()
    MemoryWatch.restart()
  }
}

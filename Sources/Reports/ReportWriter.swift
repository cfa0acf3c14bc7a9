import JSON
import Runtime

/// Puts a report on disk: at once as `status: running`, then as it ended, each time as a whole.
public struct ReportWriter: Sendable {
  /// Where the report goes; nil writes nothing (a command without output that was not asked for one).
  public let path: String?

  /// A writer for one path.
  public init(path: String?) { self.path = path }

  /// `OUTPUT.report.json`, beside an output that must not hold foreign files.
  public static func path(beside output: String) -> String {
    var output = output
    while output.count > 1, output.hasSuffix("/") { output.removeLast() }
    return output + ".report.json"
  }

  /// `FOLDER/report.json`, for a run folder.
  public static func path(inside folder: String) -> String {
    folder.hasSuffix("/") ? folder + "report.json" : folder + "/report.json"
  }

  /// Does some work under a report.
  ///
  /// The report is written before the work begins, so that a path that cannot be written stops a long job before it
  /// starts and a killed job leaves evidence. An error is written into the report and thrown on; what the work had put
  /// into the report by then is kept.
  /// - Parameters:
  ///   - report: kind, run and inputs as far as they are known.
  ///   - gates: what must hold; outcomes go into the report, and one that does not makes the exit code 2.
  ///   - work: fills the report.
  /// - Returns: the final report; `run.exitCode` is what the process should end with.
  /// - Throws: what the work throws; ``FileError`` when the report cannot be written; ``ReportError`` for a gate on a
  ///   metric that the report does not have.
  @discardableResult
  public func record(
    _ report: ReportEnvelope, gates: [Gate] = [], _ work: (inout ReportEnvelope) throws -> Void
  ) throws -> ReportEnvelope {
    MemoryWatch.start()
    var report = report
    let began = Machine.seconds
    let before = ProcessBytes.now
    try write(report)
    func finish(_ status: RunStatus, _ exitCode: ExitCode) {
      report.run.status = status
      report.run.exitCode = exitCode
      report.run.finished = Machine.timestamp
      report.run.wallSeconds = Machine.seconds - began
      report.run.peakBytes = Machine.peakBytes
      report.run.peakAnonymousBytes = MemoryWatch.peakAnonymousBytes
      let after = ProcessBytes.now
      report.run.bytesRead = report.run.bytesRead ?? after.read - before.read
      report.run.bytesWritten = report.run.bytesWritten ?? after.written - before.written
    }
    do {
      try work(&report)
      report.gates += try gates.map { try $0.outcome(report.metrics) }
    } catch {
      let facts = ErrorFacts(error)
      report.run.error = facts
      finish(facts.exitCode == .interrupted ? .interrupted : .failed, facts.exitCode)
      // The first error is the one to know about, whatever becomes of the report.
      try? write(report)
      throw error
    }
    finish(.ok, report.gates.allSatisfy(\.held) ? .done : .gateFailed)
    try write(report)
    return report
  }

  /// Writes the report as it stands, replacing an older one in one step.
  /// - Throws: ``FileError``.
  public func write(_ report: ReportEnvelope) throws {
    guard let path else { return }
    try Files.makeFolder(Files.folder(of: path))
    try Files.write(report.json.text(.pretty) + "\n", to: path)
  }
}

/// Bytes this process has moved through read and write calls.
struct ProcessBytes {
  var read: UInt64 = 0
  var written: UInt64 = 0

  static var now: ProcessBytes {
    var bytes = ProcessBytes()
    guard let text = try? Files.readText("/proc/self/io") else { return bytes }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
      if parts[0] == "rchar:" { bytes.read = value }
      if parts[0] == "wchar:" { bytes.written = value }
    }
    return bytes
  }
}

import Glibc
import JSON
import Runtime

/// One run of another program: what it printed, how long it took and what it held.
struct ChildProcess: Sendable {
  /// Lines of its standard output that are JSON objects.
  var lines: [JSONValue]
  /// Seconds from start to end.
  var seconds: Double
  /// Processor seconds, user and system.
  var processorSeconds: Double
  /// Largest resident memory in bytes, mapped files included.
  var peakBytes: UInt64
  /// What it exited with, or minus the signal's number.
  var status: Int32
  /// Its last words on standard error.
  var complaint: String

  /// Variables that slow OpenBLAS down where they are set; no child sees them.
  static let hidden = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]

  /// Runs a program to its end.
  /// - Parameters:
  ///   - words: path and arguments.
  ///   - environment: what is set beside this process's own variables.
  /// - Throws: ``FileError`` when it cannot be started.
  static func run(_ words: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = own(environment).map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    let (output, errors) = (tmpfile(), tmpfile())
    guard let output, let errors else {
      throw FileError.failed(operation: "making a temporary file", path: "", reason: Files.lastReason)
    }
    defer {
      fclose(output)
      fclose(errors)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO)
    var pid = pid_t()
    let start = Machine.seconds
    let failed = posix_spawnp(&pid, words[0], &actions, nil, &arguments, &variables)
    guard failed == 0 else {
      throw FileError.failed(operation: "starting", path: words[0], reason: String(cString: strerror(failed)))
    }
    var status: Int32 = 0
    var used = rusage()
    while wait4(pid, &status, 0, &used) < 0 && errno == EINTR {}
    let seconds = Machine.seconds - start
    let signal = status & 0x7F
    func time(_ value: timeval) -> Double { Double(value.tv_sec) + Double(value.tv_usec) * 1e-6 }
    return ChildProcess(
      lines: text(output).split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
        try? JSONValue(parsing: String($0), source: words[0])
      },
      seconds: seconds, processorSeconds: time(used.ru_utime) + time(used.ru_stime),
      peakBytes: UInt64(used.ru_maxrss) * 1024, status: signal == 0 ? (status >> 8) & 0xFF : -signal,
      complaint: String(text(errors).split(separator: "\n").last ?? ""))
  }

  /// This process's variables with some set and the hidden ones left out.
  private static func own(_ changes: [String: String]) -> [String] {
    var result: [String] = []
    var place = environ
    while let entry = place.pointee {
      let text = String(cString: entry)
      let name = String(text.prefix { $0 != "=" })
      if !hidden.contains(name) && changes[name] == nil { result.append(text) }
      place += 1
    }
    return result + changes.map { "\($0.key)=\($0.value)" }
  }

  private static func text(_ file: UnsafeMutablePointer<FILE>) -> String {
    let size = lseek(fileno(file), 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: max(0, Int(size)))
    let count = pread(fileno(file), &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// The number at `key` of the first line that has it and, where `stage` is given, belongs to that stage.
  func number(_ key: String, stage: String? = nil) -> Double? {
    lines.lazy.filter { stage == nil || $0["stage"]?.string == stage }.compactMap { $0[key]?.double }.first
  }
}

import Checkpoints
import Glibc
import JSON
import Organism
import Reports
import Runtime
import Testing

/// The built program, run as a user runs it.
enum Program {
  /// How one run ended.
  struct Ending {
    /// Exit code; minus the signal's number where one ended it.
    var code: Int32
    var output: String
    var errors: String
    /// Processor time in seconds.
    var seconds: Double
  }

  /// The binary lies beside the test bundle.
  static let path: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let own = String(decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return Files.folder(of: own) + "/surgeon"
  }()

  /// Starts the program, in f32 unless the environment given or a flag says otherwise: what the processor has changes no
  /// test. `shell` runs a line of sh in its place, with the program as $SURGEON.
  static func start(
    _ arguments: [String], in folder: String, shell: String? = nil, environment: [String] = []
  )
    throws -> pid_t
  {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, folder + "/.stdout", O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    posix_spawn_file_actions_addopen(&actions, 2, folder + "/.stderr", O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    // A shell changes the folder and becomes the program: the process stays the same one.
    let line = "cd \"$0\" && " + (shell ?? "exec \"$SURGEON\" \"$@\"")
    let words = ["/bin/sh", "-c", line, folder] + arguments
    let home = ["SURGEON=\(path)", "HOME=\(folder)", "XDG_CACHE_HOME=\(folder)/.cache", "PATH=/usr/bin:/bin"]
    let isGiven = environment.contains { $0.hasPrefix("SURGEON_COMPUTE=") }
    let compute = isGiven ? [] : ["SURGEON_COMPUTE=f32"]
    var pid = pid_t()
    let status = Self.withCStrings(words) { argv in
      Self.withCStrings(home + environment + compute) { envp in
        posix_spawn(&pid, words[0], &actions, nil, argv, envp)
      }
    }
    guard status == 0 else {
      throw FileError.failed(operation: "starting", path: words[0], reason: "\(status)")
    }
    return pid
  }

  /// Waits until the program catches SIGINT: before that, the shell in front of it ignores the signal.
  static func waitForHandlers(_ pid: pid_t) {
    for _ in 0..<2000 {
      let status = (try? Files.readText("/proc/\(pid)/status")) ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
      let mask = line.flatMap { UInt64($0.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) } ?? 0
      if mask & 1 << UInt64(SIGINT - 1) != 0 { return }
      usleep(10_000)
    }
  }

  /// Waits for a started program.
  static func wait(_ pid: pid_t, in folder: String) throws -> Ending {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(pid, &status, 0, &usage) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) * 1e-6 }
    return Ending(
      code: signal == 0 ? (status >> 8) & 0xFF : -signal, output: try Files.readText(folder + "/.stdout"),
      errors: try Files.readText(folder + "/.stderr"), seconds: times[0] + times[1])
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], in folder: String, shell: String? = nil, environment: [String] = []
  ) throws -> Ending {
    try wait(start(arguments, in: folder, shell: shell, environment: environment), in: folder)
  }

  private static func withCStrings<R>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("at least the closing nil is there") }
      return body(base)
    }
  }
}

/// A folder of its own for one test, with the embedded model in `model`; removed at the end.
final class Scratch {
  let folder: String

  init(model: Bool = true) throws {
    var template = Array("/tmp/surgeon-program-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw FileError.cannotCreate(path: "/tmp", reason: Files.lastReason)
    }
    folder = String(cString: made)
    if model { try OrganismCheckpoint.write(to: folder + "/model") }
  }

  deinit { try? Files.remove(folder) }

  func path(_ name: String) -> String { folder + "/" + name }
  func write(_ text: String, to name: String) throws { try Files.write(text, to: path(name)) }
  func has(_ name: String) -> Bool { Files.exists(path(name)) }
  var names: [String] { (try? Files.list(folder).filter { !$0.hasPrefix(".") }) ?? [] }

  /// Runs the program here.
  func run(_ arguments: String...) throws -> Program.Ending { try Program.run(arguments, in: folder) }

  /// A report, checked against its schema.
  func report(_ name: String) throws -> JSONValue {
    let report = try JSONValue(file: path(name))
    try SchemaRegistry.validate(report, source: name)
    return report
  }

  /// Changes a JSON file of the model.
  func change(_ name: String, _ body: (inout JSONValue) -> Void) throws {
    var value = try JSONValue(file: path(name))
    body(&value)
    try Files.write(value.text(.pretty), to: path(name))
  }

  /// A patch of some rows of the second block's first MLP product.
  @discardableResult
  func patch(_ name: String = "p.patch.safetensors", model: String = "model", size: Float = 0.05) throws
    -> Patch
  {
    let checkpoint = try Checkpoint(folder: path(model))
    let tensor = checkpoint.tensorNames.first { $0.contains("layers.1.mlp.gate_proj") } ?? ""
    let width = checkpoint.entry(tensor)?.width ?? 0
    let delta = (0..<width).map { size * Float($0 % 7 - 3) }
    let patch = try Patch.build(checkpoint, [RowChange(tensor: tensor, rows: [0, 3, 5], delta: delta)])
    try patch.write(to: path(name))
    return patch
  }
}

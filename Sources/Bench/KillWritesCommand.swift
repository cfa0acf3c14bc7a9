import ArgumentParser
import Checkpoints
@preconcurrency import Glibc
import Runtime
import Tensors

/// `Bench kill-writes MODEL`: SIGKILL at random moments of writing, and what it left.
struct KillWritesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill-writes",
    abstract:
      "Kill surgeon edit apply at random moments; afterwards there is nothing or a whole, verified result.",
    discussion: """
      The moments are spread evenly over the time that an undisturbed run takes. After each: the source has the hashes it
      had, and at the output's name there is nothing, or a folder that verifies against base and patch. Whatever was
      left, the same command then succeeds (every tenth time; it is looked at too). Exit 1 at the first failure.

      Example: Bench kill-writes models/random-110m --points 100
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "How many kills.")
  var points = 100

  @Option(help: "The program. Default: surgeon beside this one.")
  var program: String?

  @Option(help: "Seed of the moments.")
  var seed: UInt64 = 0

  @Option(help: "Where outputs go for a while. Default: beside the model.")
  var scratch: String?

  func run() throws {
    let folder = "\(scratch ?? Files.folder(of: model))/bench-kills-\(getpid())"
    try Files.makeFolder(folder)
    defer { try? Files.remove(folder) }
    let base = try Checkpoint(folder: model, cache: .none)
    let patch = try makePatch(base)
    let patchFile = folder + "/p.patch.safetensors"
    try patch.write(to: patchFile)
    let hashes = try sourceHashes()
    let output = folder + "/out"
    let words = [
      try binary(), "edit", "apply", model, "--patch", patchFile, "-o", output, "--canaries", "0", "-q",
      "--report", folder + "/report.json",
    ]
    let begin = Machine.seconds
    guard try wait(start(words)) == 0 else { throw ValidationError("the undisturbed run failed") }
    let whole = Machine.seconds - begin
    try check(output, base, patch)
    try clear(folder, keeping: patchFile)
    var random = CounterRandom(seed: seed, stream: "kill-writes")
    var (nothing, partial, complete, reruns) = (0, 0, 0, 0)
    for point in 0..<points {
      let moment = (Double(point) + random.uniform()) / Double(points) * whole
      let child = try start(words)
      usleep(UInt32(moment * 1e6))
      kill(child, SIGKILL)
      _ = wait(child)
      guard try sourceHashes() == hashes else { throw ValidationError("kill \(point): the source changed") }
      if Files.exists(output) {
        complete += 1
        try check(output, base, patch)
      } else {
        let left = try Files.list(folder).filter(Files.isPartial)
        if left.isEmpty { nothing += 1 } else { partial += 1 }
        if point % 10 == 0 {
          guard try wait(start(words)) == 0 else { throw ValidationError("kill \(point): no second run") }
          try check(output, base, patch)
          reruns += 1
        }
      }
      try clear(folder, keeping: patchFile)
    }
    print(
      "\(points) kills over \(Format.seconds(whole)): \(nothing) before anything was written, \(partial) in the middle "
        + "(nothing at the output's name), \(complete) after it was whole; \(reruns) second runs; source unchanged, "
        + "every result verified")
  }

  private func binary() throws -> String {
    if let program { return program }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let own = String(decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return Files.folder(of: own) + "/surgeon"
  }

  /// Every fiftieth row of every matrix whose name ends as a gate's.
  private func makePatch(_ base: Checkpoint) throws -> Patch {
    let changes = base.tensorNames.filter { $0.hasSuffix("gate_proj.weight") }.compactMap { name in
      base.entry(name).map { entry in
        RowChange(
          tensor: name, rows: Array(stride(from: 0, to: entry.rows, by: 50)),
          delta: (0..<entry.width).map { 0.01 * Float($0 % 7 - 3) })
      }
    }
    return try Patch.build(base, changes)
  }

  private func sourceHashes() throws -> [String] {
    try Files.list(model).sorted().filter { !Files.isFolder("\(model)/\($0)") }.map {
      "\($0) \(try Files.sha256("\(model)/\($0)"))"
    }
  }

  private func check(_ output: String, _ base: Checkpoint, _ patch: Patch) throws {
    let report = try Checkpoint(folder: output, cache: .none).verify(base: base, patch: patch)
    guard report.agrees else {
      throw CheckpointError.verifyFailed(path: output, what: report.problems.joined(separator: "; "))
    }
  }

  private func clear(_ folder: String, keeping patch: String) throws {
    for name in try Files.list(folder) where "\(folder)/\(name)" != patch {
      try Files.remove("\(folder)/\(name)")
    }
  }

  private func start(_ words: [String]) throws -> pid_t {
    var pid = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let status = posix_spawn(&pid, words[0], &actions, nil, &arguments, environ)
    guard status == 0 else {
      throw FileError.failed(operation: "starting", path: words[0], reason: "\(status)")
    }
    return pid
  }

  /// The exit code, or minus the signal's number.
  private func wait(_ pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : -signal
  }
}

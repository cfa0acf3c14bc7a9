import Glibc
import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

@Suite struct CheckpointWriterTests {
  struct Stop: Error {}

  static let steps = [
    "file 1_Pooling", "file config.json", "file model-00002-of-00002.safetensors", "rows \(gate1)", "verify",
    "rename",
  ]

  /// Wherever writing ends, nothing stands at the output's name and nothing is left over.
  @Test(arguments: steps) func leavesNothingWhenItFails(at step: String) throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let before = try contents(base.folder)
    let patch = try Patch.build(base, sampleChanges())
    var seen = 0
    #expect(throws: Stop.self) {
      try patch.apply(
        to: base, output: scratch.file("edited"), undo: .beside, progress: ignoreProgress,
        onStep: {
          #expect(!Files.exists(scratch.file("edited")))
          if $0 == step {
            seen += 1
            throw Stop()
          }
        })
    }
    #expect(seen == 1)
    #expect(try Files.list(scratch.path) == ["base"])
    #expect(try contents(base.folder) == before)
  }

  /// A process that is killed in the middle leaves a partial folder and nothing under the output's name.
  @Test(arguments: steps) func survivesBeingKilled(at step: String) async throws {
    let scratch = try Scratch()
    try writeSample(scratch, sharded: true)
    let folder = scratch.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String, step = step as String] in
      let base = try Checkpoint(folder: "\(folder)/base", cache: .none)
      try Patch.build(base, sampleChanges()).apply(
        to: base, output: "\(folder)/edited", undo: .beside, progress: ignoreProgress,
        onStep: { if $0 == step { kill(getpid(), SIGKILL) } })
    }
    let names = try Files.list(folder)
    #expect(!names.contains("edited"))
    #expect(names.contains { $0.hasPrefix("edited.partial-") })
    // The same command afterwards succeeds: leftovers are in nobody's way.
    let base = try open(scratch.file("base"))
    try Patch.build(base, sampleChanges()).apply(to: base, output: scratch.file("edited"))
    // The undo file of another patch is not overwritten, even when its output was moved away.
    try Files.rename(scratch.file("edited"), to: scratch.file("kept"))
    let other = try Patch.build(base, [RowChange(tensor: gate0, rows: [1], delta: delta(16))])
    #expect(code { try other.apply(to: base, output: scratch.file("edited")) } == "OUTPUT_EXISTS")
  }

  @Test func namesAFullDisk() throws {
    let descriptor = Glibc.open("/dev/full", O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(
      code {
        try [UInt8](repeating: 0, count: 10).withUnsafeBytes {
          try Files.writeAll($0, to: descriptor, path: "out")
        }
      } == "NO_SPACE")
  }

  /// A file system that takes no more bytes: an error with a name, nothing left.
  @Test func reportsAFullDisk() async throws {
    let scratch = try Scratch()
    try writeSample(scratch)
    let folder = scratch.path
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      let base = try Checkpoint(folder: "\(folder)/base", cache: .none)
      let patch = try Patch.build(base, sampleChanges())
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 3000, rlim_max: 3000)
      guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(3) }
      do {
        try patch.apply(to: base, output: "\(folder)/edited")
        exit(4)
      } catch let error as FileError {
        guard error.exitCode == .inputOutput else { exit(5) }
      }
    }
    #expect(try Files.list(folder) == ["base"])
  }

  @Test func stopsWhenTheCopyReadsBackDifferently() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    var writer = try CheckpointWriter(source: base, output: scratch.file("edited"))
    writer.onStep = { step in
      guard step == "verify" else { return }
      let partial = try #require(try Files.list(scratch.path).first { $0.contains("partial") })
      let path = scratch.file("\(partial)/model.safetensors")
      var bytes = try Files.read(path)
      bytes[bytes.count - 1] ^= 1
      try Files.write(bytes, to: path)
    }
    let nothing: CheckpointWriter.Transform = { _, _ in }
    #expect(code { try writer.write([gate0: nothing], record: nil) } == "VERIFY_FAILED")
    writer.onStep = { step in
      guard step == "verify" else { return }
      let partial = try #require(try Files.list(scratch.path).first { $0.contains("partial") })
      try Files.write("{}", to: scratch.file("\(partial)/generation_config.json"))
    }
    #expect(code { try writer.write([gate0: nothing], record: nil) } == "VERIFY_FAILED")
    writer.onStep = { if $0 == "verify" { utimes("\(base.folder)/model.safetensors", nil) } }
    #expect(code { try writer.write([gate0: nothing], record: nil) } == "VERIFY_FAILED")
    #expect(code { try writer.write(["nope": nothing], record: nil) } == "TENSOR_UNKNOWN")
    #expect(try Files.list(scratch.path) == ["base"])
  }

  @Test func losesARaceForTheNameGracefully() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    var writer = try CheckpointWriter(source: base, output: scratch.file("edited"))
    writer.onStep = { if $0 == "rename" { try Files.makeFolder(scratch.file("edited")) } }
    #expect(code { try writer.write([:], record: nil) } == "OUTPUT_EXISTS")
    #expect(try Files.list(scratch.path) == ["base", "edited"])
  }

  @Test func followsLinksAndRefusesDeadOnes() throws {
    let scratch = try Scratch()
    let folder = try writeSample(scratch)
    // As in a download cache: the folder holds links to blobs elsewhere.
    try Files.makeFolder(scratch.file("blobs"))
    for name in ["model.safetensors", "config.json"] {
      try Files.rename("\(folder)/\(name)", to: scratch.file("blobs/\(name)"))
      #expect(symlink("../blobs/\(name)", "\(folder)/\(name)") == 0)
    }
    try Files.makeFolder("\(folder)/empty")
    let base = try open(folder)
    let patch = try Patch.build(base, sampleChanges())
    try patch.apply(to: base, output: scratch.file("edited"))
    var info = stat()
    #expect(lstat(scratch.file("edited/model.safetensors"), &info) == 0 && info.st_mode & S_IFMT == S_IFREG)
    #expect(Files.isFolder(scratch.file("edited/empty")))
    #expect(try open(scratch.file("edited")).verify(base: base, patch: patch).agrees)
    #expect(symlink("/nowhere", "\(folder)/dead") == 0)
    #expect(code { try patch.apply(to: try open(folder), output: scratch.file("x")) } == "NOT_COPYABLE")
    #expect(unlink("\(folder)/dead") == 0 && mkfifo("\(folder)/pipe", 0o600) == 0)
    #expect(code { try patch.apply(to: try open(folder), output: scratch.file("x")) } == "NOT_COPYABLE")
    // A dangling link at the output is something that exists.
    #expect(unlink("\(folder)/pipe") == 0 && symlink("/nowhere", scratch.file("x")) == 0)
    #expect(code { try patch.apply(to: try open(folder), output: scratch.file("x")) } == "OUTPUT_EXISTS")
  }

  @Test func isInterruptedBetweenBlocks() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    var writer = try CheckpointWriter(source: base, output: scratch.file("edited"))
    writer.onStep = { step in if step.hasPrefix("rows") { throw Interrupted() } }
    #expect(code { try writer.write([gate0: { _, _ in }], record: nil) } == "INTERRUPTED")
    #expect(try Files.list(scratch.path) == ["base"])
  }
}

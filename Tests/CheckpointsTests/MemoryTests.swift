import Glibc
import JSON
import Runtime
import Synchronization
import Tensors
import Testing

@testable import Checkpoints

/// Bounds on anonymous memory, in a process of its own. SURGEON_LARGE_MB sets the model's size (default 96 MB).
@Suite struct MemoryTests {
  static let megabytes = getenv("SURGEON_LARGE_MB").flatMap { Int(String(cString: $0)) } ?? 96

  @Test func editingHoldsOneBlockAtATime() async throws {
    let scratch = try Scratch()
    let folder = scratch.path
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      [folder = folder as String, size = Self.megabytes as Int] in
      try MemoryTests.run(folder, megabytes: size)
    }
    if let text = result?.standardErrorContent, Self.megabytes > 96 {
      print(String(decoding: text, as: UTF8.self))
    }
  }

  static func run(_ folder: String, megabytes: Int) throws {
    try writeLarge("\(folder)/base", megabytes: megabytes)
    let start = Machine.anonymousBytes
    let peak = Atomic<UInt64>(0)
    let watch: ProgressSink = { _ in
      _ = peak.max(Machine.anonymousBytes, ordering: .relaxed)
    }
    func timed<R>(_ what: String, _ body: () throws -> R) rethrows -> R {
      let begin = Machine.seconds
      let result = try body()
      watch(ProgressEvent(stage: what, completed: 1, total: 1, unit: "steps"))
      let seconds = Machine.seconds - begin
      let note = "\(what): \(seconds) s, peak \(peak.load(ordering: .relaxed) >> 20) MB anonymous\n"
      _ = note.withCString { write(2, $0, strlen($0)) }
      return result
    }
    let base = try timed("open") { try open("\(folder)/base") }
    _ = try timed("model hash") { try base.modelHash(progress: watch) }
    guard try timed("finite scan", { try base.firstNonFinite(progress: watch) }) == nil else { exit(4) }
    let changes = base.tensorNames.filter { $0.hasSuffix("gate_proj.weight") }.map { name in
      let rows = base.entry(name)?.rows ?? 0
      return RowChange(tensor: name, rows: Array(stride(from: 0, to: rows, by: 21)), delta: delta(2048))
    }
    let patch = try timed("build") { try Patch.build(base, changes, progress: watch) }
    let report = try timed("apply") { try patch.apply(to: base, output: "\(folder)/edited", progress: watch) }
    let edited = try open("\(folder)/edited")
    guard try timed("verify", { try edited.verify(base: base, patch: patch, progress: watch) }).agrees else {
      exit(5)
    }
    let undo = try Undo(file: report.undo ?? "")
    let back = try timed("revert") { try undo.revert(edited, output: "\(folder)/back", progress: watch) }
    guard back.isOriginal else { exit(6) }
    guard peak.load(ordering: .relaxed) < start + 60 << 20 else { exit(7) }
  }

  /// Blocks of a Llama 2048 wide, bf16, in one file.
  static func writeLarge(_ folder: String, megabytes: Int) throws {
    try Files.makeFolder(folder)
    let row = randomTensor([64, 2048], .bf16, scale: 0.02)
    func item(_ name: String, _ rows: Int, _ width: Int) -> SafetensorsWriter.Item {
      .init(name, dtype: .bf16, shape: [rows, width]) { emit in
        try withExtendedLifetime(row) {
          for _ in 0..<(rows * width / (64 * 2048)) { try emit(row.bytes) }
        }
      }
    }
    var items: [SafetensorsWriter.Item] = []
    for layer in 0..<max(1, megabytes / 96) {
      for (name, rows, width) in [
        ("self_attn.q_proj", 2048, 2048), ("self_attn.o_proj", 2048, 2048), ("mlp.gate_proj", 5632, 2048),
        ("mlp.up_proj", 5632, 2048), ("mlp.down_proj", 2048, 5632),
      ] {
        items.append(item("model.layers.\(layer).\(name).weight", rows, width))
      }
    }
    try SafetensorsWriter.write(items, to: "\(folder)/model.safetensors")
    try Files.write("{}", to: "\(folder)/config.json")
  }
}

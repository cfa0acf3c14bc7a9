import Architectures
import ArgumentParser
import Checkpoints
import Glibc
import Runtime
import Tensors
import Testing
import Tokenizers
import Transformers

@testable import Bench

/// Generated checkpoints open, run, and are the same bytes for the same seed.
struct MakeCheckpointTests {
  private static let tiny = [
    "--blocks", "2", "--width", "64", "--mlp-width", "96", "--heads", "4", "--key-value-heads", "2",
    "--context", "128",
  ]

  /// Makes a folder by command-line words, hands it to `body`, and removes it.
  private func withCheckpoint<R>(_ words: [String], _ body: (String) throws -> R) throws -> R {
    var name = Array("\(Self.temporary)/bench-XXXXXX".utf8CString)
    let scratch = try #require(mkdtemp(&name).map { String(cString: $0) })
    defer { try? Files.remove(scratch) }
    let folder = scratch + "/model"
    try MakeCheckpointCommand.parse(words + ["-o", folder]).checkpoint().write(to: folder)
    return try body(folder)
  }

  private static var temporary: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

  @Test(arguments: ["bf16", "f16", "f32"])
  func opensAndRuns(dtype: String) throws {
    try withCheckpoint(Self.tiny + ["--dtype", dtype]) { folder in
      let model = try Model(folder: folder)
      #expect(model.network.blocks == 2)
      #expect(model.network.width == 64)
      #expect(model.network.contextLength == 128)
      let tokenizer = try Tokenizer(folder: folder)
      let ids = tokenizer.encode("Mara: the mill\nTom: yes").ids
      #expect(ids.count > 4)
      let logits = try model.forward([ids]).logits[0]
      #expect(logits.shape == [ids.count, 1280])
      #expect(logits.toFloats().allSatisfy { $0.isFinite })
      let gate = try model.checkpoint.tensor("model.layers.1.mlp.gate_proj.weight")
      #expect(gate.dtype.rawValue == dtype.uppercased())
      #expect(gate.shape == [96, 64])
    }
  }

  @Test func weightsHaveTheirScale() throws {
    try withCheckpoint(Self.tiny) { folder in
      let checkpoint = try Checkpoint(folder: folder)
      let weights = try checkpoint.tensor("model.embed_tokens.weight").toFloats().map(Double.init)
      let mean = weights.reduce(0, +) / Double(weights.count)
      let deviation = (weights.reduce(0) { $0 + $1 * $1 } / Double(weights.count)).squareRoot()
      // 81,920 draws: the mean within 5 standard errors, the deviation within 2 %.
      #expect(abs(mean) < 5 * 0.02 / Double(weights.count).squareRoot())
      #expect(abs(deviation - 0.02) < 4e-4)
      #expect(try checkpoint.tensor("model.norm.weight").toFloats().allSatisfy { $0 == 1 })
      let rows = try checkpoint.tensor("model.layers.0.mlp.up_proj.weight").toFloats()
      let others = try checkpoint.tensor("model.layers.1.mlp.up_proj.weight").toFloats()
      #expect(rows != others)
    }
  }

  @Test func sameSeedSameBytes() throws {
    func hashes(_ seed: String) throws -> [String] {
      try withCheckpoint(Self.tiny + ["--seed", seed]) { folder in
        try Files.list(folder).map { "\($0) \(try Files.sha256(folder + "/" + $0))" }
      }
    }
    let first = try hashes("7")
    #expect(first.count == 5)
    #expect(try hashes("7") == first)
    let other = try hashes("8")
    #expect(
      zip(first, other).filter { $0 != $1 }.map { $0.0.split(separator: " ")[0] } == ["model.safetensors"])
  }

  @Test func untiedHeadAndPublishedCount() {
    let shapes = Dictionary(uniqueKeysWithValues: CheckpointShape.named.map { ($0.name, $0.shape) })
    #expect(shapes["1.1b"]?.parameterCount == 1_100_048_384)  // TinyLlama 1.1B
    #expect(shapes["1.1b"]?.slots.last?.name == "lm_head.weight")
    #expect(shapes["110m"]?.parameterCount == 109_529_856)  // stories110M
    #expect(shapes["110m"]?.slots.last?.name == "model.norm.weight")
  }

  @Test(arguments: [
    ["--width", "65"], ["--heads", "3"], ["--key-value-heads", "3"], ["--vocabulary", "100"],
    ["--blocks", "0"],
    ["--shape", "giant"], ["--dtype", "i8"],
  ])
  func refuses(words: [String]) {
    #expect(throws: (any Error).self) { try MakeCheckpointCommand.parse(words + ["-o", "never-written"]) }
    #expect(!Files.exists("never-written"))
  }

  @Test func overwritesNothing() throws {
    try withCheckpoint(Self.tiny) { folder in
      let before = try Files.sha256(folder + "/model.safetensors")
      let generated = try MakeCheckpointCommand.parse(["--seed", "3", "-o", folder]).checkpoint()
      #expect(throws: FileError.self) { try generated.write(to: folder) }
      #expect(try Files.sha256(folder + "/model.safetensors") == before)
    }
  }
}

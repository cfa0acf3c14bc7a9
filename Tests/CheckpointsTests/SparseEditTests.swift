import JSON
import OrderedCollections
import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// Patches of the third kind: new values at single places.
@Suite struct SparseEditTests {
  /// A copy of a checkpoint with some tensors changed by hand.
  static func edited(
    _ base: Checkpoint, _ folder: String, _ change: (String, UnsafeMutableRawBufferPointer, DType) -> Void
  ) throws -> Checkpoint {
    var transforms: [String: CheckpointWriter.Transform] = [:]
    for name in base.tensorNames {
      guard let entry = base.entry(name) else { continue }
      let width = entry.width * entry.dtype.size
      let copy = Tensor(zeros: entry.shape, dtype: entry.dtype)
      let bytes = UnsafeMutableRawBufferPointer(start: copy.storage.base, count: copy.byteCount)
      bytes.copyBytes(from: stored(try base.tensor(name)))
      change(name, bytes, entry.dtype)
      transforms[name] = { rows, block in
        block.copyBytes(from: bytes[rows.lowerBound * width..<rows.upperBound * width])
        withExtendedLifetime(copy) {}
      }
    }
    try CheckpointWriter(source: base, output: folder).write(transforms, record: nil)
    return try open(folder)
  }

  static func stored(_ tensor: Tensor) -> [UInt8] { bytes(tensor) }

  /// Zeros a share of the weights of each matrix: pruning.
  static func pruned(_ base: Checkpoint, _ folder: String, share: Double, seed: UInt64 = 1) throws
    -> Checkpoint
  {
    try edited(base, folder) { name, bytes, dtype in
      guard name.contains("mlp") else { return }
      var random = CounterRandom(seed: seed, stream: name)
      for place in 0..<bytes.count / dtype.size where random.uniform() < share {
        for byte in 0..<dtype.size { bytes[place * dtype.size + byte] = 0 }
      }
    }
  }

  /// Applying gives the edited bytes exactly, the file reads back, and reverting restores every byte.
  @Test func appliesAndRevertsExactly() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let target = try Self.edited(base, scratch.file("target")) { name, bytes, dtype in
      // New values that no sum of base and difference need give, a negative zero, and an untouched tensor.
      guard name != "model.norm.weight" else { return }
      var random = CounterRandom(seed: 2, stream: name)
      for place in 0..<bytes.count / dtype.size where random.uniform() < 0.3 {
        switch dtype {
        case .f32:
          bytes.storeBytes(of: Float(random.normal()) * 1e-30, toByteOffset: place * 4, as: Float.self)
        default:
          bytes.storeBytes(
            of: place % 7 == 0 ? 0x8000 : UInt16(random.below(0x3000)), toByteOffset: place * 2,
            as: UInt16.self)
        }
      }
    }
    let patch = try Patch.difference(from: base, to: target, provenance: ["made": "by hand"])
    #expect(patch.sparse.count == 5 && patch.edits.isEmpty && patch.projections.isEmpty)
    try patch.write(to: scratch.file("p.safetensors"))
    let read = try Patch(file: scratch.file("p.safetensors"))
    #expect(read == patch)
    #expect(try read.sha256() == patch.sha256())
    #expect(try SafetensorsFile(path: scratch.file("p.safetensors")).metadata?["version"] == "3")

    let report = try read.apply(to: base, output: scratch.file("out"))
    let written = try open(scratch.file("out"))
    for name in base.tensorNames {
      #expect(bytes(try written.tensor(name)) == bytes(try target.tensor(name)), "\(name)")
    }
    #expect(report.outcome.untouchedTensors == 1)
    #expect(
      report.edited == report.changed && report.changed == patch.sparse.reduce(0) { $0 + $1.places.count })
    #expect(report.rowsChanged == patch.rowCount)
    #expect(try written.verify(base: base, patch: read).agrees)
    #expect(code { try read.apply(to: written, output: scratch.file("twice")) } == "PATCH_APPLIED_ALREADY")

    // The undo file holds the old values of the places alone.
    let undo = try Undo(file: report.undo ?? "")
    #expect(undo.items.allSatisfy { $0.places != nil })
    let reverted = try undo.revert(written, output: scratch.file("back"))
    #expect(reverted.isOriginal)
    let (a, b) = (try contents(scratch.file("base")), try contents(scratch.file("back")))
    #expect(a.filter { $0.key != "surgeon.edit.json" } == b.filter { $0.key != "surgeon.edit.json" })
    #expect(code { try undo.revert(base, output: scratch.file("x")) } == "REVERTED_ALREADY")
  }

  /// Pruning needs no values: one zero stands for all.
  @Test func prunedDifferencesAreSmall() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let target = try Self.pruned(base, scratch.file("pruned"), share: 0.5)
    let patch = try Patch.difference(from: base, to: target)
    #expect(patch.sparse.allSatisfy { $0.values.isOne && $0.places.encoding == .bitmask })
    try patch.write(to: scratch.file("p"))
    #expect(try Patch(file: scratch.file("p")) == patch)
    try patch.apply(to: base, output: scratch.file("out"))
    #expect(try open(scratch.file("out")).modelHash == target.modelHash)
    let few = try Self.pruned(base, scratch.file("few"), share: 0.01, seed: 4)
    #expect(try Patch.difference(from: base, to: few).sparse.allSatisfy { $0.places.encoding == .gaps })
  }

  @Test func stackedPatchesComposeToTheLast() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let first = try Self.pruned(base, scratch.file("first"), share: 0.3)
    let second = try Self.edited(first, scratch.file("second")) { name, bytes, dtype in
      guard name == gate0 || name == conv else { return }
      for place in stride(from: 0, to: bytes.count / 2, by: 3) {
        bytes.storeBytes(of: UInt16(0x3C00 + place % 5), toByteOffset: place * 2, as: UInt16.self)
      }
    }
    let (one, two) = (
      try Patch.difference(from: base, to: first), try Patch.difference(from: first, to: second)
    )
    #expect(code { try two.apply(to: base, output: scratch.file("x")) } == "PATCH_OTHER_BASE")
    let composed = try Patch.compose([.init(one), .init(two)], on: base)
    try composed.apply(to: base, output: scratch.file("out"))
    #expect(try open(scratch.file("out")).modelHash == second.modelHash)
  }

  /// A scaled difference is rounded once, and meets rows of another patch by addition.
  @Test func scalesAndAddsRows() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let target = try Self.pruned(base, scratch.file("pruned"), share: 0.5)
    let sparse = try Patch.difference(from: base, to: target)
    let d = delta(16, seed: 3)
    let rows = try Patch.build(base, [RowChange(tensor: gate1, rows: [2, 5], delta: d)])
    let composed = try Patch.compose([.init(sparse, scale: 0.5), .init(rows, scale: -2)], on: base)
    try composed.apply(to: base, output: scratch.file("out"))
    let (old, new) = (values(try base.tensor(gate1)), values(try open(scratch.file("out")).tensor(gate1)))
    let end = values(try target.tensor(gate1))
    for place in old.indices {
      var sum: Float = 0
      if end[place].bitPattern != old[place].bitPattern {
        sum = Float(0.5 * (Double(end[place]) - Double(old[place])))
      }
      if [2, 5].contains(place / 16) { sum += Float(Double(d[place % 16]) * -2) }
      #expect(new[place] == (sum == 0 ? old[place] : old[place] + sum), "\(place)")
    }
    // Turned round and added to itself nothing is left.
    #expect(
      code { _ = try Patch.compose([.init(sparse, scale: 0.25), .init(sparse, scale: -0.25)], on: base) }
        == "NOTHING_CHANGED")
    // A tensor that loses a direction does not add up with places.
    let ablated = try Patch.build(
      base,
      projections: [ProjectionChange(tensor: gate1, vectors: .rows, direction: delta(16), strength: 1)])
    #expect(code { _ = try Patch.compose([.init(sparse), .init(ablated)], on: base) } == "CANNOT_COMPOSE")
  }

  @Test func whatIsNoDifferenceIsRefused() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    #expect(code { _ = try Patch.difference(from: base, to: base) } == "NOTHING_CHANGED")
    let other = scratch.file("other")
    try Files.makeFolder(other)
    try SafetensorsWriter.write(
      [.init("model.norm.weight", randomTensor([16], .bf16))], to: "\(other)/model.safetensors")
    try Files.write("{}", to: "\(other)/config.json")
    #expect(code { _ = try Patch.difference(from: base, to: try open(other)) } == "CANNOT_COMPOSE")
    let infinite = try Self.edited(base, scratch.file("inf")) { name, bytes, _ in
      if name == gate0 { bytes.storeBytes(of: 0x7F80, toByteOffset: 0, as: UInt16.self) }
    }
    #expect(code { _ = try Patch.difference(from: base, to: infinite) } == "EDIT_NOT_FINITE")
    let patch = try Patch.difference(from: base, to: try Self.pruned(base, scratch.file("p"), share: 0.5))
    #expect(
      code { try LoRAExport.write(patch, base: base, to: scratch.file("lora")) } == "CANNOT_EXPORT")
  }

  /// Every way in which a patch file can be damaged.
  @Test func attacksOnTheFile() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let target = try Self.pruned(base, scratch.file("pruned"), share: 0.5)
    let patch = try Patch.difference(from: base, to: target)
    try patch.write(to: scratch.file("p"))
    let file = try SafetensorsFile(path: scratch.file("p"))
    func rewritten(
      _ name: String = "q", version: String = "3", _ change: (inout JSONValue) -> Void = { _ in },
      tensors: (inout [(String, Tensor)]) -> Void = { _ in }
    ) throws -> String? {
      var record = try JSONValue(parsing: file.metadata?["record"] ?? "", source: "x")
      change(&record)
      var items = try file.names.map { ($0, try file.tensor($0)) }
      tensors(&items)
      try? Files.remove(scratch.file(name))
      try SafetensorsWriter.write(
        items.map { .init($0.0, $0.1) },
        metadata: ["format": "surgeon-patch", "version": version, "record": try record.text()],
        to: scratch.file(name))
      return code { _ = try Patch(file: scratch.file(name)) }
    }
    func edit(_ record: inout JSONValue, _ key: String, _ value: JSONValue) {
      var list = record["sparse"]?.array ?? []
      list[0][key] = value
      record["sparse"] = .array(list)
    }
    #expect(try rewritten() == nil)
    #expect(try rewritten(version: "2") == "PATCH_BAD")
    #expect(try rewritten(version: "4") == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "count", 3) } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "count", 0) } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "count", -1) } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "encoding", "gaps") } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "encoding", "2-of-4") } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "shape", [24, 17]) } == "PATCH_BAD")
    #expect(try rewritten { edit(&$0, "dtype", "F32") } == "PATCH_BAD")
    #expect(
      try rewritten { record in
        var list = record["sparse"]?.array ?? []
        list[1] = list[0]
        record["sparse"] = .array(list)
      } != nil)
    #expect(try rewritten(tensors: { $0.removeAll { $0.0 == "places.0" } }) == "PATCH_BAD")
    #expect(try rewritten(tensors: { $0.removeAll { $0.0 == "values.0" } }) == "PATCH_BAD")
    // Another base by its hash: read, and refused where it is applied.
    #expect(try rewritten("r") { edit(&$0, "before", .string(String(repeating: "0", count: 64))) } == nil)
    #expect(
      code { try Patch(file: scratch.file("r")).apply(to: base, output: scratch.file("y")) }
        == "PATCH_OTHER_BASE")
    #expect(try rewritten("s") { edit(&$0, "after", .string(String(repeating: "0", count: 64))) } == nil)
    #expect(
      code { try Patch(file: scratch.file("s")).apply(to: base, output: scratch.file("y")) }
        == "PATCH_INCONSISTENT")
    #expect(!Files.exists(scratch.file("y")))
  }
}

import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors
import Testing

@testable import Checkpoints

let gate0 = "model.layers.0.mlp.gate_proj.weight"
let gate1 = "model.layers.1.mlp.gate_proj.weight"
let down0 = "model.layers.0.mlp.down_proj.weight"
let conv = "h.0.mlp.c_fc.weight"

func delta(_ count: Int, seed: UInt64 = 9, scale: Double = 0.05) -> [Float] {
  var random = CounterRandom(seed: seed, stream: "delta")
  return (0..<count).map { _ in Float(random.normal() * scale) }
}

func open(_ folder: String) throws -> Checkpoint { try Checkpoint(folder: folder, cache: .none) }

/// Edits of every stored type, two deltas in one tensor, and a transposed matrix.
func sampleChanges(scale: Double = 0.05) -> [RowChange] {
  [
    RowChange(tensor: gate0, rows: [3, 0, 23], delta: delta(16, scale: scale)),
    RowChange(tensor: gate1, rows: [1], delta: delta(16, scale: scale)),
    RowChange(tensor: gate1, rows: [7, 5], delta: delta(16, seed: 10, scale: scale)),
    RowChange(tensor: down0, rows: [15], delta: delta(24, scale: scale)),
    RowChange(tensor: conv, rows: [39, 0, 7], transposed: true, delta: delta(16, scale: scale)),
  ]
}

@Suite struct PatchTests {
  /// Every value of the result against the arithmetic written out one value at a time.
  @Test func editsExactlyTheNamedRows() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let changes = sampleChanges()
    let patch = try Patch.build(base, changes)
    let report = try patch.apply(to: base, output: scratch.file("edited"))
    let edited = try open(scratch.file("edited"))
    var changed = 0
    for name in base.tensorNames {
      let entry = try #require(base.entry(name))
      let (old, new) = (bytes(try base.tensor(name)), bytes(try edited.tensor(name)))
      for place in 0..<entry.count {
        let (row, column) = (place / entry.width, place % entry.width)
        var addend: Float?
        for change in changes where change.tensor == name {
          if change.rows.contains(change.transposed ? column : row) {
            addend = change.delta[change.transposed ? row : column]
          }
        }
        let size = entry.dtype.size
        let (before, after) = (
          old[(place * size)..<((place + 1) * size)], new[(place * size)..<((place + 1) * size)]
        )
        guard let addend else {
          #expect(before.elementsEqual(after))
          continue
        }
        if !before.elementsEqual(after) { changed += 1 }
        #expect(after.map { $0 } == naive(before.map { $0 }, entry.dtype, addend), "\(name)[\(place)]")
      }
    }
    #expect(report.changed == changed)
    #expect(report.edited == 3 * 16 + 3 * 16 + 24 + 3 * 16)
    #expect(report.rowsChanged == 10)
    #expect(report.outcome.untouchedTensors == 2)
    #expect(report.outcome.rowsRewritten == [gate0: 3, gate1: 3, down0: 1, conv: 16])
    #expect(try edited.modelHash == report.modelAfter)
    #expect(try base.modelHash == report.modelBefore)
    #expect(report.effects.allSatisfy { abs($0.delivered - 1) < 0.1 })
  }

  static let bf16 = (0..<65536).map { Double(Float(bitPattern: UInt32($0) << 16)) }
  static let f16 = (0..<65536).map { Double(Float16(bitPattern: UInt16($0))) }

  /// Rounds by a search over all 65,536 words (16-bit types): the nearest, and of two the even one.
  func naive(_ bytes: [UInt8], _ dtype: DType, _ delta: Float) -> [UInt8] {
    func bytesOf<T>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    if dtype == .f32 {
      let old = bytes.withUnsafeBytes { Float(bitPattern: $0.loadUnaligned(as: UInt32.self)) }
      return bytesOf((old + delta).bitPattern)
    }
    let values = dtype == .bf16 ? Self.bf16 : Self.f16
    let word = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    let sum = Double(Float(values[Int(word)]) + delta)
    var best: (distance: Double, word: UInt16) = (.infinity, 0)
    for (candidate, value) in values.enumerated() where value.isFinite {
      let distance = abs(value - sum)
      if distance < best.distance || (distance == best.distance && candidate & 1 == 0 && candidate != 0x8000)
      {
        best = (distance, UInt16(candidate))
      }
    }
    return bytesOf(best.word)
  }

  @Test func keepsFilesHeadersAndShards() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let patch = try Patch.build(base, [RowChange(tensor: gate1, rows: [2], delta: delta(16))])
    try patch.apply(to: base, output: scratch.file("edited"))
    let (old, new) = (try contents(base.folder), try contents(scratch.file("edited")))
    #expect(Set(new.keys) == Set(old.keys).union(["surgeon.edit.json"]))
    for (name, bytes) in old where name != "model-00002-of-00002.safetensors" {
      #expect(new[name] == bytes, "\(name)")
    }
    let (first, second) = (
      try #require(old["model-00002-of-00002.safetensors"]),
      try #require(new["model-00002-of-00002.safetensors"])
    )
    let start = try #require(base.entry(gate1)).byteRange.lowerBound
    let moved = first.indices.filter { first[$0] != second[$0] }
    #expect(moved.allSatisfy { ((start + 2 * 64)..<(start + 3 * 64)).contains($0) })
    #expect(!moved.isEmpty)
    let record = try JSONValue(file: scratch.file("edited/surgeon.edit.json"))
    #expect(record["edits"]?.array?.count == 1)
    #expect(record["edits"]?.array?[0]["model_after"]?.string == (try open(scratch.file("edited")).modelHash))
    #expect(try Files.list(scratch.path) == ["base", "edited", "edited.undo.safetensors"])
  }

  @Test func fileRoundTripIsExactAndStable() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges(), provenance: ["probe": "p", "alpha": 1.08])
    try patch.write(to: scratch.file("a.patch.safetensors"))
    try Patch(file: scratch.file("a.patch.safetensors")).write(to: scratch.file("b.patch.safetensors"))
    #expect(try Patch(file: scratch.file("a.patch.safetensors")) == patch)
    let bytes = try Files.read(scratch.file("a.patch.safetensors"))
    #expect(try Files.read(scratch.file("b.patch.safetensors")) == bytes)
    #expect(try patch.sha256() == SHA256.hex(bytes))
    #expect(patch.deltas.count == 3)  // equal deltas are stored once
    #expect(code { try patch.write(to: scratch.file("a.patch.safetensors")) } == "OUTPUT_EXISTS")
    #expect(code { try patch.write(to: scratch.file("base/a.patch.safetensors")) } == "OUTPUT_INSIDE_SOURCE")
  }

  @Test func refusesWhatDoesNotFit() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges())
    try patch.apply(to: base, output: scratch.file("edited"), undo: .none)
    let edited = try open(scratch.file("edited"))
    #expect(code { try patch.apply(to: edited, output: scratch.file("x")) } == "PATCH_APPLIED_ALREADY")
    // Another patch on top makes it another base.
    let second = try Patch.build(edited, [RowChange(tensor: gate0, rows: [3], delta: delta(16, seed: 3))])
    try second.apply(to: edited, output: scratch.file("twice"), undo: .none)
    let twice = try open(scratch.file("twice"))
    #expect(code { try patch.apply(to: twice, output: scratch.file("x")) } == "PATCH_OTHER_BASE")
    #expect(code { try second.apply(to: base, output: scratch.file("x")) } == "PATCH_OTHER_BASE")
    #expect(try JSONValue(file: scratch.file("twice/surgeon.edit.json"))["edits"]?.array?.count == 2)
    // Another shape, a missing tensor.
    let other = try writeOther(scratch)
    #expect(code { try patch.apply(to: other, output: scratch.file("x")) } == "PATCH_SHAPE_DIFFERS")
    let bare = try Patch.build(base, [RowChange(tensor: down0, rows: [1], delta: delta(24))])
    #expect(code { try bare.apply(to: other, output: scratch.file("x")) } == "PATCH_TENSOR_MISSING")
    #expect(code { try patch.apply(to: base, output: scratch.file("edited")) } == "OUTPUT_EXISTS")
    #expect(code { try patch.apply(to: base, output: scratch.file("base/sub/x")) } == "OUTPUT_INSIDE_SOURCE")
    #expect(
      code { try patch.apply(to: base, output: scratch.file("x"), undo: .file(scratch.file("x/undo"))) }
        == "OUTPUT_INSIDE_SOURCE")
    #expect(!Files.exists(scratch.file("x")))
    #expect(try Files.list(scratch.path).allSatisfy { !$0.contains("partial") })
  }

  func writeOther(_ scratch: Scratch) throws -> Checkpoint {
    try Files.makeFolder(scratch.file("other"))
    try SafetensorsWriter.write(
      [.init(gate0, randomTensor([25, 16], .bf16))], to: scratch.file("other/model.safetensors"))
    try Files.write("{}", to: scratch.file("other/config.json"))
    return try open(scratch.file("other"))
  }

  @Test func refusesEditsThatVanishOrOverflow() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    func built(_ change: RowChange) -> String? { code { _ = try Patch.build(base, [change]) } }
    #expect(built(RowChange(tensor: gate0, rows: [1], delta: delta(16, scale: 1e-9))) == "NOTHING_CHANGED")
    #expect(
      built(RowChange(tensor: gate0, rows: [1], delta: [Float](repeating: 0, count: 16))) == "NOTHING_CHANGED"
    )
    #expect(
      built(RowChange(tensor: down0, rows: [1], delta: [Float](repeating: 65520, count: 24)))
        == "EDIT_NOT_FINITE")
    #expect(built(RowChange(tensor: down0, rows: [1], delta: [Float](repeating: 65000, count: 24))) == nil)
    #expect(
      built(
        RowChange(tensor: gate0, rows: [1], delta: [Float](repeating: .greatestFiniteMagnitude, count: 16)))
        == "EDIT_NOT_FINITE")
    #expect(
      built(RowChange(tensor: gate0, rows: [1], delta: [Float](repeating: .nan, count: 16)))
        == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: gate0, rows: [24], delta: delta(16))) == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: gate0, rows: [-1], delta: delta(16))) == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: gate0, rows: [1, 1], delta: delta(16))) == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: gate0, rows: [1], delta: delta(15))) == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: conv, rows: [39], delta: delta(40))) == "PATCH_INCONSISTENT")
    #expect(
      built(RowChange(tensor: "model.norm.weight", rows: [0], transposed: true, delta: delta(16)))
        == "PATCH_INCONSISTENT")
    #expect(built(RowChange(tensor: "nope", rows: [0], delta: delta(16))) == "PATCH_TENSOR_MISSING")
    #expect(built(RowChange(tensor: gate0, rows: [], delta: [])) == "PATCH_INCONSISTENT")
    #expect(
      code {
        _ = try Patch.build(
          base,
          [
            RowChange(tensor: gate0, rows: [1, 2], delta: delta(16)),
            RowChange(tensor: gate0, rows: [2], delta: delta(16, seed: 1)),
          ])
      } == "PATCH_INCONSISTENT")
  }

  @Test func countsWhatTheTypeRoundsAway() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(
      base,
      [
        RowChange(tensor: gate0, rows: Array(0..<24), delta: delta(16, scale: 2e-4)),
        RowChange(tensor: gate1, rows: Array(0..<24), delta: delta(16, scale: 2e-4)),
      ])
    let effects = try patch.effects(on: base)
    #expect(effects[0].roundedAway > 0.3 && effects[0].roundedAway < 1)
    #expect(effects[1].roundedAway == 0)
    #expect(abs(effects[1].delivered - 1) < 1e-3)
  }

  @Test func refusesDamagedPatchFiles() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges())
    try patch.write(to: scratch.file("p"))
    let file = try SafetensorsFile(path: scratch.file("p"))
    let metadata = try #require(file.metadata)
    func codeWith(_ key: String, _ value: String) throws -> String? {
      var changed = metadata
      changed[key] = value
      let items = try file.names.map { SafetensorsWriter.Item($0, try file.tensor($0)) }
      try SafetensorsWriter.write(items, metadata: changed, to: scratch.file("q"))
      return code { _ = try Patch(file: scratch.file("q")) }
    }
    let record = try #require(metadata["record"])
    #expect(try codeWith("version", "2") == "PATCH_BAD")
    #expect(try codeWith("format", "pt") == "PATCH_BAD")
    #expect(try codeWith("record", "{") == "PATCH_BAD")
    #expect(try codeWith("record", "{}") == "PATCH_BAD")
    #expect(try codeWith("record", record.replacing("\"deltas\":3", with: "\"deltas\":9")) == "PATCH_BAD")
    #expect(
      try codeWith("record", record.replacing("\"deltas\":3", with: "\"deltas\":2")) == "PATCH_INCONSISTENT")
    #expect(
      try codeWith("record", record.replacing("[24,16]", with: "[9999999999,9999999999]")) == "PATCH_BAD")
    #expect(try codeWith("record", record) == nil)
    // A delta changed after the patch was made: the promise of the after-hash does not hold.
    let lie = try Patch(deltas: patch.deltas.map { $0.map { $0 * 2 } }, edits: patch.edits)
    #expect(code { try lie.apply(to: base, output: scratch.file("x")) } == "PATCH_INCONSISTENT")
  }

  @Test func editsStackedMatrices() throws {
    let scratch = try Scratch()
    try Files.makeFolder(scratch.file("moe"))
    let experts = randomTensor([3, 4, 5], .f32, seed: 1)
    try SafetensorsWriter.write(
      [.init("a", experts), .init("b", experts)], to: scratch.file("moe/model.safetensors"))
    try Files.write("{}", to: scratch.file("moe/config.json"))
    let base = try open(scratch.file("moe"))
    let patch = try Patch.build(
      base,
      [
        RowChange(tensor: "a", rows: [2 * 4 + 1], delta: [1, 2, 3, 4, 5]),
        RowChange(tensor: "b", rows: [5 * 1 + 2, 0], transposed: true, delta: [1, 2, 3, 4]),
      ])
    let report = try patch.apply(to: base, output: scratch.file("out"))
    let edited = try open(scratch.file("out"))
    let (a, b) = (values(try edited.tensor("a")), values(try edited.tensor("b")))
    for e in 0..<3 {
      for k in 0..<4 {
        for n in 0..<5 {
          let place = (e * 4 + k) * 5 + n
          let old = experts.f32[place]
          #expect(a[place] == (e == 2 && k == 1 ? old + Float(n + 1) : old))
          #expect(b[place] == ((e == 1 && n == 2) || (e == 0 && n == 0) ? old + Float(k + 1) : old))
        }
      }
    }
    try Undo(file: try #require(report.undo)).revert(edited, output: scratch.file("back"))
    #expect(try contents(scratch.file("back")) == (try contents(scratch.file("moe"))))
  }
}

import Architectures
import Checkpoints
import JSON
import LinearAlgebra
import Organism
import Runtime
import Surgery
import Tensors
import TestSupport
import Testing
import Transformers

/// Forensics: what was done to a checkpoint is read off its numbers alone.
@Suite struct DiffTests {
  /// A folder of its own, removed at the end.
  final class Scratch {
    private let folder: TemporaryFolder
    var path: String { folder.path }
    init() throws { folder = try TemporaryFolder() }

    func checkpoint(_ name: String, _ tensors: [(String, Tensor)], files: [String: String] = [:]) throws
      -> Checkpoint
    {
      try Files.makeFolder("\(path)/\(name)")
      try SafetensorsWriter.write(
        tensors.map { SafetensorsWriter.Item($0.0, $0.1) }, to: "\(path)/\(name)/model.safetensors")
      try Files.write("{}", to: "\(path)/\(name)/config.json")
      for (file, text) in files { try Files.write(text, to: "\(path)/\(name)/\(file)") }
      return try Checkpoint(folder: "\(path)/\(name)", cache: .none)
    }
  }

  static func normal(_ count: Int, seed: UInt64, scale: Double = 1) -> [Float] {
    var random = CounterRandom(seed: seed, stream: "diff")
    return (0..<count).map { _ in Float(random.normal() * scale) }
  }

  static func matrix(_ rows: Int, _ columns: Int, seed: UInt64, scale: Double = 0.05) -> [Float] {
    normal(rows * columns, seed: seed, scale: scale)
  }

  static func cosine(_ a: [Double], _ b: [Double]) -> Double {
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      ab += x * y
      aa += x * x
      bb += y * y
    }
    return ab / (aa * bb).squareRoot()
  }

  @Test(arguments: [DType.f32, .bf16, .f16])
  func readsModelSurgeryOffTheNumbers(_ dtype: DType) throws {
    let scratch = try Scratch()
    let (rows, width) = (90, 48)
    let names = (0..<3).map { "model.layers.\($0).mlp.gate_proj.weight" }
    let base = try scratch.checkpoint(
      "a",
      names.enumerated().map { index, name in
        (name, Tensor(Self.matrix(rows, width, seed: UInt64(index)), shape: [rows, width], dtype: dtype))
      } + [("other", Tensor(Self.normal(40, seed: 9), dtype: dtype))], files: ["note.txt": "x"])
    let direction = Self.normal(width, seed: 77)
    let length = direction.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let delta = direction.map { Float(0.2 * Double($0) / length) }
    let chosen = [[1, 2, 50], [0, 7, 8, 9, 10, 89], [33]]
    let patch = try Patch.build(
      base, zip(names, chosen).map { RowChange(tensor: $0, rows: $1, delta: delta) })
    try patch.apply(to: base, output: scratch.path + "/b", undo: .none)
    let edited = try Checkpoint(folder: scratch.path + "/b", cache: .none)

    let probes = [
      Diff.ProbeDirection(name: "mine", site: .finalNorm, direction: direction.map(Double.init)),
      Diff.ProbeDirection(
        name: "foreign", site: .finalNorm, direction: Self.normal(width, seed: 5).map(Double.init)),
      Diff.ProbeDirection(name: "wide", site: .finalNorm, direction: [1, 2, 3]),
    ]
    let diff = try Diff(base, edited, probes: probes)
    #expect(diff.verdict == .modelSurgery)
    #expect(diff.movements.map(\.difference.rows) == chosen)
    #expect(diff.movements.allSatisfy { $0.spectrum?.rank == 1 && $0.spectrum?.isLowerBound == false })
    #expect(diff.difference.filesOnlyInSecond == [CheckpointWriter.recordName])
    let edit = try #require(diff.edits.first)
    #expect(diff.edits.count == 1 && edit.kind == .modelSurgery && edit.space == .faithful && edit.rows == 10)
    #expect(Self.cosine(edit.direction, direction.map(Double.init)) > (dtype == .bf16 ? 0.999 : 0.99999))
    #expect(abs(try #require(edit.addedLength) - 0.2) < 0.002)
    // Rows of N(0, 0.05²) are about 0.05·√48 long.
    #expect(abs(edit.strength - 0.2 / (0.05 * 48.0.squareRoot())) < 0.08)
    #expect(try #require(diff.probes[0].cosine) > 0.999)
    #expect(abs(try #require(diff.probes[0].alpha) - 0.2 / length) < 0.01 * 0.2 / length)
    #expect(abs(try #require(diff.probes[1].cosine)) < 0.5)
    #expect(diff.probes[2].cosine == nil)
    // The way back reads as the same edit turned round.
    let back = try Diff(edited, base, probes: [probes[0]])
    #expect(try #require(back.probes[0].cosine) < -0.999)
    #expect(try #require(back.probes[0].alpha) < 0)
  }

  @Test func readsGainCorrectedEditsAndTheirCommonDirection() throws {
    let scratch = try Scratch()
    try OrganismCheckpoint.write(to: scratch.path + "/a")
    let base = try Checkpoint(folder: scratch.path + "/a", cache: .none)
    let model = try Model(base)
    let vector = Self.normal(model.network.width, seed: 3)
    let ranking = try Locate.rank(model, .shared(vector, site: .finalNorm), space: .gainCorrected)
    let plan = try ranking.plan(try RowBudget(parsing: "10%"))
    let patch = try Patch.build(base, plan.changes(strength: 0.5, binding: model.binding))
    try patch.apply(to: base, output: scratch.path + "/b", undo: .none)
    let edited = try Checkpoint(folder: scratch.path + "/b", cache: .none)
    let probe = Diff.ProbeDirection(name: "p", site: .finalNorm, direction: vector.map(Double.init))
    let diff = try Diff(base, edited, probes: [probe])
    let edit = try #require(diff.edits.first)
    #expect(diff.verdict == .modelSurgery && edit.rows == plan.rows.count)
    #expect(abs(edit.strength - 0.5) < 0.02, "\(edit.strength)")
    #expect(try #require(diff.probes[0].cosine) > 0.99)
    #expect(diff.movements.allSatisfy { $0.role?.hasSuffix("mlp.gate") == true })
    #expect(edit.space == .gainCorrected)
  }

  @Test func readsEditsOfMatricesStoredTheOtherWayRound() throws {
    let scratch = try Scratch()
    let (inputs, outputs) = (40, 70)
    let base = try scratch.checkpoint(
      "a",
      [
        (
          "h.0.mlp.c_fc.weight",
          Tensor(Self.matrix(inputs, outputs, seed: 1), shape: [inputs, outputs], dtype: .bf16)
        )
      ])
    let delta = Self.normal(inputs, seed: 2, scale: 0.03)
    let patch = try Patch.build(
      base, [RowChange(tensor: "h.0.mlp.c_fc.weight", rows: [3, 4, 60], transposed: true, delta: delta)])
    try patch.apply(to: base, output: scratch.path + "/b", undo: .none)
    let diff = try Diff(base, Checkpoint(folder: scratch.path + "/b", cache: .none))
    guard case .addition(let direction, _, let columns, let transposed)? = diff.movements.first?.form else {
      Issue.record("\(diff.movements.map(\.form.name))")
      return
    }
    #expect(transposed && columns == [3, 4, 60])
    #expect(Self.cosine(direction, delta.map(Double.init)) > 0.999)
    #expect(diff.verdict == .modelSurgery)
  }

  @Test(arguments: [DType.f32, .bf16], [1.0, 0.6])
  func readsDirectionalAblation(_ dtype: DType, _ strength: Double) throws {
    let scratch = try Scratch()
    let (width, inner, words) = (64, 80, 120)
    let d = SharedUnit.unit(Self.normal(width, seed: 4).map(Double.init))
    var before: [(String, Tensor)] = []
    var after: [(String, Tensor)] = []
    func add(_ name: String, _ rows: Int, _ columns: Int, seed: UInt64, outputs: Bool) {
      let stored = Tensor(Self.matrix(rows, columns, seed: seed), shape: [rows, columns], dtype: dtype)
      let w = stored.toFloats().map(Double.init)
      var new = w
      if outputs {  // W − s d (dᵀW)
        for column in 0..<columns {
          var dot = 0.0
          for row in 0..<rows { dot += d[row] * w[row * columns + column] }
          for row in 0..<rows { new[row * columns + column] -= strength * d[row] * dot }
        }
      } else {  // W − s (W d) dᵀ
        for row in 0..<rows {
          var dot = 0.0
          for column in 0..<columns { dot += d[column] * w[row * columns + column] }
          for column in 0..<columns { new[row * columns + column] -= strength * d[column] * dot }
        }
      }
      before.append((name, stored))
      after.append((name, Tensor(new.map(Float.init), shape: [rows, columns], dtype: dtype)))
    }
    add("embed", words, width, seed: 1, outputs: false)
    add("o_proj", width, inner, seed: 2, outputs: true)
    add("down_proj", width, inner, seed: 3, outputs: true)
    let diff = try Diff(scratch.checkpoint("a", before), scratch.checkpoint("b", after))
    let edit = try #require(diff.edits.first)
    #expect(diff.verdict == .directionalAblation && edit.kind == .directionalAblation)
    #expect(abs(Self.cosine(edit.direction, d)) > 0.99)
    #expect(abs(edit.strength - strength) < 0.05, "\(edit.strength)")
    #expect(edit.tensors.map(\.name) == ["embed", "o_proj", "down_proj"])
  }

  @Test func tellsLowRankFromDenseAndCountsRanks() throws {
    let scratch = try Scratch()
    let (rows, columns) = (120, 100)
    let w = Self.matrix(rows, columns, seed: 1)
    func folder(_ name: String, _ change: [Float]) throws -> Checkpoint {
      try scratch.checkpoint(
        name, [("w", Tensor(zip(w, change).map { $0 + $1 }, shape: [rows, columns]))])
    }
    let base = try folder("a", [Float](repeating: 0, count: w.count))
    var three = [Float](repeating: 0, count: w.count)
    for rank in 0..<3 {
      let (u, v) = (Self.normal(rows, seed: UInt64(10 + rank)), Self.normal(columns, seed: UInt64(20 + rank)))
      for row in 0..<rows {
        for column in 0..<columns { three[row * columns + column] += 0.01 * u[row] * v[column] }
      }
    }
    let low = try Diff(base, folder("b", three))
    #expect(low.verdict == .lowRank && low.edits.isEmpty)
    #expect(low.movements.first?.spectrum?.rank == 3)
    let noise = Self.matrix(rows, columns, seed: 30, scale: 0.01)
    let edited = try folder("c", noise)
    let dense = try Diff(base, edited)
    #expect(dense.verdict == .dense)
    let spectrum = try #require(dense.movements.first?.spectrum)
    #expect(spectrum.rank == DeltaSpectrum.width && spectrum.isLowerBound)
    // The leading values of a flat spectrum are the hardest for a random subspace.
    let (before, after) = (try base.tensor("w").toFloats(), try edited.tensor("w").toFloats())
    var steps: [Double] = []
    for place in before.indices { steps.append(Double(after[place]) - Double(before[place])) }
    let exact = try SingularValues(Matrix<Double>(rows, columns, steps), vectors: false)
    var squares = 0.0
    for value in exact.values { squares += value * value }
    #expect(abs(spectrum.values[0] / exact.values[0] - 1) < 0.05)
    #expect(abs(spectrum.squares / squares - 1) < 1e-9)
    #expect(spectrum.stableRank > 10)
  }

  @Test func singularValuesAreExactWhereFewRowsMoved() throws {
    let scratch = try Scratch()
    let (rows, columns) = (200, 50)
    let w = Self.matrix(rows, columns, seed: 1)
    var new = w
    let moved = [4, 5, 90, 199]
    for row in moved {
      for (column, step) in Self.normal(columns, seed: UInt64(row), scale: 0.02).enumerated() {
        new[row * columns + column] += step
      }
    }
    let (a, b) = (
      try scratch.checkpoint("a", [("w", Tensor(w, shape: [rows, columns]))]),
      try scratch.checkpoint("b", [("w", Tensor(new, shape: [rows, columns]))])
    )
    let spectrum = try #require(try Diff(a, b).movements.first?.spectrum)
    var steps: [Double] = []
    for row in moved {
      for place in (row * columns)..<((row + 1) * columns) {
        steps.append(Double(new[place]) - Double(w[place]))
      }
    }
    let exact = try SingularValues(Matrix<Double>(moved.count, columns, steps), vectors: false)
    #expect(spectrum.values.count == 4 && spectrum.rank == 4 && !spectrum.isLowerBound)
    for index in 0..<4 {
      let ratio: Double = spectrum.values[index] / exact.values[index]
      #expect(abs(ratio - 1) < 1e-6)
    }
  }

  @Test func countsNormsAndLargestRows() throws {
    let scratch = try Scratch()
    let a = try scratch.checkpoint("a", [("w", Tensor([3, 4, 0, 0, 1, 0], shape: [3, 2]))])
    let b = try scratch.checkpoint("b", [("w", Tensor([3, 4, 0, 5, 0, 1], shape: [3, 2]))])
    let change = try #require(try a.difference(to: b).changed.first)
    #expect(change.rows == [1, 2] && change.valuesChanged == 3 && change.columnsChanged == 2)
    #expect(abs(try #require(change.norm) - 27.0.squareRoot()) < 1e-12)
    #expect(abs(try #require(change.relativeNorm) - (27.0 / 26).squareRoot()) < 1e-12)
    #expect(abs(try #require(change.cosine) - 25 / (26.0 * 51).squareRoot()) < 1e-12)
    #expect(change.largestRows.map(\.row) == [1, 2])
    #expect(change.largestRows[0].relative == nil && change.largestRows[0].cosine == nil)
    #expect(change.largestRows[1].cosine == 0 && change.largest == 5)
  }

  @Test func verdictsOfEverythingElse() throws {
    let scratch = try Scratch()
    let w = Tensor(Self.matrix(8, 8, seed: 1), shape: [8, 8])
    let a = try scratch.checkpoint("a", [("w", w)], files: ["t.json": "1"])
    #expect(try Diff(a, a).verdict == .identical)
    #expect(try Diff(a, scratch.checkpoint("b", [("w", w)], files: ["t.json": "2"])).verdict == .files)
    let rounded = try scratch.checkpoint(
      "c", [("w", Tensor(w.toFloats(), shape: [8, 8], dtype: .bf16))], files: ["t.json": "1"])
    let diff = try Diff(a, rounded)
    #expect(diff.verdict == .rounded && diff.difference.retyped.first?.isRounding == true)
    #expect(try #require(diff.difference.retyped.first?.relativeNorm) < 0.01)
    let other = try scratch.checkpoint(
      "d", [("w", Tensor(Self.matrix(8, 8, seed: 2), shape: [8, 8], dtype: .bf16)), ("new", w)])
    let mixed = try Diff(a, other)
    #expect(mixed.verdict == .mixed && mixed.difference.onlyInSecond == ["new"])
    #expect(mixed.difference.retyped.first?.isRounding == false)
    let poisoned = Tensor(w.toFloats(), shape: [8, 8])
    poisoned.f32[5] = .nan
    let nan = try Diff(a, scratch.checkpoint("e", [("w", poisoned)], files: ["t.json": "1"]))
    #expect(nan.verdict == .dense && nan.movements.first?.spectrum == nil)
    #expect(nan.movements.first?.difference.nonFinite == 1)
    let whole = try scratch.checkpoint("f", [("i", Tensor(zeros: [4], dtype: .i32))])
    let ones = Tensor(zeros: [4], dtype: .i32)
    ones.storage.base.storeBytes(of: 1, as: Int32.self)
    #expect(try Diff(whole, scratch.checkpoint("g", [("i", ones)])).movements.first?.difference.norm == nil)
  }
}

/// Directions of length 1.
private enum SharedUnit {
  static func unit(_ vector: [Double]) -> [Double] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return vector.map { $0 / length }
  }
}

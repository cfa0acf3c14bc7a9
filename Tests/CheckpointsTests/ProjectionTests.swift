import CKernels
import JSON
import OrderedCollections
import Runtime
import Tensors
import Testing

@testable import Checkpoints

let embedding = "model.embed_tokens.weight"

/// A unit direction of 16 numbers, the width of the sample checkpoint.
func unitDirection(_ count: Int = 16, seed: UInt64 = 4) -> [Float] {
  let numbers = delta(count, seed: seed, scale: 1)
  let length = numbers.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  return numbers.map { Float(Double($0) / length) }
}

/// Every stored type and both layouts: rows of embeddings (bf16), columns of a stored [D, K] matrix (f16), rows of a
/// stored [K, D] one (f32), a vector (bf16).
func sampleProjections(strength: Double = 1, norms: Bool = false, across: Bool = false) -> [ProjectionChange]
{
  [
    (embedding, ProjectionEdit.Lines.rows), (down0, .columns), (gate1, .rows), ("model.norm.weight", .rows),
  ].map { tensor, vectors in
    let other: ProjectionEdit.Lines = vectors == .rows ? .columns : .rows
    let isVector = tensor == "model.norm.weight"
    return ProjectionChange(
      tensor: tensor, vectors: vectors, norms: norms && !isVector ? (across ? other : vectors) : nil,
      direction: unitDirection(), strength: strength)
  }
}

@Suite struct ProjectionTests {
  /// A stored value as f64, and its rounding, through the kernels' own conversions.
  private func numbers(_ tensor: Tensor) -> [Float] { tensor.toFloats() }

  private func rounded(_ value: Float, _ dtype: DType) -> Float {
    switch dtype {
    case .f16: return Float(Float16(value))
    case .bf16:
      let bits = value.bitPattern
      return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
    default: return value
    }
  }

  /// The arithmetic of the documentation, one value at a time.
  private func naive(_ tensor: Tensor, _ change: ProjectionChange) -> [Float] {
    let old = numbers(tensor)
    let width = tensor.shape.last ?? 1
    let height = old.count / width
    let scaled = change.direction.map { Float(change.strength * Double($0)) }
    func vector(_ row: Int, _ column: Int) -> (line: Int, place: Int) {
      change.vectors == .rows ? (row, column) : (column, row)
    }
    var products = [Double](repeating: 0, count: max(width, height))
    for row in 0..<height {
      for column in 0..<width {
        let (line, place) = vector(row, column)
        products[line] += Double(change.direction[place]) * Double(old[row * width + column])
      }
    }
    var new = old
    for row in 0..<height {
      for column in 0..<width {
        let (line, place) = vector(row, column)
        let product = scaled[place] * Float(products[line])
        new[row * width + column] = old[row * width + column] - product
      }
    }
    if let norms = change.norms {
      for line in 0..<(norms == .rows ? height : width) {
        let places = (0..<(norms == .rows ? width : height)).map {
          norms == .rows ? line * width + $0 : $0 * width + line
        }
        let before = places.reduce(0.0) { $0 + Double(old[$1]) * Double(old[$1]) }
        let after = places.reduce(0.0) { $0 + Double(new[$1]) * Double(new[$1]) }
        for place in places { new[place] *= Float((before / after).squareRoot()) }
      }
    }
    return new.map { rounded($0, tensor.dtype) }
  }

  @Test(arguments: [1.0, 0.3, -0.5], [(false, false), (true, false), (true, true)])
  func followsTheDocumentedArithmetic(_ strength: Double, _ kind: (norms: Bool, across: Bool)) throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: true))
    let changes = sampleProjections(strength: strength, norms: kind.norms, across: kind.across)
    let patch = try Patch.build(base, projections: changes)
    let report = try patch.apply(to: base, output: scratch.file("edited"))
    let edited = try open(scratch.file("edited"))
    for change in changes {
      let expected = naive(try base.tensor(change.tensor), change)
      let found = numbers(try edited.tensor(change.tensor))
      let old = numbers(try base.tensor(change.tensor))
      // Sums of another order may round p or f to the neighbouring f32: then a last place may differ.
      let scale = old.map(abs).max() ?? 0
      let ulp: Float = try base.tensor(change.tensor).dtype == .bf16 ? 0x1p-8 : 0x1p-10
      let off = zip(expected, found).count { $0 != $1 }
      #expect(zip(expected, found).allSatisfy { abs($0 - $1) <= ulp * scale }, "\(change.tensor)")
      if try base.tensor(change.tensor).dtype != .f32 {
        #expect(off * 100 <= found.count, "\(change.tensor)")
      }
      #expect(found != old)
    }
    #expect(report.outcome.untouchedTensors == 2)
    #expect(report.effects.allSatisfy { abs($0.delivered - 1) < 0.1 })
    #expect(try edited.modelHash == report.modelAfter)
    #expect(try edited.verify(base: base, patch: patch).agrees)
    // Whole matrices come back byte for byte.
    try Undo(file: try #require(report.undo)).revert(edited, output: scratch.file("back"))
    #expect(try contents(scratch.file("back")) == (try contents(base.folder)))
    #expect(code { try patch.apply(to: edited, output: scratch.file("x")) } == "PATCH_APPLIED_ALREADY")
  }

  @Test func nothingOfTheDirectionIsLeftAndLengthsStay() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let direction = unitDirection()
    for (name, norms) in [("plain", false), ("kept", true)] {
      let patch = try Patch.build(base, projections: [sampleProjections(norms: norms)[2]])
      try patch.apply(to: base, output: scratch.file(name), undo: .none)
      let (old, new) = (
        values(try base.tensor(gate1)), values(try open(scratch.file(name)).tensor(gate1))
      )
      for row in 0..<24 {
        let line = Array(new[(row * 16)..<((row + 1) * 16)])
        #expect(abs(zip(line, direction).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-7)
        let before = old[(row * 16)..<((row + 1) * 16)].reduce(0.0) { $0 + Double($1) * Double($1) }
        let after = line.reduce(0.0) { $0 + Double($1) * Double($1) }
        if norms { #expect(abs(before - after) < 1e-6 * before) } else { #expect(after < before) }
      }
    }
  }

  @Test func stacksAreProjectedMatrixByMatrix() throws {
    let scratch = try Scratch()
    try Files.makeFolder(scratch.file("moe"))
    let experts = randomTensor([3, 16, 5], .f32, seed: 1)
    try SafetensorsWriter.write([.init("a", experts)], to: scratch.file("moe/model.safetensors"))
    try Files.write("{}", to: scratch.file("moe/config.json"))
    let base = try open(scratch.file("moe"))
    let direction = unitDirection()
    for norms in [nil, ProjectionEdit.Lines.columns] {
      let patch = try Patch.build(
        base,
        projections: [
          ProjectionChange(tensor: "a", vectors: .columns, norms: norms, direction: direction, strength: 1)
        ])
      let output = scratch.file("out-\(norms?.rawValue ?? "none")")
      try patch.apply(to: base, output: output, undo: .none)
      let new = values(try open(output).tensor("a"))
      for expert in 0..<3 {
        for column in 0..<5 {
          let dot = (0..<16).reduce(Float(0)) { $0 + direction[$1] * new[(expert * 16 + $1) * 5 + column] }
          #expect(abs(dot) < 1e-6)
        }
      }
    }
  }

  @Test func fileRoundTripIsExactAndItsVersionTellsTheKind() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(
      base, [RowChange(tensor: gate0, rows: [3], delta: delta(16))],
      projections: sampleProjections(strength: 0.7, norms: true), provenance: ["edit": "ablate"])
    try patch.write(to: scratch.file("a"))
    #expect(try Patch(file: scratch.file("a")) == patch)
    #expect(try patch.sha256() == SHA256.hex(Files.read(scratch.file("a"))))
    #expect(patch.directions.count == 1)
    #expect(try SafetensorsFile(path: scratch.file("a")).metadata?["version"] == "2")
    let rows = try Patch.build(base, [RowChange(tensor: gate0, rows: [3], delta: delta(16))])
    try rows.write(to: scratch.file("b"))
    #expect(try SafetensorsFile(path: scratch.file("b")).metadata?["version"] == "1")
    // A file of version 1 with projections, or with broken ones, is refused.
    let file = try SafetensorsFile(path: scratch.file("a"))
    let metadata = try #require(file.metadata)
    let record = try #require(metadata["record"])
    func codeWith(_ key: String, _ value: String) throws -> String? {
      var changed = metadata
      changed[key] = value
      let items = try file.names.map { SafetensorsWriter.Item($0, try file.tensor($0)) }
      try SafetensorsWriter.write(items, metadata: changed, to: scratch.file("q"))
      return code { _ = try Patch(file: scratch.file("q")) }
    }
    #expect(try codeWith("version", "1") == "PATCH_BAD")
    #expect(try codeWith("version", "3") == "PATCH_BAD")
    #expect(try codeWith("record", record.replacing("\"columns\"", with: "\"diagonals\"")) == "PATCH_BAD")
    #expect(
      try codeWith("record", record.replacing("\"directions\":1", with: "\"directions\":99")) == "PATCH_BAD")
    #expect(
      try codeWith("record", record.replacing("\"direction\":0", with: "\"direction\":7"))
        == "PATCH_INCONSISTENT")
    #expect(try codeWith("record", record) == nil)
  }

  @Test func composesBesideRowsAndIsRefusedWhereTwoMeet() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let rows = try Patch.build(base, [RowChange(tensor: gate0, rows: [1], delta: delta(16))])
    let ablation = try Patch.build(base, projections: sampleProjections())
    let both = try Patch.compose([.init(rows), .init(ablation, scale: 0.5)], on: base)
    let half = try Patch.build(base, projections: sampleProjections(strength: 0.5))
    #expect(both.projections == half.projections)
    #expect(both.edits.first?.afterSHA256 == rows.edits.first?.afterSHA256)
    #expect(code { _ = try Patch.compose([.init(ablation), .init(half)], on: base) } == "CANNOT_COMPOSE")
    let meets = try Patch.build(base, [RowChange(tensor: down0, rows: [1], delta: delta(24))])
    #expect(code { _ = try Patch.compose([.init(meets), .init(ablation)], on: base) } == "CANNOT_COMPOSE")
  }

  @Test func refusesWhatHasNoSuchLines() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    func built(
      _ tensor: String, _ vectors: ProjectionEdit.Lines, _ direction: [Float], _ strength: Double = 1
    )
      -> String?
    {
      code {
        _ = try Patch.build(
          base,
          projections: [
            ProjectionChange(tensor: tensor, vectors: vectors, direction: direction, strength: strength)
          ])
      }
    }
    #expect(built(down0, .rows, unitDirection()) == "PATCH_INCONSISTENT")
    #expect(built("model.norm.weight", .columns, unitDirection()) == "PATCH_INCONSISTENT")
    #expect(built(embedding, .rows, unitDirection(15)) == "PATCH_INCONSISTENT")
    #expect(built(embedding, .rows, unitDirection(), .nan) == "PATCH_INCONSISTENT")
    #expect(built(embedding, .rows, unitDirection(), 0) == "NOTHING_CHANGED")
    #expect(built(embedding, .rows, [Float](repeating: .nan, count: 16)) == "PATCH_INCONSISTENT")
    #expect(built("nope", .rows, unitDirection()) == "PATCH_TENSOR_MISSING")
    #expect(
      code {
        _ = try Patch.build(
          base, [RowChange(tensor: embedding, rows: [1], delta: delta(16))],
          projections: [sampleProjections()[0]])
      } == "PATCH_INCONSISTENT")
  }

  /// The adapter's product is the change, value for value; what one adapter cannot say is refused.
  @Test func exportsAsRankOne() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, projections: [sampleProjections(strength: 0.8)[2]])
    try patch.apply(to: base, output: scratch.file("edited"), undo: .none)
    let edited = values(try open(scratch.file("edited")).tensor(gate1))
    try LoRAExport.write(patch, base: base, to: scratch.file("adapter"))
    let file = try SafetensorsFile(path: scratch.file("adapter/adapter_model.safetensors"))
    let stem = "base_model.model.model.layers.1.mlp.gate_proj"
    let (a, b) = (
      values(try file.tensor("\(stem).lora_A.weight")), values(try file.tensor("\(stem).lora_B.weight"))
    )
    let old = values(try base.tensor(gate1))
    // Stored [K, D] with rows as vectors: the logical matrix is the transposed one.
    for row in 0..<24 {
      for column in 0..<16 {
        let product = b[column] * a[row]
        #expect(old[row * 16 + column] + product == edited[row * 16 + column])
      }
    }
    let config = try JSONValue(file: scratch.file("adapter/adapter_config.json"))
    #expect(config["fan_in_fan_out"]?.bool == true && config["lora_bias"] == nil)
    let kept = try Patch.build(base, projections: [sampleProjections(norms: true)[2]])
    #expect(code { try LoRAExport.write(kept, base: base, to: scratch.file("x")) } == "CANNOT_EXPORT")
    // The sample has no head of its own: its embeddings count as tied.
    let tied = try Patch.build(base, projections: [sampleProjections()[0]])
    #expect(code { try LoRAExport.write(tied, base: base, to: scratch.file("x")) } == "CANNOT_EXPORT")
    let both = try Patch.build(base, projections: [sampleProjections()[1], sampleProjections()[2]])
    #expect(code { try LoRAExport.write(both, base: base, to: scratch.file("x")) } == "CANNOT_EXPORT")
    #expect(!Files.exists(scratch.file("x")))
  }
}

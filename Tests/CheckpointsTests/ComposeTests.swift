import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

@Suite struct ComposeTests {
  @Test func oneWholePartIsThePatchItself() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges())
    let composed = try Patch.compose([.init(patch)], on: base)
    for tensor in patch.tensors {
      #expect(composed.edits(of: tensor).first?.afterSHA256 == patch.edits(of: tensor).first?.afterSHA256)
    }
    #expect(composed.provenance["composed"]?.array?[0]["sha256"]?.string == (try patch.sha256()))
  }

  /// Overlapping rows get the f32 sum, in order, rounded once to the stored type.
  @Test func addsWherePatchesMeet() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let (d, e, f) = (delta(16, seed: 1), delta(16, seed: 2), delta(16, seed: 3))
    let one = try Patch.build(
      base,
      [
        RowChange(tensor: gate1, rows: [1, 2, 3], delta: d), RowChange(tensor: gate1, rows: [9], delta: e),
      ])
    let two = try Patch.build(
      base,
      [
        RowChange(tensor: gate1, rows: [2, 3, 4], delta: f),
        RowChange(tensor: conv, rows: [5], transposed: true, delta: f),
      ])
    let composed = try Patch.compose([.init(one, scale: 0.5), .init(two, scale: -2)], on: base)
    #expect(composed.edits(of: gate1).map(\.rows) == [[1], [2, 3], [4], [9]])
    try composed.apply(to: base, output: scratch.file("out"))
    let (old, new) = (values(try base.tensor(gate1)), values(try open(scratch.file("out")).tensor(gate1)))
    for row in 0..<24 {
      for column in 0..<16 {
        var sum: Float = 0
        if (1...3).contains(row) { sum += Float(Double(d[column]) * 0.5) }
        if row == 9 { sum += Float(Double(e[column]) * 0.5) }
        if (2...4).contains(row) { sum += Float(Double(f[column]) * -2) }
        #expect(new[row * 16 + column] == old[row * 16 + column] + sum)
      }
    }
  }

  @Test func oppositePartsCancel() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges())
    #expect(
      code { _ = try Patch.compose([.init(patch), .init(patch, scale: -1)], on: base) } == "NOTHING_CHANGED")
    #expect(code { _ = try Patch.compose([.init(patch, scale: 0)], on: base) } == "NOTHING_CHANGED")
    #expect(code { _ = try Patch.compose([.init(patch, scale: .nan)], on: base) } == "CANNOT_COMPOSE")
    #expect(code { _ = try Patch.compose([], on: base) } == "CANNOT_COMPOSE")
    #expect(code { _ = try Patch.compose([.init(patch, scale: 1e300)], on: base) } == "PATCH_INCONSISTENT")
  }

  @Test func stackedPatchesBecomeOne() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let one = try Patch.build(base, [RowChange(tensor: gate1, rows: [1], delta: delta(16))])
    try one.apply(to: base, output: scratch.file("one"))
    let first = try open(scratch.file("one"))
    let two = try Patch.build(first, [RowChange(tensor: gate1, rows: [1, 2], delta: delta(16, seed: 4))])
    let composed = try Patch.compose([.init(one), .init(two)], on: base)
    #expect(composed.rowCount == 2)
    // In the other order the second patch has no base to stand on.
    #expect(code { _ = try Patch.compose([.init(two), .init(one)], on: base) } == "PATCH_OTHER_BASE")
    #expect(code { _ = try Patch.compose([.init(one), .init(two)], on: first) } == "PATCH_OTHER_BASE")
  }
}

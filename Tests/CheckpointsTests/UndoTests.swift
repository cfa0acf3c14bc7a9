import JSON
import Runtime
import Tensors
import Testing

@testable import Checkpoints

@Suite struct UndoTests {
  @Test(arguments: [false, true]) func restoresEveryByte(sharded: Bool) throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch, sharded: sharded))
    let report = try Patch.build(base, sampleChanges()).apply(to: base, output: scratch.file("edited"))
    let undo = try Undo(file: try #require(report.undo))
    #expect(undo.modelBefore == report.modelBefore && undo.modelAfter == report.modelAfter)
    nonisolated(unsafe) var copied: ProgressEvent?
    let back = try undo.revert(try open(scratch.file("edited")), output: scratch.file("back")) { event in
      if event.stage == "copy" { copied = event }
    }
    #expect(back.isOriginal)
    // The record of the edit is not copied and does not count.
    #expect(try #require(copied).completed == copied?.total)
    #expect(back.modelAfter == report.modelBefore)
    #expect(try contents(scratch.file("back")) == (try contents(base.folder)))
    #expect(
      code { try undo.revert(try open(scratch.file("back")), output: scratch.file("x")) }
        == "REVERTED_ALREADY")
    #expect(code { try undo.revert(base, output: scratch.file("x")) } == "REVERTED_ALREADY")
    #expect(!Files.exists(scratch.file("x")))
  }

  @Test func stackedEditsComeOffNewestFirst() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let one = try Patch.build(base, [RowChange(tensor: gate0, rows: [1], delta: delta(16))])
      .apply(to: base, output: scratch.file("one"))
    let first = try open(scratch.file("one"))
    let two = try Patch.build(
      first,
      [
        RowChange(tensor: gate0, rows: [1, 2], delta: delta(16, seed: 2)),
        RowChange(tensor: gate1, rows: [4], delta: delta(16)),
      ]
    ).apply(to: first, output: scratch.file("two"))
    let second = try open(scratch.file("two"))
    let (undoOne, undoTwo) = (try Undo(file: try #require(one.undo)), try Undo(file: try #require(two.undo)))
    #expect(code { try undoOne.revert(second, output: scratch.file("x")) } == "MOVED_SINCE")
    try undoTwo.revert(second, output: scratch.file("back1"))
    #expect(try contents(scratch.file("back1")) == (try contents(scratch.file("one"))))
    try undoOne.revert(try open(scratch.file("back1")), output: scratch.file("back0"))
    #expect(try contents(scratch.file("back0")) == (try contents(base.folder)))
  }

  @Test func editsOfOtherTensorsStay() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let one = try Patch.build(base, [RowChange(tensor: gate0, rows: [1], delta: delta(16))])
      .apply(to: base, output: scratch.file("one"))
    let first = try open(scratch.file("one"))
    try Patch.build(first, [RowChange(tensor: gate1, rows: [4], delta: delta(16))])
      .apply(to: first, output: scratch.file("two"))
    let second = try open(scratch.file("two"))
    let report = try Undo(file: try #require(one.undo)).revert(second, output: scratch.file("back"))
    #expect(!report.isOriginal)
    let back = try open(scratch.file("back"))
    #expect(try back.sha256(ofTensor: gate0) == base.sha256(ofTensor: gate0))
    #expect(try back.sha256(ofTensor: gate1) == second.sha256(ofTensor: gate1))
    let kinds = try JSONValue(file: scratch.file("back/surgeon.edit.json"))["edits"]?.array?
      .compactMap { $0["kind"]?.string }
    #expect(kinds == ["patch", "patch", "revert"])
  }

  @Test func keepsWholeTensorsOfDenseEdits() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let before = try base.sha256(ofTensor: down0)
    var after = ""
    let zero: CheckpointWriter.Transform = { _, bytes in for index in bytes.indices { bytes[index] = 0 } }
    let writer = try CheckpointWriter(source: base, output: scratch.file("pruned"))
    try writer.write([down0: zero], record: nil, commit: { after = try $0.sha256(ofTensor: down0) })
    let item = Undo.Item(tensor: down0, rows: nil, beforeSHA256: before, afterSHA256: after)
    let pruned = try open(scratch.file("pruned"))
    try Undo.write(
      base: base, items: [item], modelBefore: try base.modelHash, modelAfter: try pruned.modelHash,
      origin: ["kind": "prune"], to: scratch.file("u"))
    #expect(try Undo(file: scratch.file("u")).revert(pruned, output: scratch.file("back")).isOriginal)
    #expect(try contents(scratch.file("back")) == (try contents(base.folder)))
  }

  @Test func refusesAPatchFile() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    try Patch.build(base, sampleChanges()).write(to: scratch.file("p"))
    #expect(code { _ = try Undo(file: scratch.file("p")) } == "PATCH_BAD")
  }
}

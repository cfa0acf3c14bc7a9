import Runtime
import Testing

@testable import Checkpoints

/// Patch and undo files with random damage: an error or a file that can be used, never a crash.
@Suite struct DamagedFilesTests {
  @Test func patchesAndUndoFilesSurviveDamage() throws {
    let scratch = try Scratch()
    let base = try open(try writeSample(scratch))
    let patch = try Patch.build(base, sampleChanges())
    try patch.write(to: scratch.file("p"))
    let report = try patch.apply(to: base, output: scratch.file("edited"))
    let edited = try open(scratch.file("edited"))
    let undo = try Files.read(try #require(report.undo))
    let file = try Files.read(scratch.file("p"))
    var random = CounterRandom(seed: 7, stream: "damage")
    var (refused, used) = (0, 0)
    for round in 0..<1200 {
      var bytes = round % 2 == 0 ? file : undo
      for _ in 0...random.below(3) {
        let place = random.below(2) == 0 ? random.below(min(bytes.count, 3000)) : random.below(bytes.count)
        bytes[place] = random.below(3) == 0 ? UInt8(ascii: "9") : UInt8(truncatingIfNeeded: random.next())
      }
      let path = try scratch.write(bytes, "damaged")
      do {
        if round % 2 == 0 {
          _ = try Patch(file: path).effects(on: base)
        } else {
          try Undo(file: path).checkFits(edited)
        }
        used += 1
      } catch is any SurgeonError {
        refused += 1
      }
    }
    #expect(refused > 600 && used > 10)
  }
}

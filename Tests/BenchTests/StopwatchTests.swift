import JSON
import Runtime
import Testing

@testable import Bench

/// Timings and the memory beside them.
struct StopwatchTests {
  private func measurement(_ seconds: [Double], anonymous: UInt64 = 0, bound: UInt64? = nil) -> Measurement {
    Measurement(
      stage: "x", what: "y", threads: 1, amount: 6, unit: "tokens", seconds: seconds,
      processorSeconds: seconds,
      anonymousBytes: anonymous,
      peakBytes: 0, load: 0, residentBefore: nil, bound: bound)
  }

  @Test func medianAndBest() {
    #expect(measurement([3, 1, 2]).median == 2)
    #expect(measurement([4, 1, 2, 3]).median == 2.5)
    #expect(measurement([4, 1, 2, 3]).best == 1)
    #expect(measurement([]).median.isNaN)
  }

  @Test func bounds() {
    #expect(measurement([1], anonymous: 10, bound: 10).kept == true)
    #expect(measurement([1], anonymous: 11, bound: 10).kept == false)
    #expect(measurement([1], anonymous: 11).kept == nil)
  }

  @Test func everyLineNamesTheMachine() throws {
    let line = measurement([2]).json(MachineFacts())
    for key in ["processor", "instruction_set", "openblas_core", "threads", "load_average"] {
      #expect(line[key] != nil && line[key] != .null, "\(key)")
    }
    #expect(line["per_second_median"]?.double == 3)
  }

  @Test func memoryIsSeenAndForgotten() throws {
    var watch = Stopwatch(json: false)
    let size = 64 << 20
    _ = try watch.measure("holds", "", amount: 1, unit: "bytes", runs: 2, bound: 32 << 20) {
      var block = [UInt8](repeating: 1, count: size)
      for index in stride(from: 0, to: size, by: 4096) {
        block[index] = UInt8(truncatingIfNeeded: index >> 12)
      }
      let mark = MemoryWatch.peakAnonymousBytes
      return Int(block[size / 2]) + Int(mark & 1)
    }
    _ = try watch.measure("holds nothing", "", amount: 1, unit: "bytes", runs: 1) { 0 }
    #expect(watch.list[0].seconds.count == 2)
    #expect(watch.list[0].anonymousBytes > UInt64(size))
    #expect(watch.list[1].anonymousBytes + UInt64(size / 2) < watch.list[0].anonymousBytes)
    #expect(!watch.allKept)
  }

  @Test func pagesAreCounted() throws {
    let folder = "bench-pages-\(Machine.seconds)"
    try Files.makeFolder(folder)
    defer { try? Files.remove(folder) }
    try Files.write([UInt8](repeating: 7, count: 1 << 20), to: folder + "/file")
    let pages = try PageCache(folder: folder)
    #expect(try pages.warm() == 1)
    #expect((0...1).contains(try pages.drop()))
  }
}

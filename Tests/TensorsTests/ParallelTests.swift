import Glibc
import Synchronization
import Tensors
import TestSupport
import Testing

/// Counters that several threads add to, each in places of its own: without a lock, so that a place that was handed out
/// twice is a data race for ThreadSanitizer, too. (It does not see the locks of `Mutex`, which lie in the standard library.)
private final class Counters: @unchecked Sendable {
  private let values: UnsafeMutableBufferPointer<Int>
  init(_ count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }
  deinit { values.deallocate() }
  func add(_ range: Range<Int>) { for i in range { values[i] += 1 } }
  var all: [Int] { Array(values) }
  /// The places that were counted.
  var places: [Int] { values.indices.filter { values[$0] > 0 } }
}

@Suite struct ParallelTests {
  @Test(arguments: [0, 1, 2, 7, 255, 256, 257, 1000, 5003], [1, 3, 64]) func rangesTileTheLoop(
    _ count: Int, _ grain: Int
  ) {
    KernelSetting.each { _ in
      let counters = Counters(count)
      let starts = Counters(count)
      Parallel.forEach(count, grain: grain) { range in
        counters.add(range)
        starts.add(range.lowerBound..<min(range.lowerBound + 1, count))
        #expect(range.count % grain == 0 || range.upperBound == count)
      }
      #expect(counters.all.allSatisfy { $0 == 1 })
      #expect(starts.places.count <= 256)
    }
  }

  /// The partition is a function of count and grain alone.
  @Test func thePartitionDoesNotFollowTheThreads() {
    var partitions: Set<[Int]> = []
    KernelSetting.each { _ in
      let starts = Counters(100_000)
      Parallel.forEach(100_000, grain: 7) { range in starts.add(range.lowerBound..<range.lowerBound + 1) }
      partitions.insert(starts.places)
    }
    #expect(partitions.count == 1)
  }

  @Test func manySmallRegions() {
    KernelSetting.each { _ in
      let total = Atomic<Int>(0)
      for _ in 0..<20_000 {
        Parallel.forEach(4, grain: 1) { total.wrappingAdd($0.count, ordering: .relaxed) }
      }
      #expect(total.load(ordering: .relaxed) == 80_000)
    }
  }

  @Test func sleepersWakeUp() {
    KernelSetting.each { _ in
      let total = Atomic<Int>(0)
      for _ in 0..<20 {
        usleep(2000)
        Parallel.forEach(64, grain: 1) { total.wrappingAdd($0.count, ordering: .relaxed) }
      }
      #expect(total.load(ordering: .relaxed) == 1280)
    }
  }

  @Test func nestedLoopsRunInline() {
    KernelSetting.each { _ in
      let counters = Counters(30 * 50)
      Parallel.forEach(30, grain: 1) { outer in
        for i in outer {
          Parallel.forEach(50, grain: 1) { inner in
            counters.add(i * 50 + inner.lowerBound..<i * 50 + inner.upperBound)
          }
        }
      }
      #expect(counters.all.allSatisfy { $0 == 1 })
    }
  }

  @Test func severalCallersAtOnce() async {
    let counts = await withTaskGroup(of: Int.self, returning: [Int].self) { group in
      for _ in 0..<8 {
        group.addTask {
          let total = Atomic<Int>(0)
          for _ in 0..<200 {
            Parallel.forEach(100, grain: 1) { total.wrappingAdd($0.count, ordering: .relaxed) }
          }
          return total.load(ordering: .relaxed)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(counts == [Int](repeating: 20_000, count: 8))
  }

  @Test func theNumberOfThreadsIsClamped() {
    KernelSetting.each { _ in
      Parallel.setThreads(0)
      #expect(Parallel.threads == 1)
      Parallel.setThreads(10_000)
      #expect(Parallel.threads >= 1 && Parallel.threads < 10_000)
    }
  }
}

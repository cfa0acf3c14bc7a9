import Runtime
import Testing

@Suite struct MemoryWatchTests {
  @Test func seesWhatIsHeldForAMoment() throws {
    MemoryWatch.start()
    let before = MemoryWatch.peakAnonymousBytes
    let size = 200 << 20
    do {
      let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
      block.initializeMemory(as: UInt8.self, repeating: 1, count: size)
      // Long enough for a look.
      let until = Machine.seconds + 0.2
      while Machine.seconds < until {}
      block.deallocate()
    }
    #expect(MemoryWatch.peakAnonymousBytes >= before + UInt64(size) / 2)
  }
}

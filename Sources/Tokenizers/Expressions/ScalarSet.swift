/// A set of Unicode scalars: one bit each.
struct ScalarSet: Sendable, Equatable {
  private static let wordCount = 0x110000 / 64
  private var words: [UInt64]

  /// The empty set.
  init() { words = [UInt64](repeating: 0, count: Self.wordCount) }

  /// The scalars that satisfy a condition, asked of every one.
  init(where condition: (UInt32) -> Bool) {
    self.init()
    for value in UInt32(0)..<0x110000 where value < 0xD800 || value > 0xDFFF {
      if condition(value) { insert(value) }
    }
  }

  /// The scalars whose class satisfies a condition. Blocks that are alike are asked once.
  init(class condition: (ScalarClass) -> Bool) {
    self.init()
    var known: [Int: [UInt64]] = [:]
    for block in 0..<0x1100 where block < 0xD8 || block > 0xDF {
      let number = ScalarClass.block(block)
      if let bits = known[number] {
        words.replaceSubrange(block * 4..<block * 4 + 4, with: bits)
        continue
      }
      for value in UInt32(block * 256)..<UInt32(block * 256 + 256) where condition(ScalarClass(value)) {
        insert(value)
      }
      known[number] = Array(words[block * 4..<block * 4 + 4])
    }
  }

  /// A range of scalars.
  init(_ range: ClosedRange<UInt32>) {
    self.init()
    insert(range)
  }

  @inline(__always) func contains(_ value: UInt32) -> Bool {
    words[Int(value >> 6)] >> UInt64(value & 63) & 1 != 0
  }

  mutating func insert(_ value: UInt32) { words[Int(value >> 6)] |= 1 << UInt64(value & 63) }

  mutating func insert(_ range: ClosedRange<UInt32>) {
    for value in range where value < 0xD800 || value > 0xDFFF { insert(value) }
  }

  mutating func formUnion(_ other: ScalarSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  mutating func formIntersection(_ other: ScalarSet) {
    for index in words.indices { words[index] &= other.words[index] }
  }

  /// All other scalars; surrogates are none.
  var complement: ScalarSet {
    var result = self
    for index in words.indices {
      result.words[index] = index / 4 >= 0xD8 && index / 4 <= 0xDF ? 0 : ~words[index]
    }
    return result
  }

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// Calls `body` with each scalar of the set, ascending.
  func forEach(_ body: (UInt32) throws -> Void) rethrows {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        try body(UInt32(index * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
  }
}

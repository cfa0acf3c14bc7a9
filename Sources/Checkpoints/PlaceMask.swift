/// Which places of one tensor are meant: a bit each, in memory.
struct PlaceMask: Sendable, Equatable {
  /// How many places there are.
  let extent: Int
  /// 64 places a word, the first one in the lowest bit; bits past the end are zero.
  private(set) var words: [UInt64]

  /// No place yet.
  init(extent: Int) {
    self.extent = extent
    words = [UInt64](repeating: 0, count: (extent + 63) / 64)
  }

  /// The places of elements (of `size` bytes) with a bit that is not zero. Negative zeros count: they are not
  /// the zero that is left out.
  init(nonZero bytes: UnsafeRawBufferPointer, size: Int) {
    self.init(extent: bytes.count / size)
    switch size {
    case 1: fill { bytes.loadUnaligned(fromByteOffset: $0, as: UInt8.self) != 0 }
    case 2: fill { bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self) != 0 }
    case 4: fill { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) != 0 }
    default: fill { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) != 0 }
    }
  }

  /// The places at which two tensors of one size hold other bits.
  init(differing a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, size: Int) {
    self.init(extent: a.count / size)
    func differs<Word: FixedWidthInteger>(_: Word.Type, _ index: Int) -> Bool {
      a.loadUnaligned(fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self)
        != b.loadUnaligned(fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self)
    }
    switch size {
    case 1: fill { differs(UInt8.self, $0) }
    case 2: fill { differs(UInt16.self, $0) }
    case 4: fill { differs(UInt32.self, $0) }
    default: fill { differs(UInt64.self, $0) }
    }
  }

  @inline(__always)
  private mutating func fill(_ test: (Int) -> Bool) {
    for index in words.indices {
      var word: UInt64 = 0
      let first = index * 64
      for bit in 0..<min(64, extent - first) where test(first + bit) { word |= 1 << UInt64(bit) }
      words[index] = word
    }
  }

  /// Adds a place.
  mutating func insert(_ place: Int) { words[place >> 6] |= 1 << UInt64(place & 63) }

  /// Whether a place is meant.
  func contains(_ place: Int) -> Bool { words[place >> 6] >> UInt64(place & 63) & 1 == 1 }

  /// How many places are meant.
  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Calls `body` with each place, ascending.
  @inline(__always)
  func forEach(_ body: (Int) throws -> Void) rethrows {
    for index in words.indices {
      var word = words[index]
      while word != 0 {
        try body(index << 6 + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }

  /// The bits of the group of `of` places (2, 4, 8 or 16) that a place begins.
  @inline(__always)
  func group(at place: Int, of size: Int) -> Int {
    Int(truncatingIfNeeded: words[place >> 6] >> UInt64(place & 63)) & (1 << size - 1)
  }

  /// The most places that a group of `of` neighbours holds; `extent` is a multiple of `of`.
  func fullestGroup(of size: Int) -> Int {
    var most = 0
    for place in stride(from: 0, to: extent, by: size) {
      most = max(most, group(at: place, of: size).nonzeroBitCount)
    }
    return most
  }
}

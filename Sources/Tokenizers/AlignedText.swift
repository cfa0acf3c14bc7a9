/// A text on its way through normalisers and pre-tokenisers: its UTF-8, and where each byte comes from.
struct AlignedText {
  /// The bytes of the original text that one byte of the present text stands for.
  struct Origin {
    var start: Int32
    var end: Int32
  }

  var bytes: [UInt8]
  /// One entry a byte; nil while byte `i` is still byte `base + i` of the original text.
  private(set) var origins: [Origin]?
  /// First byte in the original text, while nothing was changed.
  private(set) var base: Int

  /// A part of the original text, unchanged.
  init(_ original: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    bytes = Array(original[range])
    origins = nil
    base = range.lowerBound
  }

  /// A text that is its own original.
  init(bytes: [UInt8]) {
    self.bytes = bytes
    origins = nil
    base = 0
  }

  /// What the scalar at a byte stands for.
  @inline(__always) func origin(at index: Int, length: Int) -> Origin {
    if let origins { return Origin(start: origins[index].start, end: origins[index + length - 1].end) }
    return Origin(start: Int32(base + index), end: Int32(base + index + length))
  }

  /// The range of the original text that a range of bytes stands for, widened to whole scalars of the original.
  /// - Complexity: O(1).
  @inline(__always) func originalRange(of range: Range<Int>) -> Range<Int> {
    if range.isEmpty { return 0..<0 }
    if let origins {
      let start = Int(origins[range.lowerBound].start)
      return start..<max(start, Int(origins[range.upperBound - 1].end))
    }
    var start = range.lowerBound
    var end = range.upperBound
    while start > 0 && bytes[start] & 0xC0 == 0x80 { start -= 1 }
    while end < bytes.count && bytes[end] & 0xC0 == 0x80 { end += 1 }
    return base + start..<base + end
  }

  var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

  /// Puts another byte in the place of each.
  mutating func replaceBytes(_ body: (UInt8) -> UInt8) {
    bytes.withUnsafeMutableBufferPointer { bytes in
      for index in bytes.indices { bytes[index] = body(bytes[index]) }
    }
  }

  /// The text that `body` writes, scalar by scalar.
  mutating func mapScalars(_ body: (_ scalar: UInt32, _ origin: Origin, inout Draft) -> Void) {
    var draft = Draft(capacity: bytes.count)
    bytes.forEachScalar { value, index, length in body(value, origin(at: index, length: length), &draft) }
    take(draft)
  }

  /// Puts `content` in place of each range (ascending, apart). What is put in stands for what the last byte of the
  /// range stood for; in an empty range, for what the byte before it stood for.
  mutating func replace(_ matches: [Range<Int>], with content: [UInt8]) {
    if matches.isEmpty { return }
    var draft = Draft(capacity: bytes.count + matches.count * content.count)
    var index = 0
    for match in matches {
      draft.copy(self, index..<match.lowerBound)
      draft.append(
        content, origin: match.upperBound > 0 ? byteOrigin(match.upperBound - 1) : Origin(start: 0, end: 0))
      index = match.upperBound
    }
    draft.copy(self, index..<bytes.count)
    take(draft)
  }

  /// Puts `content` before the first byte; it stands for what the first scalar stands for. An empty text stays so.
  mutating func prepend(_ content: [UInt8]) {
    if bytes.isEmpty { return }
    var draft = Draft(capacity: bytes.count + content.count)
    draft.append(content, origin: byteOrigin(0))
    draft.copy(self, 0..<bytes.count)
    take(draft)
  }

  /// Keeps a range of bytes, drops the rest.
  mutating func keep(_ range: Range<Int>) {
    if range.count == bytes.count { return }
    var draft = Draft(capacity: range.count)
    draft.copy(self, range)
    take(draft)
  }

  /// Takes over what was written.
  mutating func take(_ draft: Draft) {
    bytes = draft.bytes
    origins = draft.origins
  }

  /// What one byte stands for: the whole scalar that it belongs to.
  func byteOrigin(_ index: Int) -> Origin {
    if let origins { return origins[index] }
    let range = originalRange(of: index..<index + 1)
    return Origin(start: Int32(range.lowerBound), end: Int32(range.upperBound))
  }

  /// A text being written, with the origin of each byte.
  struct Draft {
    private(set) var bytes: [UInt8] = []
    private(set) var origins: [Origin] = []

    init(capacity: Int) {
      bytes.reserveCapacity(capacity)
      origins.reserveCapacity(capacity)
    }

    var count: Int { bytes.count }

    @inline(__always) mutating func append(scalar: UInt32, origin: Origin) {
      let before = bytes.count
      bytes.append(scalar: scalar)
      for _ in before..<bytes.count { origins.append(origin) }
    }

    @inline(__always) mutating func append(byte: UInt8, origin: Origin) {
      bytes.append(byte)
      origins.append(origin)
    }

    /// Drops what is behind a number of bytes.
    mutating func truncate(_ count: Int) {
      bytes.removeLast(bytes.count - count)
      origins.removeLast(origins.count - count)
    }

    mutating func append(_ content: [UInt8], origin: Origin) {
      bytes.append(contentsOf: content)
      for _ in content { origins.append(origin) }
    }

    mutating func copy(_ text: AlignedText, _ range: Range<Int>) {
      bytes.append(contentsOf: text.bytes[range])
      if let known = text.origins {
        origins.append(contentsOf: known[range])
      } else {
        for index in range { origins.append(text.byteOrigin(index)) }
      }
    }
  }
}

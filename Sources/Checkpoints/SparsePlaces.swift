import Tensors

/// How the places of a sparse tensor are written down.
public enum SparseEncoding: Sendable, Hashable {
  /// A bit a place, the first one in the lowest bit of the first byte: best above a density of about 1/8.
  case bitmask
  /// The distances from each place to the next one, less one, in 7-bit groups, lowest first, the top bit saying that more
  /// follow (LEB128): a byte a place, best below a density of about 1/8.
  case gaps
  /// `keep` places in every group of `of` neighbours: the number of the combination among all of their kind, in as few
  /// bits as count them (3 for 2 of 4), packed from the lowest bit on. Combinations count by their bit patterns.
  /// Groups that hold fewer places are filled up with their lowest free ones, whose values are zeros.
  case groups(keep: Int, of: Int)

  /// Its name in files and reports.
  public var name: String {
    switch self {
    case .bitmask: "bitmask"
    case .gaps: "gaps"
    case .groups(let keep, let size): "\(keep)-of-\(size)"
    }
  }

  /// Reads a name; nil for anything else.
  public init?(name: String) {
    switch name {
    case "bitmask": self = .bitmask
    case "gaps": self = .gaps
    default:
      let parts = name.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1] == "of", let keep = Int(parts[0]), let size = Int(parts[2]),
        Self.groupSizes.contains(size), (1..<size).contains(keep)
      else { return nil }
      self = .groups(keep: keep, of: size)
    }
  }

  /// The group sizes that are tried and read.
  static let groupSizes = [4, 8, 16]
}

/// The combinations of a group: bit patterns by number, and numbers by bit pattern.
struct GroupCode: Sendable {
  let keep: Int
  let size: Int
  /// The patterns of `size` bits with `keep` ones, ascending.
  let patterns: [UInt16]
  /// Bits that number them.
  let bits: Int

  init(keep: Int, of size: Int) {
    self.keep = keep
    self.size = size
    patterns = (0..<1 << size).filter { $0.nonzeroBitCount == keep }.map { UInt16($0) }
    bits = Int.bitWidth - (patterns.count - 1).leadingZeroBitCount
  }

  /// Bytes of the code of so many places.
  func byteCount(_ extent: Int) -> Int { (extent / size * bits + 7) / 8 }

  /// A group's pattern with its lowest free places added until `keep` are there.
  func filled(_ pattern: Int) -> Int {
    var pattern = pattern
    while pattern.nonzeroBitCount < keep { pattern |= pattern + 1 }
    return pattern
  }

  /// The code of a mask no group of which holds more than `keep`.
  func encode(_ mask: PlaceMask) -> [UInt8] {
    var numbers = [UInt16](repeating: 0, count: 1 << size)
    for (number, pattern) in patterns.enumerated() { numbers[Int(pattern)] = UInt16(number) }
    var code = [UInt8](repeating: 0, count: byteCount(mask.extent))
    var bit = 0
    for place in stride(from: 0, to: mask.extent, by: size) {
      let number = UInt32(numbers[filled(mask.group(at: place, of: size))]) << UInt32(bit & 7)
      for step in 0..<3 where number >> UInt32(8 * step) & 0xFF != 0 {
        code[bit >> 3 + step] |= UInt8(truncatingIfNeeded: number >> UInt32(8 * step))
      }
      bit += bits
    }
    return code
  }

  /// The number of a group in a code.
  @inline(__always)
  func number(_ code: UnsafeRawBufferPointer, group: Int) -> Int {
    let bit = group * bits
    var word: UInt32 = 0
    for step in 0..<3 where bit >> 3 + step < code.count {
      word |= UInt32(code[bit >> 3 + step]) << UInt32(8 * step)
    }
    return Int(word >> UInt32(bit & 7)) & (1 << bits - 1)
  }
}

/// Which places of a tensor hold what a sparse file or edit writes down, as encoded bytes that may lie in a mapped file.
///
/// The code was checked: every place lies inside, once and ascending, and there are as many as said.
public struct SparsePlaces: Sendable {
  /// How many places there are to choose from: the tensor's elements.
  public let extent: Int
  /// How many are chosen; with groups those that fill up are counted.
  public let count: Int
  /// How they are written down.
  public let encoding: SparseEncoding
  /// The code, u8.
  let code: Tensor

  /// A point to start reading the code at: chosen places before it, the byte, and the place that the byte speaks of (that
  /// the next gap counts from). A bitmask has one every ``stretch`` places, gaps one every ``run`` of them, whatever lies between.
  private struct Mark: Sendable {
    var rank: Int
    var offset: Int
    var next: Int
  }
  private static let stretch = 1 << 16
  private static let run = 1 << 12
  private let marks: [Mark]
  private let groups: GroupCode?

  /// Encodes a mask.
  init(_ mask: PlaceMask, _ encoding: SparseEncoding) throws {
    let bytes = Self.encode(mask, encoding)
    let code = Tensor(zeros: [bytes.count], dtype: .u8)
    bytes.withUnsafeBytes { from in
      if let base = from.baseAddress { code.storage.base.copyMemory(from: base, byteCount: from.count) }
    }
    let count: Int
    if case .groups(let keep, let size) = encoding {
      count = mask.extent / size * keep
    } else {
      count = mask.count
    }
    try self.init(encoding, extent: mask.extent, count: count, code: code)
  }

  /// The bytes of a mask under an encoding.
  static func encode(_ mask: PlaceMask, _ encoding: SparseEncoding) -> [UInt8] {
    switch encoding {
    case .bitmask:
      var bytes = [UInt8](repeating: 0, count: (mask.extent + 7) / 8)
      for index in bytes.indices {
        bytes[index] = UInt8(truncatingIfNeeded: mask.words[index >> 3] >> UInt64(8 * (index & 7)))
      }
      return bytes
    case .gaps:
      var bytes: [UInt8] = []
      var next = 0
      mask.forEach { place in
        var gap = place - next
        next = place + 1
        while gap >= 0x80 {
          bytes.append(UInt8(truncatingIfNeeded: gap) | 0x80)
          gap >>= 7
        }
        bytes.append(UInt8(gap))
      }
      return bytes
    case .groups(let keep, let size): return GroupCode(keep: keep, of: size).encode(mask)
    }
  }

  /// Bytes that ``encode(_:_:)`` gives for gaps.
  static func gapBytes(_ mask: PlaceMask) -> Int {
    var (bytes, next) = (0, 0)
    mask.forEach { place in
      var gap = place - next
      next = place + 1
      bytes += 1
      while gap >= 0x80 {
        bytes += 1
        gap >>= 7
      }
    }
    return bytes
  }

  /// A code's fault, in words that go on after the tensor's name.
  struct Fault: Error { let reason: String }

  /// Reads a code and checks all of it.
  /// - Throws: ``Fault``.
  init(_ encoding: SparseEncoding, extent: Int, count: Int, code: Tensor) throws {
    guard code.dtype == .u8, extent >= 0, count >= 0, count <= extent else {
      throw Fault(reason: "\(count) places of \(extent)")
    }
    self.extent = extent
    self.count = count
    self.encoding = encoding
    self.code = code
    let bytes = code.bytes
    func check(length: Int) throws {
      guard bytes.count == length else {
        throw Fault(reason: "\(bytes.count) bytes of \(encoding.name) where \(length) belong")
      }
    }
    func check(found: Int) throws {
      guard found == count else { throw Fault(reason: "\(found) places where \(count) are said") }
    }
    switch encoding {
    case .bitmask:
      try check(length: (extent + 7) / 8)
      if extent % 8 != 0, let last = bytes.last, last >> UInt8(extent % 8) != 0 {
        throw Fault(reason: "a place past the end, \(extent)")
      }
      (groups, marks) = (nil, Self.marks(bitmask: bytes))
      try check(found: (marks.last?.rank ?? 0))
    case .gaps:
      groups = nil
      marks = try withExtendedLifetime(code) { try Self.marks(gaps: bytes, extent: extent, count: count) }
    case .groups(let keep, let size):
      guard SparseEncoding.groupSizes.contains(size), (1..<size).contains(keep), extent % size == 0 else {
        throw Fault(reason: "groups of \(size) in \(extent) places")
      }
      let code = GroupCode(keep: keep, of: size)
      try check(length: code.byteCount(extent))
      try check(found: extent / size * keep)
      for group in 0..<extent / size where code.number(bytes, group: group) >= code.patterns.count {
        throw Fault(reason: "group \(group) with a combination that is none")
      }
      let used = extent / size * code.bits
      if used % 8 != 0, let last = bytes.last, last >> UInt8(used % 8) != 0 {
        throw Fault(reason: "bits after the last group")
      }
      (groups, marks) = (code, [])
    }
  }

  /// Ranks at the stretches' beginnings, and at the end.
  private static func marks(bitmask bytes: UnsafeRawBufferPointer) -> [Mark] {
    var marks: [Mark] = []
    var rank = 0
    for start in stride(from: 0, to: bytes.count, by: stretch / 8) {
      marks.append(Mark(rank: rank, offset: start, next: start * 8))
      for index in start..<min(start + stretch / 8, bytes.count) { rank += bytes[index].nonzeroBitCount }
    }
    return marks + [Mark(rank: rank, offset: bytes.count, next: bytes.count * 8)]
  }

  private static func marks(gaps bytes: UnsafeRawBufferPointer, extent: Int, count: Int) throws -> [Mark] {
    var marks: [Mark] = []
    var (offset, next, rank) = (0, 0, 0)
    while offset < bytes.count {
      if rank % run == 0 { marks.append(Mark(rank: rank, offset: offset, next: next)) }
      guard let gap = gap(bytes, &offset) else { throw Fault(reason: "a gap that is cut off or too long") }
      guard gap < extent - next else { throw Fault(reason: "place \(next) + \(gap) of \(extent)") }
      next += gap + 1
      rank += 1
    }
    guard rank == count else { throw Fault(reason: "\(rank) places where \(count) are said") }
    return marks
  }

  /// The last mark at or before a place.
  private func mark(before place: Int) -> Mark {
    if encoding == .bitmask { return marks[place / Self.stretch] }
    var (low, high) = (0, marks.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if marks[middle].next <= place { low = middle } else { high = middle }
    }
    return marks[low]
  }

  /// A gap at a byte of the code, which moves behind it; nil where it is cut off, longer than 56 bits, or not as short as can be.
  @inline(__always)
  private static func gap(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Int? {
    var (value, shift) = (0, 0)
    while offset < bytes.count, shift < 56 {
      let byte = bytes[offset]
      offset += 1
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return byte == 0 && shift > 0 ? nil : value }
      shift += 7
    }
    return nil
  }

  /// Calls `body` with each place in a range and its number among all places, ascending.
  @inline(__always)
  func forEach(in range: Range<Int>, _ body: (_ place: Int, _ rank: Int) throws -> Void) rethrows {
    guard !range.isEmpty, count > 0 else { return }
    let bytes = code.bytes
    defer { withExtendedLifetime(code.storage) {} }
    if let groups {
      let size = groups.size
      for group in (range.lowerBound / size)...((range.upperBound - 1) / size) {
        var pattern = groups.patterns[groups.number(bytes, group: group)]
        var rank = group * groups.keep
        while pattern != 0 {
          let place = group * size + pattern.trailingZeroBitCount
          if range.contains(place) { try body(place, rank) }
          rank += 1
          pattern &= pattern - 1
        }
      }
      return
    }
    let mark = mark(before: range.lowerBound)
    var rank = mark.rank
    if encoding == .bitmask {
      for index in mark.offset..<(range.upperBound + 7) / 8 {
        var byte = bytes[index]
        if index * 8 + 8 <= range.lowerBound {
          rank += byte.nonzeroBitCount
          continue
        }
        while byte != 0 {
          let place = index * 8 + byte.trailingZeroBitCount
          if place >= range.upperBound { return }
          if place >= range.lowerBound { try body(place, rank) }
          rank += 1
          byte &= byte - 1
        }
      }
      return
    }
    var (offset, next) = (mark.offset, mark.next)
    while offset < bytes.count, let gap = Self.gap(bytes, &offset) {
      let place = next + gap
      if place >= range.upperBound { return }
      if place >= range.lowerBound { try body(place, rank) }
      next = place + 1
      rank += 1
    }
  }

  /// How many rows of `width` neighbours hold a place.
  func rowCount(width: Int) -> Int {
    var (rows, last) = (0, -1)
    forEach(in: 0..<extent) { place, _ in
      if place / width != last {
        last = place / width
        rows += 1
      }
    }
    return rows
  }

  /// Bytes of the code.
  public var byteCount: Int { code.byteCount }

  /// The shorter of bitmask and gaps for a mask.
  static func shortest(_ mask: PlaceMask) -> SparseEncoding {
    gapBytes(mask) < (mask.extent + 7) / 8 ? .gaps : .bitmask
  }
}

extension SparsePlaces: Equatable {
  public static func == (a: SparsePlaces, b: SparsePlaces) -> Bool {
    a.extent == b.extent && a.count == b.count && a.encoding == b.encoding
      && withExtendedLifetime((a.code, b.code)) { a.code.bytes.sameBytes(as: b.code.bytes) }
  }
}

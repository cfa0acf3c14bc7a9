/// Unpacks what Deflate packed (RFC 1951): what `numpy.savez_compressed` writes.
struct Inflate {
  /// Packed bytes that end too soon, or say what no packer writes.
  struct Damaged: Error {}

  private let source: UnsafeRawBufferPointer
  private var place = 0
  private var bits: UInt64 = 0
  private var held = 0
  private var output: [UInt8] = []
  private let size: Int

  /// The `size` bytes that `source` unpacks to.
  /// - Throws: ``Damaged`` for anything else.
  static func bytes(_ source: UnsafeRawBufferPointer, size: Int) throws(Damaged) -> [UInt8] {
    var unpacking = Inflate(source: source, size: size)
    unpacking.output.reserveCapacity(size)
    try unpacking.run()
    guard unpacking.output.count == size else { throw Damaged() }
    return unpacking.output
  }

  private init(source: UnsafeRawBufferPointer, size: Int) {
    self.source = source
    self.size = size
  }

  private mutating func take(_ count: Int) throws(Damaged) -> Int {
    while held < count {
      guard place < source.count else { throw Damaged() }
      bits |= UInt64(source[place]) << UInt64(held)
      place += 1
      held += 8
    }
    defer {
      bits >>= UInt64(count)
      held -= count
    }
    return Int(bits & ((1 << UInt64(count)) - 1))
  }

  private mutating func run() throws(Damaged) {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try stored()
      case 1: try coded(.fixedLiterals, .fixedDistances)
      case 2:
        let (literals, distances) = try codes()
        try coded(literals, distances)
      default: throw Damaged()
      }
    }
  }

  private mutating func stored() throws(Damaged) {
    _ = try take(held % 8)
    let count = try take(16), inverse = try take(16)
    guard count ^ inverse == 0xFFFF, count <= size - output.count else { throw Damaged() }
    for _ in 0..<count { output.append(UInt8(try take(8))) }
  }

  private mutating func coded(_ literals: PrefixCode, _ distances: PrefixCode) throws(Damaged) {
    while true {
      let symbol = try read(literals)
      if symbol == 256 { return }
      guard symbol > 256 else {
        guard output.count < size else { throw Damaged() }
        output.append(UInt8(symbol))
        continue
      }
      guard symbol - 257 < Self.lengths.count else { throw Damaged() }
      let (base, extra) = Self.lengths[symbol - 257]
      let count = base + (try take(extra))
      let far = try read(distances)
      guard far < 30 else { throw Damaged() }
      let wide = max(0, far / 2 - 1)
      let distance = (far < 2 ? far : (2 + far % 2) << wide) + 1 + (try take(wide))
      guard distance <= output.count, count <= size - output.count else { throw Damaged() }
      for _ in 0..<count { output.append(output[output.count - distance]) }
    }
  }

  /// The two codes of a block that brings its own.
  private mutating func codes() throws(Damaged) -> (PrefixCode, PrefixCode) {
    let literals = try take(5) + 257, distances = try take(5) + 1, own = try take(4) + 4
    var lengths = [UInt8](repeating: 0, count: 19)
    for index in Self.order.prefix(own) { lengths[index] = UInt8(try take(3)) }
    let code = try PrefixCode(lengths)
    lengths = []
    while lengths.count < literals + distances {
      let symbol = try read(code)
      switch symbol {
      case ..<16: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { throw Damaged() }
        lengths += Array(repeating: last, count: 3 + (try take(2)))
      case 17: lengths += Array(repeating: 0, count: 3 + (try take(3)))
      default: lengths += Array(repeating: 0, count: 11 + (try take(7)))
      }
    }
    guard lengths.count == literals + distances else { throw Damaged() }
    return (
      try PrefixCode(Array(lengths[..<literals])), try PrefixCode(Array(lengths[literals...]))
    )
  }

  /// One symbol: codes of a length are consecutive numbers, so that the length and the number tell the symbol.
  private mutating func read(_ code: PrefixCode) throws(Damaged) -> Int {
    var number = 0, first = 0, index = 0
    for length in 1...15 {
      number |= try take(1)
      let count = code.counts[length]
      if number - first < count { return code.symbols[index + number - first] }
      index += count
      first = (first + count) << 1
      number <<= 1
    }
    throw Damaged()
  }

  /// Shortest copy and further bits of the symbols from 257.
  private static let lengths: [(base: Int, extra: Int)] = {
    var list: [(Int, Int)] = []
    var base = 3
    for symbol in 0..<28 {
      let extra = symbol < 8 ? 0 : symbol / 4 - 1
      list.append((base, extra))
      base += 1 << extra
    }
    return list + [(258, 0)]
  }()

  /// In which order the lengths of the code of lengths come.
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
}

/// A prefix code by the lengths of its symbols' codes.
private struct PrefixCode {
  /// How many codes have each length, 0 to 15.
  var counts = [Int](repeating: 0, count: 16)
  /// Symbols by length, then by number.
  var symbols: [Int]

  static let fixedLiterals = PrefixCode(
    unchecked: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  static let fixedDistances = PrefixCode(unchecked: Array(repeating: 5, count: 30))

  init(_ lengths: [UInt8]) throws(Inflate.Damaged) {
    self.init(unchecked: lengths)
    // More codes than there is room for have no meaning.
    var room = 1
    for length in 1...15 {
      room = room << 1 - counts[length]
      guard room >= 0 else { throw Inflate.Damaged() }
    }
  }

  private init(unchecked lengths: [UInt8]) {
    for length in lengths where length > 0 { counts[Int(length)] += 1 }
    symbols = lengths.indices.filter { lengths[$0] > 0 }.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
  }
}

import Glibc

/// Random numbers that are a pure function of (seed, stream, counter): SplitMix64's mixing of a counter.
///
/// Two streams of one seed are independent for our purposes; a draw can be repeated by its counter alone,
/// whatever the thread or batch it is asked from. The Python side of the fixtures has the same ten lines.
public struct CounterRandom: RandomNumberGenerator, Sendable {
  /// The key that seed and stream were mixed into.
  public let key: UInt64
  /// How many numbers have been drawn.
  public private(set) var counter: UInt64 = 0

  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// A generator for one purpose (`stream`, such as `"bootstrap"`) under one seed.
  public init(seed: UInt64, stream: String = "") {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a of the stream's name
    for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    self.key = Self.mix(Self.mix(seed &+ Self.golden) ^ hash)
  }

  /// A sub-stream, such as one per prompt: independent of how much this generator has drawn.
  public func stream(_ index: UInt64) -> CounterRandom {
    CounterRandom(key: Self.mix(key ^ Self.mix(index &+ Self.golden)))
  }

  private init(key: UInt64) { self.key = key }

  /// SplitMix64's finaliser.
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The 64 bits at a counter, without changing the generator.
  @inline(__always)
  public func bits(at counter: UInt64) -> UInt64 { Self.mix(key &+ (counter &+ 1) &* Self.golden) }

  /// The next 64 bits.
  @inline(__always)
  public mutating func next() -> UInt64 {
    defer { counter &+= 1 }
    return bits(at: counter)
  }

  /// Uniform in [0, 1), with 53 bits.
  @inline(__always)
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in 0 ..< `bound`, by the high half of a product (bias below 2⁻⁵⁰ for any bound used here).
  @inline(__always)
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "below(_:) needs a positive bound")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Standard normal, by Box and Muller; always uses two draws.
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// One of the elements; the collection must not be empty.
  public mutating func pick<C: RandomAccessCollection>(_ elements: C) -> C.Element {
    elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
  }

  /// The elements in random order (Fisher and Yates).
  public mutating func shuffled<C: Collection>(_ elements: C) -> [C.Element] {
    var result = Array(elements)
    guard result.count > 1 else { return result }
    for i in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(i, below(i + 1)) }
    return result
  }
}

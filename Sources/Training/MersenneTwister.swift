import Glibc

/// NumPy's legacy generator (MT19937 with `numpy.random.seed`), for data sets that are defined by it and nothing else:
/// everything of Surgeon's own uses counter-based numbers.
struct MersenneTwister {
  private var state = [UInt32](repeating: 0, count: 624)
  private var place = 624
  private var spare: Double?

  /// As `numpy.random.seed(seed)`.
  init(seed: UInt32) {
    state[0] = seed
    for i in 1..<624 { state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i) }
  }

  private mutating func refill() {
    for i in 0..<624 {
      let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7fff_ffff)
      state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
    }
    place = 0
  }

  /// 32 random bits.
  mutating func next() -> UInt32 {
    if place == 624 { refill() }
    var y = state[place]
    place += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9d2c_5680
    y ^= (y << 15) & 0xefc6_0000
    return y ^ (y >> 18)
  }

  /// `rand()`: uniform in [0, 1) with 53 bits.
  mutating func uniform() -> Double {
    let high = next() >> 5, low = next() >> 6
    return (Double(high) * 67_108_864 + Double(low)) / 9_007_199_254_740_992
  }

  /// `randn()`: the polar method, the second number of a pair kept.
  mutating func normal() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    while true {
      let x = 2 * uniform() - 1, y = 2 * uniform() - 1
      let square = x * x + y * y
      guard square < 1, square != 0 else { continue }
      let factor = (-2 * log(square) / square).squareRoot()
      spare = factor * x
      return factor * y
    }
  }

  /// Uniform in 0…`most`, by throwing away what is above it.
  mutating func upTo(_ most: Int) -> Int {
    guard most > 0 else { return 0 }
    var mask = UInt32(most)
    for shift in [1, 2, 4, 8, 16] { mask |= mask >> UInt32(shift) }
    while true {
      let value = Int(next() & mask)
      if value <= most { return value }
    }
  }

  /// `permutation(count)`.
  mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, upTo(i)) }
    return order
  }
}

/// Which weights of a matrix stay: one bit a weight of the logical W `[N, K]`, row-major, 1 = kept.
///
/// Every row starts at a word of its own, lowest bit first; bits past K are 0.
public struct Mask: Sendable, Equatable {
  /// Outputs, N.
  public let outputs: Int
  /// Inputs, K.
  public let inputs: Int
  /// The bits, `[N, wordsPerRow]`.
  public private(set) var words: [UInt64]

  /// Words of a row, ⌈K / 64⌉.
  public var wordsPerRow: Int { (inputs + 63) / 64 }
  /// Weights in all.
  public var count: Int { outputs * inputs }

  /// A mask that keeps everything or nothing.
  public init(outputs: Int, inputs: Int, keepingAll: Bool) {
    self.init(outputs: outputs, inputs: inputs) { words in
      let perRow = (inputs + 63) / 64
      for index in 0..<outputs * perRow {
        let left = inputs - index % perRow * 64
        words[index] = !keepingAll ? 0 : left >= 64 ? .max : (1 << UInt64(left)) - 1
      }
    }
  }

  /// A mask whose words `body` writes, all of them.
  public init(outputs: Int, inputs: Int, _ body: (UnsafeMutablePointer<UInt64>) throws -> Void) rethrows {
    self.outputs = outputs
    self.inputs = inputs
    let count = outputs * ((inputs + 63) / 64)
    words = try [UInt64](unsafeUninitializedCapacity: count) { buffer, used in
      if let base = buffer.baseAddress, count > 0 { try body(base) }
      used = count
    }
  }

  /// Whether a weight is kept.
  public subscript(row: Int, column: Int) -> Bool {
    get { words[row * wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 == 1 }
    set {
      let bit: UInt64 = 1 << UInt64(column & 63)
      if newValue {
        words[row * wordsPerRow + column >> 6] |= bit
      } else {
        words[row * wordsPerRow + column >> 6] &= ~bit
      }
    }
  }

  /// Weights that are kept.
  public var keptCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
  /// Weights that are pruned.
  public var prunedCount: Int { count - keptCount }
  /// The share that is pruned.
  public var sparsity: Double { count == 0 ? 0 : Double(prunedCount) / Double(count) }

  /// Weights of a row that are kept.
  public func keptCount(row: Int) -> Int {
    words[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// Sets the pruned weights of a row of K floats to +0.
  public func zero(row: Int, in weights: UnsafeMutablePointer<Float>) {
    words.withUnsafeBufferPointer { words in
      for index in 0..<wordsPerRow {
        var pruned = ~words[row * wordsPerRow + index]
        let left = inputs - index * 64
        if left < 64 { pruned &= (1 << UInt64(left)) - 1 }
        while pruned != 0 {
          weights[index * 64 + pruned.trailingZeroBitCount] = 0
          pruned &= pruned - 1
        }
      }
    }
  }

  /// How many weights both masks keep.
  public func commonKept(_ other: Mask) -> Int {
    precondition(outputs == other.outputs && inputs == other.inputs, "masks of different matrices")
    return zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
  }

  /// How many weights both masks prune.
  public func commonPruned(_ other: Mask) -> Int {
    precondition(outputs == other.outputs && inputs == other.inputs, "masks of different matrices")
    let kept = zip(words, other.words).reduce(0) { $0 + ($1.0 | $1.1).nonzeroBitCount }
    return count - kept
  }
}

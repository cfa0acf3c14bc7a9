/// The exact k-th smallest of many keys, without sorting them.
enum OrderStatistic {
  /// The k-th smallest key, and how many of its equals belong to the k smallest (those of lowest index, by convention).
  struct Cut: Equatable {
    var key: UInt64
    var ties: Int
  }

  /// Where the `count` smallest keys end; for a count of zero nothing is below the cut and no tie belongs.
  ///
  /// Four counting passes of 16 bits each, the later ones over keys that share the earlier bits.
  /// - Complexity: O(n) time, 512 KiB.
  static func cut(_ keys: UnsafeBufferPointer<UInt64>, count: Int) -> Cut {
    precondition(count >= 0 && count <= keys.count, "\(count) of \(keys.count) keys")
    guard count > 0 else { return Cut(key: 0, ties: 0) }
    var histogram = [Int](repeating: 0, count: 1 << 16)
    var prefix: UInt64 = 0
    var rest = count
    for shift in stride(from: UInt64(48), through: 0, by: -16) {
      let above = shift == 48 ? 0 : ~UInt64(0) << (shift + 16)
      histogram.withUnsafeMutableBufferPointer { histogram in
        histogram.update(repeating: 0)
        for key in keys where key & above == prefix { histogram[Int(key >> shift & 0xFFFF)] += 1 }
      }
      var digit = 0
      while histogram[digit] < rest {
        rest -= histogram[digit]
        digit += 1
      }
      prefix |= UInt64(digit) << shift
    }
    return Cut(key: prefix, ties: rest)
  }
}

/// Sorting of 32-bit keys by their digits: three passes of eleven bits, stable.
enum RadixSort {
  private static let bits = 11, digits = 3

  /// Sorts keys ascending. Holds a copy while it runs.
  /// - Complexity: O(n).
  static func sort(_ keys: inout [UInt32]) {
    var other = [UInt32](repeating: 0, count: keys.count)
    for digit in 0..<digits {
      var places = offsets(keys, digit)
      keys.withUnsafeBufferPointer { from in
        other.withUnsafeMutableBufferPointer { to in
          places.withUnsafeMutableBufferPointer { places in
            for key in from {
              let bin = Int(key >> UInt32(digit * bits)) & (1 << bits - 1)
              to[places[bin]] = key
              places[bin] += 1
            }
          }
        }
      }
      swap(&keys, &other)
    }
  }

  /// The indices of keys in ascending order of the keys, equal ones in their own order.
  static func order(_ keys: [UInt32]) -> [UInt32] {
    var order = keys.indices.map { UInt32($0) }
    var other = order
    for digit in 0..<digits {
      var places = offsets(keys, digit)
      keys.withUnsafeBufferPointer { keys in
        other.withUnsafeMutableBufferPointer { to in
          places.withUnsafeMutableBufferPointer { places in
            for index in order {
              let bin = Int(keys[Int(index)] >> UInt32(digit * bits)) & (1 << bits - 1)
              to[places[bin]] = index
              places[bin] += 1
            }
          }
        }
      }
      swap(&order, &other)
    }
    return order
  }

  private static func offsets(_ keys: [UInt32], _ digit: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: 1 << bits)
    for key in keys { counts[Int(key >> UInt32(digit * bits)) & (1 << bits - 1)] += 1 }
    var sum = 0
    for bin in counts.indices { (counts[bin], sum) = (sum, sum + counts[bin]) }
    return counts
  }
}

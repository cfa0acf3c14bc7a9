/// Finds the longest of a set of texts that begins at a place.
struct PrefixMatcher: Sendable {
  private(set) var table = Vocabulary(capacity: 0)
  /// Lengths of the texts that begin with a byte, longest first.
  private var lengths = [[Int]](repeating: [], count: 256)
  private var begins = [Bool](repeating: false, count: 256)

  var isEmpty: Bool { table.count == 0 }

  /// Adds a text with a number; the first of equal ones stays.
  mutating func add(_ text: [UInt8], _ index: Int) {
    guard let first = text.first, table.id(text) == nil else { return }
    table.add(text, id: index)
    begins[Int(first)] = true
    if !lengths[Int(first)].contains(text.count) {
      lengths[Int(first)].append(text.count)
      lengths[Int(first)].sort(by: >)
    }
  }

  /// The longest text that begins at a byte, and its number.
  @inline(__always) func match(
    _ bytes: UnsafeBufferPointer<UInt8>, at index: Int, to end: Int
  ) -> (number: Int, length: Int)? {
    lengths.withUnsafeBufferPointer { lengths in
      for length in lengths[Int(bytes[index])] where index + length <= end {
        let id = table.id(UnsafeBufferPointer(rebasing: bytes[index..<index + length]))
        if id >= 0 { return (Int(id), length) }
      }
      return nil
    }
  }

  /// The first place where one of the texts begins.
  func next(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> (Int, Range<Int>)? {
    begins.withUnsafeBufferPointer { begins in
      for index in start..<max(start, end) where begins[Int(bytes[index])] {
        if let (number, length) = match(bytes, at: index, to: end) { return (number, index..<index + length) }
      }
      return nil
    }
  }
}

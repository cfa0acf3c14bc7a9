/// The merges of a byte-pair vocabulary: pair of ids → rank and id of the joined token.
struct MergeTable: Sendable {
  struct Merge {
    var pair: UInt64
    var rank: UInt32
    var id: Int32
  }
  private var slots: [Merge]
  private var mask: Int
  private(set) var count = 0

  private static let none = Merge(pair: .max, rank: .max, id: -1)

  /// An empty table with room for `capacity` merges.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = [Merge](repeating: Self.none, count: size)
    mask = size - 1
  }

  @inline(__always) private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Adds a merge; a later one for the same pair wins.
  mutating func add(_ left: Int32, _ right: Int32, rank: Int, id: Int32) {
    let pair = Self.pair(left, right)
    var slot = Int(truncatingIfNeeded: Vocabulary.mix(pair ^ 0x9E37_79B9_7F4A_7C15)) & mask
    while slots[slot].pair != .max && slots[slot].pair != pair { slot = (slot + 1) & mask }
    if slots[slot].pair == .max { count += 1 }
    slots[slot] = Merge(pair: pair, rank: UInt32(rank), id: id)
    if count * 2 > slots.count { grow() }
  }

  private mutating func grow() {
    let old = slots
    slots = [Merge](repeating: Self.none, count: old.count * 2)
    mask = slots.count - 1
    for merge in old where merge.pair != .max {
      var slot = Int(truncatingIfNeeded: Vocabulary.mix(merge.pair ^ 0x9E37_79B9_7F4A_7C15)) & mask
      while slots[slot].pair != .max { slot = (slot + 1) & mask }
      slots[slot] = merge
    }
  }

  /// The merge of two neighbours; rank `.max` when there is none.
  @inline(__always) func merge(_ left: Int32, _ right: Int32) -> Merge {
    let pair = Self.pair(left, right)
    return slots.withUnsafeBufferPointer { slots in
      var slot = Int(truncatingIfNeeded: Vocabulary.mix(pair ^ 0x9E37_79B9_7F4A_7C15)) & mask
      while slots[slot].pair != pair {
        if slots[slot].pair == .max { return Self.none }
        slot = (slot + 1) & mask
      }
      return slots[slot]
    }
  }
}

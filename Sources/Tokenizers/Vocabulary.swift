/// Tokens and their ids, compared by bytes: a hash table over one run of all tokens' bytes.
///
/// Swift's own string comparison would take canonically equivalent tokens for one.
struct Vocabulary: Sendable {
  private struct Slot {
    var tag: UInt32 = 0
    var entry: Int32 = -1
  }
  private struct Entry {
    var start: Int32
    var length: Int32
    var id: Int32
  }
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  private var entryOfID: [Int32] = []
  /// Of each slot the upper half of its token's hash, so that other tokens are seldom looked at, and its entry.
  private var slots: [Slot]
  private var mask: Int

  /// An empty vocabulary with room for `capacity` tokens.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = [Slot](repeating: Slot(), count: size)
    mask = size - 1
    entries.reserveCapacity(capacity)
    entryOfID.reserveCapacity(capacity)
    bytes.reserveCapacity(capacity * 8)
  }

  /// Number of different tokens.
  var count: Int { entries.count }
  /// The largest id plus one.
  var idBound: Int { entryOfID.count }

  /// Adds a token, or gives a token that is there already another id.
  mutating func add(_ token: UnsafeRawBufferPointer, id: Int) {
    let key = token.bindMemory(to: UInt8.self)
    let hash = Self.hash(key)
    var slot = hash & mask
    while slots[slot].entry >= 0 {
      let number = slots[slot].entry
      if slots[slot].tag == Self.tag(hash) {
        let entry = entries[Int(number)]
        if entry.length == key.count && matches(entry, key) {
          entries[Int(number)].id = Int32(id)
          setEntry(number, ofID: id)
          return
        }
      }
      slot = (slot + 1) & mask
    }
    slots[slot] = Slot(tag: Self.tag(hash), entry: Int32(entries.count))
    setEntry(Int32(entries.count), ofID: id)
    entries.append(Entry(start: Int32(bytes.count), length: Int32(key.count), id: Int32(id)))
    bytes.append(contentsOf: key)
    if entries.count * 2 > slots.count { grow() }
  }

  /// Adds a token.
  mutating func add(_ token: [UInt8], id: Int) { token.withUnsafeBytes { add($0, id: id) } }

  private mutating func setEntry(_ entry: Int32, ofID id: Int) {
    while entryOfID.count <= id { entryOfID.append(-1) }
    entryOfID[id] = entry
  }

  private mutating func grow() {
    slots = [Slot](repeating: Slot(), count: slots.count * 2)
    mask = slots.count - 1
    for (index, entry) in entries.enumerated() {
      let hash = bytes.withUnsafeBufferPointer {
        Self.hash(UnsafeBufferPointer(rebasing: $0[Int(entry.start)..<Int(entry.start + entry.length)]))
      }
      var slot = hash & mask
      while slots[slot].entry >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Slot(tag: Self.tag(hash), entry: Int32(index))
    }
  }

  /// The id of a token; -1 when it is not there.
  /// - Complexity: O(length).
  @inline(__always) func id(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
    let hash = Self.hash(key)
    return slots.withUnsafeBufferPointer { slots in
      var slot = hash & mask
      while slots[slot].entry >= 0 {
        if slots[slot].tag == Self.tag(hash) {
          let entry = entries[Int(slots[slot].entry)]
          if entry.length == key.count && matches(entry, key) { return entry.id }
        }
        slot = (slot + 1) & mask
      }
      return -1
    }
  }

  /// The id of a token; nil when it is not there.
  func id(_ token: [UInt8]) -> Int32? {
    let id = token.withUnsafeBufferPointer { self.id($0) }
    return id < 0 ? nil : id
  }

  /// The id of a text as token; nil when it is not there.
  func id(of text: String) -> Int32? { id(Array(text.utf8)) }

  /// The bytes of the token with an id; nil when no token has it.
  func token(_ id: Int) -> ArraySlice<UInt8>? {
    guard entryOfID.indices.contains(id), entryOfID[id] >= 0 else { return nil }
    let entry = entries[Int(entryOfID[id])]
    return bytes[Int(entry.start)..<Int(entry.start + entry.length)]
  }

  /// Calls `body` with each token and its id, in the order of addition.
  func forEach(_ body: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
    bytes.withUnsafeBufferPointer { all in
      for entry in entries {
        body(
          UnsafeBufferPointer(rebasing: all[Int(entry.start)..<Int(entry.start + entry.length)]),
          Int(entry.id))
      }
    }
  }

  @inline(__always) private func matches(_ entry: Entry, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.withUnsafeBufferPointer { all in
      for index in 0..<key.count where all[Int(entry.start) + index] != key[index] { return false }
      return true
    }
  }

  /// The bits of a hash that do not say its slot.
  @inline(__always) private static func tag(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 31) }

  /// A quick mixing hash of bytes, never negative.
  @inline(__always) static func hash(_ key: UnsafeBufferPointer<UInt8>) -> Int {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(key.count)
    var index = 0
    let raw = UnsafeRawBufferPointer(key)
    while index + 8 <= key.count {
      state = mix(state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      index += 8
    }
    var rest: UInt64 = 0
    while index < key.count {
      rest = rest << 8 | UInt64(key[index])
      index += 1
    }
    return Int(truncatingIfNeeded: mix(state ^ rest) >> 1)
  }

  @inline(__always) static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
  }
}

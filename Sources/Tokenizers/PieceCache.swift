/// The tokens of pieces seen before: an open table whose entries hold short pieces and single tokens themselves, so that
/// a word of a text costs one look at memory.
///
/// One thread uses a cache at a time.
final class PieceCache {
  static let longestPiece = 48
  private static let capacity = 1 << 15
  private static let mask = 2 * capacity - 1

  private struct Entry {
    /// The bytes of a piece of at most eight, or the hash of a longer one.
    var key: UInt64
    /// Place of a longer piece's bytes.
    var start: Int32
    /// The token where it is the only one, or the place of the first.
    var token: Int32
    /// 0 for an empty entry.
    var length: Int32
    var tokenCount: Int32
  }
  private let entries: UnsafeMutablePointer<Entry>
  private var count = 0
  private var bytes: [UInt8] = []
  private var tokens: [Token] = []

  init() {
    entries = .allocate(capacity: Self.mask + 1)
    entries.initialize(
      repeating: Entry(key: 0, start: 0, token: 0, length: 0, tokenCount: 0), count: Self.mask + 1)
  }

  deinit { entries.deallocate() }

  /// A piece's key, and where the search for it begins.
  struct Key {
    var bits: UInt64
    var slot: Int
  }

  @inline(__always) static func key(_ piece: UnsafeBufferPointer<UInt8>) -> Key {
    guard piece.count <= 8 else {
      let hash = UInt64(truncatingIfNeeded: Vocabulary.hash(piece))
      return Key(bits: hash, slot: Int(truncatingIfNeeded: hash) & mask)
    }
    var bits: UInt64 = 0
    for byte in piece { bits = bits << 8 | UInt64(byte) }
    let mixed = Vocabulary.mix(bits ^ UInt64(piece.count) &* 0x9E37_79B9_7F4A_7C15)
    return Key(bits: bits, slot: Int(truncatingIfNeeded: mixed) & mask)
  }

  /// Calls `body` with the known tokens of a piece; false when the piece is not known.
  @inline(__always) func find(
    _ piece: UnsafeBufferPointer<UInt8>, _ key: Key, _ body: (Token) -> Void
  ) -> Bool {
    var slot = key.slot
    while entries[slot].length != 0 {
      let entry = entries[slot]
      if entry.key == key.bits && Int(entry.length) == piece.count
        && (piece.count <= 8 || isSame(piece, Int(entry.start)))
      {
        if entry.tokenCount == 1 {
          body(Token(id: entry.token, start: 0, end: entry.length))
        } else {
          for index in Int(entry.token)..<Int(entry.token + entry.tokenCount) { body(tokens[index]) }
        }
        return true
      }
      slot = (slot + 1) & Self.mask
    }
    return false
  }

  @inline(__always) private func isSame(_ piece: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
    bytes.withUnsafeBufferPointer { known in
      for index in 0..<piece.count where known[start + index] != piece[index] { return false }
      return true
    }
  }

  /// Keeps a piece's tokens; a full cache starts anew.
  func insert(_ piece: UnsafeBufferPointer<UInt8>, _ key: Key, _ found: ArraySlice<Token>) {
    if piece.isEmpty { return }
    if count == Self.capacity {
      for slot in 0...Self.mask { entries[slot].length = 0 }
      count = 0
      bytes.removeAll(keepingCapacity: true)
      tokens.removeAll(keepingCapacity: true)
    }
    var slot = key.slot
    while entries[slot].length != 0 { slot = (slot + 1) & Self.mask }
    var entry = Entry(
      key: key.bits, start: Int32(bytes.count), token: Int32(tokens.count), length: Int32(piece.count),
      tokenCount: Int32(found.count))
    if piece.count > 8 { bytes.append(contentsOf: piece) }
    if let only = found.first, found.count == 1, only.start == 0, only.end == entry.length {
      entry.token = only.id
    } else if found.count == 1 {
      // Covers only a part of the piece: too rare for a kind of its own.
      return
    } else {
      tokens.append(contentsOf: found)
    }
    entries[slot] = entry
    count += 1
  }
}

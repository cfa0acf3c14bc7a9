/// The tokens of pieces seen before.
struct PieceCache {
  static let longestPiece = 48
  private static let capacity = 1 << 15

  private struct Entry {
    var hash: Int
    var start: Int32
    var length: Int32
    var firstToken: Int32
    var tokenCount: Int32
  }
  private var slots = [Int32](repeating: -1, count: 2 * capacity)
  private var entries: [Entry] = []
  private var bytes: [UInt8] = []
  private var tokens: [Token] = []

  /// Appends a known piece's tokens; false when the piece is not known.
  @inline(__always) func find(
    _ piece: UnsafeBufferPointer<UInt8>, hash: Int, into result: inout [Token]
  ) -> Bool {
    var slot = hash & (slots.count - 1)
    while slots[slot] >= 0 {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash && Int(entry.length) == piece.count {
        var same = true
        for index in 0..<piece.count where bytes[Int(entry.start) + index] != piece[index] {
          same = false
          break
        }
        if same {
          for index in Int(entry.firstToken)..<Int(entry.firstToken + entry.tokenCount) {
            result.append(tokens[index])
          }
          return true
        }
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return false
  }

  /// Keeps a piece's tokens; a full cache starts anew.
  mutating func insert(_ piece: UnsafeBufferPointer<UInt8>, hash: Int, _ found: ArraySlice<Token>) {
    if entries.count == Self.capacity { self = PieceCache() }
    var slot = hash & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(entries.count)
    entries.append(
      Entry(
        hash: hash, start: Int32(bytes.count), length: Int32(piece.count), firstToken: Int32(tokens.count),
        tokenCount: Int32(found.count)))
    bytes.append(contentsOf: piece)
    tokens.append(contentsOf: found)
  }
}

/// Reads the whole numbers of a committed Unicode table: five bits a character, lowest first, base64 letters from `g` on
/// where more follow.
struct TableNumbers {
  private let text: StaticString
  private var index = 0

  init(_ text: StaticString) { self.text = text }

  /// The next number; nil at the end.
  mutating func next() -> UInt32? {
    var value: UInt32 = 0
    var shift: UInt32 = 0
    while index < text.utf8CodeUnitCount {
      let character = text.utf8Start[index]
      index += 1
      let digit: UInt32
      switch character {
      case 65...90: digit = UInt32(character) - 65
      case 97...122: digit = UInt32(character) - 71
      case 48...57: digit = UInt32(character) + 4
      default: digit = character == UInt8(ascii: "+") ? 62 : 63
      }
      value |= (digit & 31) << shift
      if digit < 32 { return value }
      shift += 5
    }
    return nil
  }
}

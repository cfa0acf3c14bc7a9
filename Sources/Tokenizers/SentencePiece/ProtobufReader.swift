/// Reads the fields of one message in protocol buffers' wire format, in place.
///
/// Every length is checked against what is left of the message; groups (wire types 3 and 4) are refused.
struct ProtobufReader {
  /// What a field holds.
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(Range<Int>)
    case fixed32(UInt32)
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var index: Int
  private let end: Int

  /// A message that fills a range of the bytes.
  init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
  }

  /// Why a message cannot be read.
  struct Damage: Error {
    var offset: Int
    var reason: String
  }

  /// The next field; nil at the end of the message.
  /// - Throws: ``Damage``.
  mutating func next() throws -> (number: Int, value: Value)? {
    guard index < end else { return nil }
    let start = index
    let key = try varint()
    let number = key >> 3
    guard number > 0, number < 1 << 29 else {
      throw Damage(offset: start, reason: "a field of number \(number)")
    }
    switch key & 7 {
    case 0: return (Int(number), .varint(try varint()))
    case 1: return (Int(number), .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - index) else {
        throw Damage(offset: start, reason: "a field of \(length) bytes where \(end - index) are left")
      }
      defer { index += Int(length) }
      return (Int(number), .bytes(index..<index + Int(length)))
    case 5: return (Int(number), .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default: throw Damage(offset: start, reason: "a field of wire type \(key & 7)")
    }
  }

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    let start = index
    while index < end {
      let byte = bytes[index]
      index += 1
      if shift == 63 && byte > 1 { throw Damage(offset: start, reason: "a number of more than 64 bits") }
      value |= UInt64(byte & 127) << shift
      if byte < 128 { return value }
      shift += 7
    }
    throw Damage(offset: start, reason: "a number that the end cuts off")
  }

  private mutating func fixed(_ count: Int) throws -> UInt64 {
    guard end - index >= count else { throw Damage(offset: index, reason: "a number that the end cuts off") }
    var value: UInt64 = 0
    for offset in 0..<count { value |= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
    index += count
    return value
  }
}

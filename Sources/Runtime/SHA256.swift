import CKernels

/// SHA-256 of a stream of bytes (FIPS 180-4).
public struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// A digest of nothing yet.
  public init() {}

  /// Takes in more bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let taken = min(64 - pending.count, rest.count)
      pending.append(contentsOf: rest.prefix(taken))
      rest = rest.dropFirst(taken)
      guard pending.count == 64 else { return }
      ck_sha256_blocks(&state, pending, 1)
      pending.removeAll(keepingCapacity: true)
    }
    let whole = UnsafeRawBufferPointer(rebasing: rest)
    if let base = whole.bindMemory(to: UInt8.self).baseAddress {
      ck_sha256_blocks(&state, base, whole.count / 64)
    }
    pending.append(contentsOf: rest.suffix(whole.count % 64))
  }

  /// Takes bytes into two digests in step, which takes little longer than one alone: the processor works on both at
  /// once.
  public static func update(
    _ first: inout SHA256, _ a: UnsafeRawBufferPointer, _ second: inout SHA256, _ b: UnsafeRawBufferPointer
  ) {
    let (a, b) = (first.completingBlock(with: a), second.completingBlock(with: b))
    let blocks = min(a.count, b.count) / 64
    if blocks > 0, let dataA = a.bindMemory(to: UInt8.self).baseAddress,
      let dataB = b.bindMemory(to: UInt8.self).baseAddress
    {
      ck_sha256_blocks_of_two(&first.state, dataA, &second.state, dataB, blocks)
      first.length += UInt64(blocks * 64)
      second.length += UInt64(blocks * 64)
    }
    first.update(UnsafeRawBufferPointer(rebasing: a[(blocks * 64)...]))
    second.update(UnsafeRawBufferPointer(rebasing: b[(blocks * 64)...]))
  }

  /// Takes in as many bytes as complete a block that was begun, and gives the rest.
  private mutating func completingBlock(with bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard !pending.isEmpty else { return bytes }
    let taken = min(64 - pending.count, bytes.count)
    update(UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
    return UnsafeRawBufferPointer(rebasing: bytes[taken...])
  }

  /// Takes in more bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Takes in a text's UTF-8.
  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// The digest as 64 lower-case hexadecimal digits.
  public consuming func hex() -> String {
    let bits = length * 8
    var tail: [UInt8] = [0x80]
    while (pending.count + tail.count) % 64 != 56 { tail.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    update(tail)
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for word in state {
      for shift in stride(from: 28, through: 0, by: -4) {
        text.append(digits[Int(word >> UInt32(shift)) & 15])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digest of one run of bytes.
  public static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hex()
  }

  /// The digests of two runs of bytes, computed in step.
  public static func hex(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> (first: String, second: String) {
    var (a, b) = (SHA256(), SHA256())
    update(&a, first, &b, second)
    return (a.hex(), b.hex())
  }

  /// The digest of one array of bytes.
  public static func hex(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hex($0) } }

  /// The digest of a text's UTF-8.
  public static func hex(_ text: String) -> String { hex(Array(text.utf8)) }
}

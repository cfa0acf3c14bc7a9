import Runtime
import Testing

@Suite struct SHA256Tests {
  @Test func knownDigests() {
    #expect(SHA256.hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let million = [UInt8](repeating: 0x61, count: 1_000_000)
    #expect(SHA256.hex(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesGiveTheSameDigestAsTheWhole() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for cut in [0, 1, 63, 64, 65, 127, 128, 999] {
      var hash = SHA256()
      hash.update(Array(bytes[..<cut]))
      hash.update(Array(bytes[cut...]))
      #expect(hash.hex() == SHA256.hex(bytes))
    }
  }

  /// Two streams in step are the same as each by itself, whatever the lengths of their pieces.
  @Test func twoStreamsInStepAreEachItsOwn() {
    let a = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let b = (0..<2500).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ 1) }
    for (cutA, cutB) in [(0, 0), (1, 1), (64, 64), (100, 100), (63, 65), (1000, 3), (3000, 0), (2999, 2500)] {
      var (first, second) = (SHA256(), SHA256())
      func pieces(_ bytes: [UInt8], _ cut: Int) -> [[UInt8]] { [Array(bytes[..<cut]), Array(bytes[cut...])] }
      for (pieceA, pieceB) in zip(pieces(a, cutA), pieces(b, cutB)) {
        pieceA.withUnsafeBytes { bytesA in
          pieceB.withUnsafeBytes { bytesB in SHA256.update(&first, bytesA, &second, bytesB) }
        }
      }
      #expect(first.hex() == SHA256.hex(a) && second.hex() == SHA256.hex(b), "\(cutA), \(cutB)")
    }
    let both = a.withUnsafeBytes { a in b.withUnsafeBytes { SHA256.hex(a, $0) } }
    #expect(both == (SHA256.hex(a), SHA256.hex(b)))
  }
}

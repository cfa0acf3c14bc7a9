import Runtime
import Tensors
import Testing

@testable import Checkpoints

/// Codes of places: what goes in comes out, in any stretch, and damaged codes are refused.
@Suite struct SparsePlacesTests {
  static func mask(_ extent: Int, density: Double, seed: UInt64) -> PlaceMask {
    var random = CounterRandom(seed: seed, stream: "mask")
    var mask = PlaceMask(extent: extent)
    for place in 0..<extent where random.uniform() < density { mask.insert(place) }
    return mask
  }

  static func places(_ mask: PlaceMask) -> [Int] {
    var list: [Int] = []
    mask.forEach { list.append($0) }
    return list
  }

  @Test(arguments: [0, 1, 7, 8, 63, 64, 65, 1000, 200_000], [0.0, 0.001, 0.1, 0.5, 1.0])
  func comesBack(_ extent: Int, _ density: Double) throws {
    let mask = Self.mask(extent, density: density, seed: UInt64(extent))
    let expected = Self.places(mask)
    #expect(expected == (0..<extent).filter(mask.contains))
    for encoding in [SparseEncoding.bitmask, .gaps] {
      let places = try SparsePlaces(mask, encoding)
      #expect(places.count == expected.count)
      var found: [Int] = []
      places.forEach(in: 0..<extent) { place, rank in
        #expect(rank == found.count)
        found.append(place)
      }
      #expect(found == expected)
      // Parts of it, those that begin and end inside of a byte or a stretch as well.
      for range in [extent / 3..<extent / 2, extent / 2..<extent, min(5, extent)..<min(70_001, extent)] {
        var part: [(Int, Int)] = []
        places.forEach(in: range) { part.append(($0, $1)) }
        #expect(part.map(\.0) == expected.filter(range.contains))
        #expect(part.allSatisfy { expected[$0.1] == $0.0 })
      }
      if encoding == .gaps { #expect(places.byteCount == SparsePlaces.gapBytes(mask)) }
      #expect(places.rowCount(width: 10) == Set(expected.map { $0 / 10 }).count)
    }
  }

  /// Groups of every kind, filled up by their lowest free places.
  @Test(arguments: [4, 8, 16]) func groupsComeBack(_ size: Int) throws {
    for keep in 1..<size {
      var mask = PlaceMask(extent: size * 37)
      var random = CounterRandom(seed: UInt64(keep), stream: "groups")
      for group in 0..<37 {
        for place in random.shuffled(0..<size).prefix(group % 5 == 0 ? keep / 2 : keep) {
          mask.insert(group * size + place)
        }
      }
      #expect(mask.fullestGroup(of: size) == keep)
      let places = try SparsePlaces(mask, .groups(keep: keep, of: size))
      #expect(places.count == 37 * keep)
      var found = PlaceMask(extent: mask.extent)
      var last = -1
      places.forEach(in: 0..<mask.extent) { place, rank in
        #expect(place > last && rank / keep == place / size)
        last = place
        found.insert(place)
      }
      #expect(Self.places(mask).allSatisfy(found.contains))
      #expect(found.count == 37 * keep)
      var part: [Int] = []
      places.forEach(in: size + 1..<5 * size - 1) { place, _ in part.append(place) }
      #expect(part == Self.places(found).filter { (size + 1..<5 * size - 1).contains($0) })
      #expect(SparseEncoding(name: "\(keep)-of-\(size)") == .groups(keep: keep, of: size))
    }
    #expect(GroupCode(keep: 2, of: 4).bits == 3 && GroupCode(keep: 1, of: 4).bits == 2)
    #expect(GroupCode(keep: 2, of: 4).byteCount(64) == 6)
  }

  @Test func namesOfEncodings() {
    #expect(SparseEncoding(name: "bitmask") == .bitmask && SparseEncoding(name: "gaps") == .gaps)
    for name in ["", "4-of-4", "0-of-4", "2-of-5", "2-of-4-", "-1-of-4", "2of4", "2-of-32"] {
      #expect(SparseEncoding(name: name) == nil)
    }
  }

  /// The fault of a code, nil where it is none.
  static func fault(_ encoding: SparseEncoding, _ extent: Int, _ count: Int, _ code: [UInt8]) -> String? {
    let tensor = Tensor(zeros: [code.count], dtype: .u8)
    code.withUnsafeBytes { from in
      if let bytes = from.baseAddress { tensor.storage.base.copyMemory(from: bytes, byteCount: from.count) }
    }
    do {
      _ = try SparsePlaces(encoding, extent: extent, count: count, code: tensor)
      return nil
    } catch { return (error as? SparsePlaces.Fault)?.reason ?? "\(error)" }
  }

  @Test func damagedCodesAreRefused() {
    #expect(Self.fault(.bitmask, 12, 3, [0b1001, 0b1000]) == nil)
    // A popcount that disagrees, a place past the end, a wrong length.
    #expect(Self.fault(.bitmask, 12, 4, [0b1001, 0b1000])?.contains("3 places where 4") == true)
    #expect(Self.fault(.bitmask, 12, 3, [0b1001, 0b10000])?.contains("past the end") == true)
    #expect(Self.fault(.bitmask, 12, 2, [0b1001])?.contains("1 bytes") == true)
    #expect(Self.fault(.bitmask, 12, 2, [0b1001, 0, 0])?.contains("3 bytes") == true)
    #expect(Self.fault(.bitmask, 12, 13, [0xFF, 0xFF])?.contains("13 places of 12") == true)
    #expect(Self.fault(.bitmask, 12, -1, [0, 0]) != nil)
    // Gaps: 3 and then 3 + 1 + 200.
    #expect(Self.fault(.gaps, 300, 2, [3, 0xC8, 1]) == nil)
    #expect(Self.fault(.gaps, 204, 2, [3, 0xC8, 1])?.contains("of 204") == true)
    #expect(Self.fault(.gaps, 300, 3, [3, 0xC8, 1])?.contains("2 places where 3") == true)
    #expect(Self.fault(.gaps, 300, 2, [3, 0xC8])?.contains("cut off") == true)
    #expect(Self.fault(.gaps, 300, 2, [3, 0x83, 0])?.contains("too long") == true)  // 3 in two bytes
    #expect(Self.fault(.gaps, 300, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) != nil)
    #expect(Self.fault(.gaps, Int.max, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
    #expect(Self.fault(.gaps, 0, 1, [0]) != nil)
    // 2 of 4 in three bits: 6 and 7 are no combination.
    #expect(Self.fault(.groups(keep: 2, of: 4), 8, 4, [0b101_011]) == nil)
    #expect(Self.fault(.groups(keep: 2, of: 4), 8, 4, [0b110_011])?.contains("combination") == true)
    #expect(Self.fault(.groups(keep: 2, of: 4), 8, 4, [0b1101_011])?.contains("after the last") == true)
    #expect(Self.fault(.groups(keep: 2, of: 4), 8, 5, [0b101_011]) != nil)
    #expect(Self.fault(.groups(keep: 2, of: 4), 9, 4, [0b101_011]) != nil)
    #expect(Self.fault(.groups(keep: 2, of: 4), 8, 4, [0b101_011, 0]) != nil)
    #expect(Self.fault(.groups(keep: 2, of: 5), 10, 4, [0]) != nil)
  }

  @Test func negativeZerosAreValues() {
    let tensor = Tensor([0, -0.0, 1, 0, .nan])
    let mask = withExtendedLifetime(tensor) { PlaceMask(nonZero: tensor.bytes, size: 4) }
    #expect(Self.places(mask) == [1, 2, 4])
  }
}

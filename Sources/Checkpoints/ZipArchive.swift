/// The directory of a zip archive: of records that are stored as they are, as `torch.save` writes them, or of packed ones
/// too, where they are asked for.
///
/// Nothing is unpacked here: a record is a range of the file. Everything that could lead a reader astray is checked before
/// a record is served: places and sizes against the file, the record's own header against the directory, names, and that
/// no two records share bytes. Encrypted records are refused, and packed ones where a record may not be larger than its
/// file.
struct ZipArchive {
  /// One record.
  struct Record: Equatable {
    /// Its name as stored.
    var name: String
    /// Its bytes, counted from the start of the file.
    var range: Range<Int>
    /// Bytes when unpacked; the range's own count for a record that is stored as it is.
    var size: Int
    /// Whether it is packed by Deflate.
    var isPacked: Bool
    /// The checksum that the directory promises, of the unpacked bytes.
    var checksum: UInt32
  }

  /// Records at most.
  static let limit = 1 << 20

  /// The records in the directory's order.
  let records: [Record]
  private let places: [String: Int]

  /// Reads the directory of a whole file's bytes; `file` names it in errors. `packed` allows Deflate.
  /// - Throws: ``TorchFileError``.
  init(bytes: UnsafeRawBufferPointer, file: String, packed: Bool = false) throws {
    let reader = ZipReader(bytes: bytes, file: file, packed: packed)
    let records = try reader.records()
    self.records = records
    self.places = Dictionary(
      records.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The record of a name; nil where there is none.
  func record(_ name: String) -> Record? { places[name].map { records[$0] } }
}

/// The walk over end record, directory and local headers.
private struct ZipReader {
  let bytes: UnsafeRawBufferPointer
  let file: String
  let packed: Bool

  private func damaged(_ reason: String) -> TorchFileError { .zipDamaged(file: file, reason: reason) }

  private func u16(_ place: Int) -> Int {
    Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
  }

  private func u32(_ place: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
  }

  /// A 64-bit number that can be a place or a size in this file.
  private func u64(_ place: Int, _ what: String) throws -> Int {
    let value = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    guard value <= UInt64(bytes.count) else {
      throw damaged("\(what) is \(value), and the file has \(bytes.count) bytes")
    }
    return Int(value)
  }

  func records() throws -> [ZipArchive.Record] {
    let (count, directory) = try directory()
    guard count <= ZipArchive.limit else { throw damaged("\(count) records, more than \(ZipArchive.limit)") }
    var records: [(header: Int, record: ZipArchive.Record)] = []
    var names: Set<String> = []
    var place = directory.lowerBound
    for index in 0..<count {
      guard place + 46 <= directory.upperBound, u32(place) == 0x0201_4b50 else {
        throw damaged("entry \(index) of the directory is no entry")
      }
      let (nameLength, extraLength, commentLength) = (u16(place + 28), u16(place + 30), u16(place + 32))
      let end = place + 46 + nameLength + extraLength + commentLength
      guard end <= directory.upperBound else { throw damaged("entry \(index) leaves the directory") }
      let name = try name((place + 46)..<(place + 46 + nameLength))
      guard names.insert(name).inserted else { throw damaged("two records are called \"\(name)\"") }
      records.append(
        try record(
          name, entry: place, extra: (place + 46 + nameLength)..<(end - commentLength),
          limit: directory.lowerBound))
      place = end
    }
    guard place == directory.upperBound else { throw damaged("bytes behind the last entry of the directory") }
    let sorted = records.sorted { $0.header < $1.header }
    for (first, second) in zip(sorted, sorted.dropFirst()) {
      guard first.record.range.upperBound <= second.header else {
        throw TorchFileError.zipOverlap(file: file, first: first.record.name, second: second.record.name)
      }
    }
    return records.map(\.record)
  }

  /// How many records the directory lists, and where it lies.
  private func directory() throws -> (count: Int, range: Range<Int>) {
    var end = bytes.count - 22
    let lowest = max(0, end - 0xFFFF)
    while end >= lowest, u32(end) != 0x0605_4b50 || u16(end + 20) != bytes.count - end - 22 { end -= 1 }
    guard end >= lowest else {
      throw damaged("no end record: the file is cut off, or no zip archive")
    }
    guard u16(end + 4) == 0, u16(end + 6) == 0 else { throw damaged("an archive in several parts") }
    var count = u16(end + 10)
    var (size, start) = (Int(u32(end + 12)), Int(u32(end + 16)))
    var limit = end
    if end >= 20, u32(end - 20) == 0x0706_4b50 {
      let wide = try u64(end - 12, "the place of the zip64 record")
      guard wide + 56 <= end - 20, u32(wide) == 0x0606_4b50 else { throw damaged("no zip64 record") }
      count = try u64(wide + 32, "the number of records")
      size = try u64(wide + 40, "the size of the directory")
      start = try u64(wide + 48, "the place of the directory")
      limit = wide
    }
    guard start <= limit, size <= limit - start else {
      throw damaged("the directory lies outside of the file")
    }
    guard count <= size / 46 else { throw damaged("\(count) records in a directory of \(size) bytes") }
    return (count, start..<(start + size))
  }

  private func name(_ range: Range<Int>) throws -> String {
    let raw = UnsafeRawBufferPointer(rebasing: bytes[range])
    guard let name = String(validating: raw, as: UTF8.self) else {
      throw TorchFileError.zipName(file: file, name: String(decoding: raw, as: UTF8.self))
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isSafe =
      !name.isEmpty && !name.utf8.contains(0) && !name.contains("\\") && !name.contains(":")
      && parts.dropLast().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
      && parts.last != "." && parts.last != ".."
    guard isSafe else { throw TorchFileError.zipName(file: file, name: name) }
    return name
  }

  /// The record of a directory entry, checked against its own header; `limit` is where records end.
  private func record(
    _ name: String, entry: Int, extra: Range<Int>, limit: Int
  ) throws -> (header: Int, record: ZipArchive.Record) {
    let (flags, method) = (u16(entry + 8), u16(entry + 10))
    guard flags & 0x2041 == 0 else { throw TorchFileError.zipEncrypted(file: file, record: name) }
    guard method == 0 || (packed && method == 8) else {
      throw TorchFileError.zipCompressed(file: file, record: name, method: method)
    }
    var sizes = [Int(u32(entry + 24)), Int(u32(entry + 20)), Int(u32(entry + 42))]
    var place = extra.lowerBound
    while place + 4 <= extra.upperBound {
      let (kind, length) = (u16(place), u16(place + 2))
      guard place + 4 + length <= extra.upperBound else { throw damaged("the extra field of \(name)") }
      if kind == 1 {
        var field = place + 4
        for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
          guard field + 8 <= place + 4 + length else { throw damaged("the zip64 field of \(name)") }
          sizes[index] = try u64(field, "a size of \(name)")
          field += 8
        }
      }
      place += 4 + length
    }
    let (size, stored, header) = (sizes[0], sizes[1], sizes[2])
    guard method != 0 || size == stored else {
      throw damaged("\(name) is stored in \(stored) bytes and has \(size)")
    }
    // Deflate makes at most 258 bytes of two bits.
    guard method == 0 || size / 1032 <= stored else {
      throw damaged("\(name) is said to have \(size) bytes, more than \(stored) packed ones can make")
    }
    guard header + 30 <= limit, u32(header) == 0x0403_4b50 else { throw damaged("\(name) has no header") }
    let nameLength = u16(header + 26)
    let start = header + 30 + nameLength + u16(header + 28)
    guard start <= limit, stored <= limit - start else {
      throw damaged("\(name) lies outside of the file's records")
    }
    let own = UnsafeRawBufferPointer(rebasing: bytes[(header + 30)..<(header + 30 + nameLength)])
    guard own.elementsEqual(name.utf8), u16(header + 8) == method else {
      throw damaged("the header of \(name) speaks of another record")
    }
    return (
      header,
      .init(
        name: name, range: start..<(start + stored), size: size, isPacked: method != 0,
        checksum: u32(entry + 16))
    )
  }
}

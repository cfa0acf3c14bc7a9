import Runtime
import Tensors

/// NumPy's `.npz`: a zip archive of `.npy` files, stored (`savez`) or packed (`savez_compressed`).
public struct NumPyArchive {
  private let file: MappedFile
  private let archive: ZipArchive
  /// Where it is.
  public let path: String

  /// Opens an archive.
  /// - Throws: ``TorchFileError`` for damaged archives, ``FileError``.
  public init(path: String) throws {
    file = try MappedFile(path: path)
    archive = try ZipArchive(bytes: file.bytes, file: path, packed: true)
    self.path = path
  }

  /// Names of the arrays, in the archive's order.
  public var names: [String] {
    archive.records.filter { $0.name.hasSuffix(".npy") }.map { String($0.name.dropLast(4)) }
  }

  /// The bytes of an array's `.npy` file, checked against their checksum; nil for no such array.
  /// - Throws: ``TorchFileError``.
  public func bytes(_ name: String) throws -> [UInt8]? {
    guard let record = archive.record(name + ".npy") else { return nil }
    let stored = UnsafeRawBufferPointer(rebasing: file.bytes[record.range])
    let bytes: [UInt8]
    do {
      bytes = record.isPacked ? try Inflate.bytes(stored, size: record.size) : Array(stored)
    } catch {
      throw TorchFileError.zipDamaged(
        file: path, reason: "\(record.name) cannot be unpacked to its \(record.size) bytes")
    }
    guard bytes.withUnsafeBytes(CRC32.of) == record.checksum else {
      throw TorchFileError.checksum(file: path, record: record.name)
    }
    return bytes
  }
}

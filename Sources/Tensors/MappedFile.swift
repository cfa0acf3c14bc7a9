import Glibc
import Runtime

/// A file mapped read-only into memory: a write through it would be a fault, never a damaged checkpoint.
public final class MappedFile: @unchecked Sendable {
  /// The path as it was opened.
  public let path: String
  /// All bytes of the file.
  public let bytes: UnsafeRawBufferPointer

  /// Maps a file.
  /// - Throws: ``FileError``.
  public init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw FileError.missing(path: path) }
      throw FileError.failed(operation: "opening", path: path, reason: Files.lastReason)
    }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
      throw FileError.failed(operation: "mapping", path: path, reason: "not a regular file")
    }
    self.path = path
    guard info.st_size > 0 else {
      self.bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let size = Int(info.st_size)
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError.failed(operation: "mapping", path: path, reason: Files.lastReason)
    }
    self.bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit { if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) } }
}

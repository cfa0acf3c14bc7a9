import CKernels
import Glibc
import Runtime

/// A file being written: opened new, filled from the front or at places, flushed, closed.
final class OutputFile {
  let path: String
  private var descriptor: Int32

  /// Creates a file where nothing is.
  /// - Throws: ``FileError``.
  init(creating path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw FileError.exists(path: path) }
      throw FileError.cannotCreate(path: path, reason: Files.lastReason)
    }
    self.path = path
  }

  /// Opens a file that was written before, to put bytes at places.
  /// - Throws: ``FileError``.
  init(changing path: String) throws {
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError.failed(operation: "opening", path: path, reason: Files.lastReason)
    }
    self.path = path
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds bytes at the current end.
  /// - Throws: ``FileError``.
  func append(_ bytes: UnsafeRawBufferPointer) throws {
    try Files.writeAll(bytes, to: descriptor, path: path)
  }

  /// Puts bytes at a place.
  /// - Throws: ``FileError``.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    guard lseek(descriptor, offset, SEEK_SET) == offset else {
      throw FileError.failed(operation: "seeking", path: path, reason: Files.lastReason)
    }
    try append(bytes)
  }

  /// Fills this new file with another one's bytes: shared blocks where the file system can, else copied by the system.
  /// - Throws: ``FileError``, ``Interrupted``.
  func copy(from source: String, progress: (Int) throws -> Void = { _ in }) throws {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else {
      throw FileError.failed(operation: "opening", path: source, reason: Files.lastReason)
    }
    defer { close(input) }
    let size = try Files.size(source)
    if ck_share_blocks(descriptor, input) == 0 { return try progress(size) }
    var copied = 0
    while copied < size {
      try Cancellation.check()
      let count = ck_copy_range(descriptor, input, min(size - copied, 1 << 26))
      if count > 0 {
        copied += count
        try progress(count)
      } else if count == 0 {
        break
      } else if errno == ENOSPC || errno == EDQUOT {
        throw FileError.noSpace(path: path, needed: UInt64(size - copied), available: 0)
      } else if errno != EINTR {
        break  // not between these file systems: by hand
      }
    }
    try copyByHand(from: input, source: source, progress: progress)
  }

  private func copyByHand(from input: Int32, source: String, progress: (Int) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      try Cancellation.check()
      let count = read(input, buffer.baseAddress, buffer.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError.failed(operation: "reading", path: source, reason: Files.lastReason)
      }
      try append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
      try progress(count)
    }
  }

  /// Asks the system to write what it holds of the file to the disk, and waits only where its queue is full.
  func startWriting() { ck_start_writing(descriptor, 0, 0) }

  /// Flushes to the disk, unless that comes later, and closes.
  /// - Throws: ``FileError``.
  func finish(flushing: Bool = true) throws {
    if flushing, fsync(descriptor) != 0 {
      throw FileError.failed(operation: "flushing", path: path, reason: Files.lastReason)
    }
    let status = close(descriptor)
    descriptor = -1
    guard status == 0 else {
      throw FileError.failed(operation: "closing", path: path, reason: Files.lastReason)
    }
  }

  /// Closes and removes the file.
  func abandon() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    unlink(path)
  }
}

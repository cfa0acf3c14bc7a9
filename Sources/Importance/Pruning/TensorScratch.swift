import Checkpoints
import Glibc
import Runtime
import Tensors

/// Changed tensors on the disk until they are written: a file without a name, mapped, that goes with this object.
///
/// Its pages belong to the file system, not to the process: a pruned checkpoint of any size waits here without anonymous
/// memory, and a network can read its weights in place (``Overlay/Change/tensors(_:)``).
final class TensorScratch: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private let places: [String: (offset: Int, entry: TensorEntry)]

  /// Bytes that some tensors take.
  static func bytes(_ entries: [TensorEntry]) -> Int {
    entries.reduce(0) { $0 + ($1.byteRange.count + 63) & ~63 }
  }

  /// Room for some tensors in a folder that exists, filled with the checkpoint's own bytes.
  /// - Throws: ``FileError``, ``CheckpointError``.
  init(_ entries: [TensorEntry], of checkpoint: Checkpoint, in folder: String) throws {
    let total = max(64, Self.bytes(entries))
    try Files.requireSpace(UInt64(total), at: folder)
    var template = Array("\(folder)/.surgeon-scratch-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw FileError.cannotCreate(path: folder, reason: Files.lastReason) }
    defer { close(descriptor) }
    unlink(template)
    let status = posix_fallocate(descriptor, 0, total)
    guard status == 0 else {
      if status == ENOSPC || status == EDQUOT {
        throw FileError.noSpace(
          path: folder, needed: UInt64(total), available: Files.availableSpace(at: folder))
      }
      throw FileError.failed(
        operation: "making room", path: folder, reason: String(cString: strerror(status)))
    }
    guard let address = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      address != MAP_FAILED
    else { throw FileError.failed(operation: "mapping", path: folder, reason: Files.lastReason) }
    base = address
    byteCount = total
    var places: [String: (offset: Int, entry: TensorEntry)] = [:]
    var offset = 0
    for entry in entries {
      places[entry.name] = (offset, entry)
      try checkpoint.withBytes(entry.name) { bytes in
        if let from = bytes.baseAddress { (address + offset).copyMemory(from: from, byteCount: bytes.count) }
      }
      offset += (entry.byteRange.count + 63) & ~63
    }
    self.places = places
  }

  deinit { munmap(base, byteCount) }

  /// The names of the tensors.
  var names: [String] { places.keys.sorted() }

  /// The first byte of a tensor, to change it.
  func pointer(_ name: String) -> UnsafeMutableRawPointer {
    guard let place = places[name] else { preconditionFailure("\(name) is not in the scratch file") }
    return base + place.offset
  }

  /// A tensor as it stands now.
  func tensor(_ name: String) -> Tensor {
    guard let place = places[name] else { preconditionFailure("\(name) is not in the scratch file") }
    let bytes = UnsafeRawBufferPointer(start: base + place.offset, count: place.entry.byteRange.count)
    return Tensor(
      storage: TensorStorage(viewing: bytes, owner: self), shape: place.entry.shape, dtype: place.entry.dtype)
  }

  /// Bytes of a run of rows, as ``CheckpointWriter`` asks for them.
  func rows(_ name: String, _ range: Range<Int>) -> UnsafeRawBufferPointer {
    guard let place = places[name] else { preconditionFailure("\(name) is not in the scratch file") }
    let rowBytes = place.entry.width * place.entry.dtype.size
    return UnsafeRawBufferPointer(
      start: base + place.offset + range.lowerBound * rowBytes, count: range.count * rowBytes)
  }
}

import Glibc
import Runtime
import Tensors

/// A model folder's files in the system's page cache: dropped for a cold run, read for a warm one.
struct PageCache {
  /// The files.
  let paths: [String]

  /// The files of a folder.
  init(folder: String) throws {
    paths = try Files.list(folder).map { "\(folder)/\($0)" }.filter { !Files.isFolder($0) }
  }

  /// Asks the system to forget the files. It keeps pages that somebody has mapped or that are not on disk yet, so no
  /// model of this folder may be open.
  /// - Returns: the fraction that is still there.
  func drop() throws -> Double {
    for path in paths {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      fsync(descriptor)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      close(descriptor)
    }
    return try resident()
  }

  /// Reads the files, so that they are in memory if there is room.
  /// - Returns: the fraction that is there.
  func warm() throws -> Double {
    let page = Int(getpagesize())
    for path in paths {
      let file = try MappedFile(path: path)
      // The system's read-ahead makes this as fast as reading all of it.
      var sum: UInt8 = 0
      for place in stride(from: 0, to: file.bytes.count, by: page) { sum ^= file.bytes[place] }
      withExtendedLifetime(sum) {}
    }
    return try resident()
  }

  /// The fraction of the files' pages that is in memory.
  func resident() throws -> Double {
    let page = Int(getpagesize())
    var (there, all) = (0, 0)
    for path in paths {
      let file = try MappedFile(path: path)
      guard let base = file.bytes.baseAddress else { continue }
      var marks = [UInt8](repeating: 0, count: (file.bytes.count + page - 1) / page)
      let status = mincore(UnsafeMutableRawPointer(mutating: base), file.bytes.count, &marks)
      guard status == 0 else {
        throw FileError.failed(operation: "looking at the pages", path: path, reason: Files.lastReason)
      }
      there += marks.count { $0 & 1 == 1 }
      all += marks.count
    }
    return all == 0 ? 1 : Double(there) / Double(all)
  }
}

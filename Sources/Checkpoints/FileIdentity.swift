import Glibc
import Runtime

/// What the system knows about a file: enough to say that its bytes are still the ones seen before.
struct FileIdentity: Equatable {
  var device: UInt64
  var inode: UInt64
  var size: Int
  /// Last write, nanoseconds since 1970.
  var modified: Int
  /// Last change of content, name or rights, nanoseconds since 1970; a program cannot set it.
  var changed: Int
  private var mode: UInt32

  /// Asks about the file that a path leads to.
  /// - Throws: ``FileError/missing(path:)``.
  init(path: String) throws {
    var info = stat()
    guard stat(path, &info) == 0 else { throw FileError.missing(path: path) }
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    size = Int(info.st_size)
    modified = Int(info.st_mtim.tv_sec) * 1_000_000_000 + Int(info.st_mtim.tv_nsec)
    changed = Int(info.st_ctim.tv_sec) * 1_000_000_000 + Int(info.st_ctim.tv_nsec)
    mode = info.st_mode
  }

  var isFolder: Bool { mode & S_IFMT == S_IFDIR }
  var isRegular: Bool { mode & S_IFMT == S_IFREG }

  func isSameFile(_ other: FileIdentity) -> Bool { device == other.device && inode == other.inode }

  /// Whether the file was touched so recently that a second write could carry the same times.
  var isFresh: Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int(now.tv_sec) * 1_000_000_000 + Int(now.tv_nsec) - max(changed, modified) < 2_000_000_000
  }
}

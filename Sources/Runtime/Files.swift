import Glibc

/// What can go wrong with a file or folder.
public enum FileError: SurgeonError {
  /// The path is not there.
  case missing(path: String)
  /// The output exists already.
  case exists(path: String)
  /// The folder for an output cannot be made or written.
  case cannotCreate(path: String, reason: String)
  /// An operation of the system failed.
  case failed(operation: String, path: String, reason: String)
  /// The disk has not enough room, found before writing or while writing.
  case noSpace(path: String, needed: UInt64, available: UInt64)

  public var code: String {
    switch self {
    case .missing: "FILE_MISSING"
    case .exists: "OUTPUT_EXISTS"
    case .cannotCreate: "CANNOT_CREATE"
    case .failed: "IO_FAILED"
    case .noSpace: "NO_SPACE"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .missing: .inputMissing
    case .exists, .cannotCreate: .cannotCreate
    case .failed, .noSpace: .inputOutput
    }
  }
  public var found: String {
    switch self {
    case .missing(let path): "nothing at \(path)"
    case .exists(let path): "\(path) exists already"
    case .cannotCreate(let path, let reason): "\(path) cannot be created: \(reason)"
    case .failed(let operation, let path, let reason): "\(operation) of \(path) failed: \(reason)"
    case .noSpace(let path, let needed, let available):
      "\(available) bytes free where \(path) would be written, \(needed) needed"
    }
  }
  public var expected: String {
    switch self {
    case .missing: "a file or folder at this path"
    case .exists: "a path that does not exist yet: nothing is overwritten"
    case .cannotCreate: "a folder that can be written"
    case .failed: "the operation to succeed"
    case .noSpace: "enough free space for the whole output"
    }
  }
  public var suggestion: String {
    switch self {
    case .missing: "check the spelling; relative paths start at the current folder"
    case .exists: "choose another output, or remove the old one first"
    case .cannotCreate: "check the parent folder and its permissions"
    case .failed: "check permissions and the disk, then run the command again"
    case .noSpace: "free some space or write to another disk; nothing was changed"
    }
  }
}

/// Files and folders through the C library: whole-file reads, atomic writes, listings.
public enum Files {
  /// The text of the current `errno`.
  public static var lastReason: String { String(cString: strerror(errno)) }

  /// Whether anything is at the path.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether a folder is at the path.
  public static func isFolder(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }

  /// Size in bytes.
  /// - Throws: ``FileError/missing(path:)``.
  public static func size(_ path: String) throws -> Int {
    var info = stat()
    guard stat(path, &info) == 0 else { throw FileError.missing(path: path) }
    return Int(info.st_size)
  }

  /// The names in a folder, sorted by bytes, without `.` and `..`.
  /// - Throws: ``FileError``.
  public static func list(_ folder: String) throws -> [String] {
    guard let handle = opendir(folder) else { throw FileError.missing(path: folder) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// All bytes of a file.
  /// - Throws: ``FileError``.
  public static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw FileError.missing(path: path) }
      throw FileError.failed(operation: "opening", path: path, reason: lastReason)
    }
    defer { close(descriptor) }
    var info = stat()
    fstat(descriptor, &info)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(info.st_size))
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 { throw FileError.failed(operation: "reading", path: path, reason: lastReason) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// A file's text; bytes that are no UTF-8 become replacement characters.
  /// - Throws: ``FileError``.
  public static func readText(_ path: String) throws -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Makes a folder and its parents.
  /// - Throws: ``FileError/cannotCreate(path:reason:)``.
  public static func makeFolder(_ path: String) throws {
    if isFolder(path) { return }
    let parent = folder(of: path)
    if parent != path { try makeFolder(parent) }
    if mkdir(path, 0o777) != 0 && !isFolder(path) {
      throw FileError.cannotCreate(path: path, reason: lastReason)
    }
  }

  /// Removes a file, or a folder with all in it; does nothing where nothing is.
  /// - Throws: ``FileError``.
  public static func remove(_ path: String) throws {
    var info = stat()
    guard lstat(path, &info) == 0 else { return }
    if info.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try remove(path + "/" + name) }
      guard rmdir(path) == 0 else {
        throw FileError.failed(operation: "removing", path: path, reason: lastReason)
      }
    } else if unlink(path) != 0 {
      throw FileError.failed(operation: "removing", path: path, reason: lastReason)
    }
  }

  /// The sibling `NAME.partial-PID` in which a file or folder grows before it gets its name.
  public static func partial(of path: String) -> String { "\(path).partial-\(getpid())" }

  /// Whether a name is one of those siblings, which a killed process may have left.
  public static func isPartial(_ name: String) -> Bool { name.contains(".partial-") }

  /// Writes a file so that a reader sees the old bytes or the new ones, never a part: a sibling
  /// ``partial(of:)`` is written, flushed and renamed.
  /// - Throws: ``FileError``.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    let partial = partial(of: path)
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError.cannotCreate(path: path, reason: lastReason) }
    do {
      defer { close(descriptor) }
      try bytes.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
      if fsync(descriptor) != 0 {
        throw FileError.failed(operation: "flushing", path: path, reason: lastReason)
      }
    } catch {
      unlink(partial)
      throw error
    }
    try rename(partial, to: path)
  }

  /// Writes a text atomically, as ``write(_:to:)`` does.
  /// - Throws: ``FileError``.
  public static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

  /// Renames within one file system, replacing a file, and flushes the folder.
  /// - Throws: ``FileError``.
  public static func rename(_ from: String, to: String) throws {
    guard Glibc.rename(from, to) == 0 else {
      throw FileError.failed(operation: "renaming", path: from, reason: lastReason)
    }
    let parent = open(folder(of: to), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  /// Writes a whole buffer to a descriptor.
  /// - Throws: ``FileError``, with a full disk as ``FileError/noSpace(path:needed:available:)``.
  public static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == ENOSPC || errno == EDQUOT {
          throw FileError.noSpace(path: path, needed: UInt64(rest.count), available: 0)
        }
        throw FileError.failed(operation: "writing", path: path, reason: lastReason)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Bytes free for this user on the file system of `path`, or of its nearest existing parent.
  public static func availableSpace(at path: String) -> UInt64 {
    var place = path
    while !exists(place) && folder(of: place) != place { place = folder(of: place) }
    var info = statvfs()
    guard statvfs(place, &info) == 0 else { return .max }
    return UInt64(info.f_bavail) * UInt64(info.f_frsize)
  }

  /// - Throws: ``FileError/noSpace(path:needed:available:)`` when ``availableSpace(at:)`` is less than `needed` bytes.
  public static func requireSpace(_ needed: UInt64, at path: String) throws {
    let available = availableSpace(at: path)
    if available < needed { throw FileError.noSpace(path: path, needed: needed, available: available) }
  }

  /// The folder part of a path; `.` for a bare name.
  public static func folder(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// The last part of a path.
  public static func name(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return trimmed }
    return String(trimmed[trimmed.index(after: slash)...])
  }

  /// SHA-256 of a whole file, read in pieces.
  /// - Throws: ``FileError``.
  public static func sha256(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.missing(path: path) }
    defer { close(descriptor) }
    var hash = SHA256()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 { throw FileError.failed(operation: "reading", path: path, reason: lastReason) }
      if count == 0 { return hash.hex() }
      chunk.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }
}

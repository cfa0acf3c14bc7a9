import CKernels
import Glibc
import Runtime

/// A folder that is written all or nothing: it grows as a sibling `NAME.partial-ID`, is flushed, and then renamed.
enum PartialFolder {
  /// Checks that `output` can be made out of a folder, and gives it without a closing slash.
  /// - Throws: ``FileError/exists(path:)``, ``CheckpointError/outputInsideSource(output:source:)``,
  ///   ``CheckpointError/notCopyable(path:reason:)``.
  static func check(output: String, source: String, items: [FolderItem]) throws -> String {
    let path = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
    var info = stat()
    guard lstat(path, &info) != 0 else { throw FileError.exists(path: path) }
    var place = Files.folder(of: path)
    while !Files.exists(place) { place = Files.folder(of: place) }
    if let home = realPath(source), let parent = realPath(place),
      parent == home || parent.hasPrefix(home + "/")
    {
      throw CheckpointError.outputInsideSource(output: output, source: source)
    }
    for item in items {
      guard let obstacle = item.obstacle else { continue }
      throw CheckpointError.notCopyable(path: "\(source)/\(item.path)", reason: obstacle)
    }
    return path
  }

  private static func realPath(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  /// Makes the sibling folder.
  /// - Throws: ``FileError``.
  static func make(for output: String) throws -> String {
    try Files.makeFolder(Files.folder(of: output))
    for attempt in 0..<100 {
      let path = Files.partial(of: output) + (attempt == 0 ? "" : "-\(attempt)")
      if mkdir(path, 0o777) == 0 { return path }
      guard errno == EEXIST else { throw FileError.cannotCreate(path: path, reason: Files.lastReason) }
    }
    throw FileError.cannotCreate(path: output, reason: "a hundred partial folders are in the way")
  }

  /// Copies some things of a folder into it, byte for byte.
  /// - Throws: ``FileError``, ``Interrupted``.
  static func copy(_ items: [FolderItem], from source: String, to partial: String) throws {
    for item in items {
      let target = "\(partial)/\(item.path)"
      if item.isFolder {
        try Files.makeFolder(target)
      } else {
        let file = try OutputFile(creating: target)
        try file.copy(from: "\(source)/\(item.path)")
        try file.finish()
      }
    }
  }

  /// Flushes the folder, those inside of it and files that were not flushed when they were closed to the disk.
  /// - Throws: ``FileError``.
  static func flush(_ partial: String, folders: [String], files: [String] = []) throws {
    func flush(_ path: String, _ flags: Int32) throws {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | flags)
      guard descriptor >= 0, fsync(descriptor) == 0 else {
        throw FileError.failed(operation: "flushing", path: path, reason: Files.lastReason)
      }
      close(descriptor)
    }
    for file in files { try flush("\(partial)/\(file)", 0) }
    for folder in [partial] + folders.map({ "\(partial)/\($0)" }) { try flush(folder, O_DIRECTORY) }
  }

  /// Gives it its name.
  /// - Throws: ``FileError``.
  static func publish(_ partial: String, as output: String) throws {
    guard ck_rename_new(partial, output) == 0 else {
      if errno == EEXIST { throw FileError.exists(path: output) }
      throw FileError.failed(operation: "renaming", path: partial, reason: Files.lastReason)
    }
    let parent = open(Files.folder(of: output), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }
}

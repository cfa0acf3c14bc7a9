import Runtime

/// One thing in a checkpoint folder, links resolved.
struct FolderItem {
  /// Path inside the folder.
  var path: String
  /// Whether it is a folder.
  var isFolder = false
  /// Bytes of a file.
  var size = 0
  /// Why it cannot be copied; nil where it can.
  var obstacle: String?

  /// Everything under a folder, parents before children, sorted by bytes within a folder.
  ///
  /// What cannot be copied (a link that leads nowhere, a socket) is listed with the reason: it keeps nobody from
  /// reading the weights, only from writing a copy.
  /// - Throws: ``FileError``.
  static func list(_ folder: String) throws -> [FolderItem] {
    var items: [FolderItem] = []
    var chain: [FileIdentity] = []
    func visit(_ relative: String) throws {
      let path = relative.isEmpty ? folder : "\(folder)/\(relative)"
      chain.append(try FileIdentity(path: path))
      defer { chain.removeLast() }
      for name in try Files.list(path).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
        let child = relative.isEmpty ? name : "\(relative)/\(name)"
        guard let kind = try? FileIdentity(path: "\(folder)/\(child)") else {
          items.append(FolderItem(path: child, obstacle: "a link that leads nowhere"))
          continue
        }
        if kind.isFolder, chain.contains(where: { $0.isSameFile(kind) }) {
          items.append(FolderItem(path: child, obstacle: "a link back to a folder that holds it"))
        } else if kind.isFolder {
          items.append(FolderItem(path: child, isFolder: true))
          try visit(child)
        } else if kind.isRegular {
          items.append(FolderItem(path: child, size: kind.size))
        } else {
          items.append(FolderItem(path: child, obstacle: "neither a file nor a folder"))
        }
      }
    }
    try visit("")
    return items
  }
}

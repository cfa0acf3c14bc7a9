import Glibc
import JSON
import OrderedCollections
import Runtime

/// Remembers tensor hashes of files that have not moved since: by device, inode, size and times.
///
/// A help, never a duty: what cannot be read or written is passed over. What was just written is always hashed anew.
public struct HashCache: Sendable {
  /// Where the records lie; nil keeps none.
  public let folder: String?

  /// A cache in a folder, or none.
  public init(folder: String?) { self.folder = folder }

  /// No cache.
  public static let none = HashCache(folder: nil)

  /// `$XDG_CACHE_HOME/surgeon/hashes`, or `~/.cache/surgeon/hashes`.
  public static var standard: HashCache {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value[0] != 0 else { return nil }
      return String(cString: value)
    }
    if let cache = variable("XDG_CACHE_HOME"), cache.hasPrefix("/") {
      return HashCache(folder: "\(cache)/surgeon/hashes")
    }
    return HashCache(folder: variable("HOME").map { "\($0)/.cache/surgeon/hashes" })
  }

  static let limit = 512

  private func record(_ identity: FileIdentity) -> String? {
    folder.map {
      "\($0)/\(identity.device)-\(identity.inode)-\(identity.size)-\(identity.modified)-\(identity.changed).json"
    }
  }

  /// The hashes known for a file that is still the same; empty where nothing is known.
  func load(_ identity: FileIdentity) -> [String: String] {
    guard let path = record(identity), let value = try? JSONValue(file: path),
      value["format"]?.int == 1, let members = value["sha256"]?.object
    else { return [:] }
    var hashes: [String: String] = [:]
    for (name, value) in members {
      guard let hash = value.string, hash.utf8.count == 64 else { return [:] }
      hashes[name] = hash
    }
    return hashes
  }

  /// Keeps hashes for a file, unless it was written moments ago or has moved since `identity` was taken.
  func store(_ hashes: [String: String], path: String, identity: FileIdentity) {
    guard let folder, let record = record(identity), !identity.isFresh,
      let now = try? FileIdentity(path: path), now == identity
    else { return }
    var members: OrderedDictionary<String, JSONValue> = [:]
    for name in hashes.keys.sorted() { members[name] = .optional(hashes[name]) }
    let value: JSONValue = ["format": 1, "path": .string(path), "sha256": .object(members)]
    guard let text = try? value.text(.pretty) else { return }
    do {
      try Files.makeFolder(folder)
      try Files.write(text + "\n", to: record)
      try prune(folder)
    } catch {
      // Best effort by design: the hashes are known, only the next run computes them again.
    }
  }

  private func prune(_ folder: String) throws {
    let names = try Files.list(folder)
    guard names.count > Self.limit else { return }
    let aged = try names.map { ($0, try FileIdentity(path: "\(folder)/\($0)").modified) }
      .sorted { $0.1 < $1.1 }
    for (name, _) in aged.prefix(names.count - Self.limit / 2) { try Files.remove("\(folder)/\(name)") }
  }
}

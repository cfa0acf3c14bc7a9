import Glibc
import JSON
import OrderedCollections

/// Typed look-ups in a config.json that name the key in every error.
struct ConfigReader {
  let config: JSONValue
  /// Where the keys that were looked at are noted, for configs of unknown families.
  let seen: Log?

  init(config: JSONValue, seen: Log? = nil) {
    self.config = config
    self.seen = seen
  }

  /// The keys that were looked at.
  final class Log {
    private(set) var keys: Set<String> = []
    func note(_ names: [String]) { keys.formUnion(names) }
  }

  /// The first key that is present and not null.
  func value(_ keys: [String]) -> (key: String, value: JSONValue)? {
    seen?.note(keys)
    for key in keys { if let value = config[key], !value.isNull { return (key, value) } }
    return nil
  }

  func int(_ keys: String..., default fallback: Int? = nil) throws -> Int {
    guard let (key, value) = value(keys) else {
      if let fallback { return fallback }
      throw ArchitectureError.config(key: keys[0], reason: "missing")
    }
    guard let number = value.int, number >= 0, number < 1 << 40 else {
      throw ArchitectureError.config(key: key, reason: "not a whole number that can be a size")
    }
    return number
  }

  func positive(_ keys: String..., default fallback: Int? = nil) throws -> Int {
    let number: Int
    switch keys.count {
    case 1: number = try int(keys[0], default: fallback)
    default: number = try int(keys[0], keys[1], default: fallback)
    }
    guard number > 0 else {
      throw ArchitectureError.config(key: keys[0], reason: "is \(number), must be positive")
    }
    return number
  }

  /// A size that may be absent or null.
  func optionalPositive(_ key: String) throws -> Int? {
    value([key]) == nil ? nil : try positive(key)
  }

  func double(_ key: String, default fallback: Double) throws -> Double {
    guard let (key, value) = value([key]) else { return fallback }
    guard let number = value.double, number.isFinite else {
      throw ArchitectureError.config(key: key, reason: "not a number")
    }
    return number
  }

  func bool(_ key: String, default fallback: Bool) throws -> Bool {
    guard let (key, value) = value([key]) else { return fallback }
    guard let flag = value.bool else {
      throw ArchitectureError.config(key: key, reason: "neither true nor false")
    }
    return flag
  }

  func string(_ keys: String..., default fallback: String) throws -> String {
    guard let (key, value) = value(keys) else { return fallback }
    guard let text = value.string else { throw ArchitectureError.config(key: key, reason: "not a text") }
    return text
  }

  /// One id or a list of ids; absent is none.
  func ids(_ key: String) throws -> [Int] {
    guard let (key, value) = value([key]) else { return [] }
    if let id = value.int { return [id] }
    guard let list = value.array else {
      throw ArchitectureError.config(key: key, reason: "neither id nor list")
    }
    return list.compactMap(\.int)
  }

  /// Names of activations as transformers spells them.
  func activation(_ keys: String..., default fallback: String) throws -> Network.Activation {
    let (key, name) =
      value(keys).map { ($0.key, $0.value.string ?? "") } ?? (keys[0], fallback)
    switch name {
    case "silu", "swish": return .silu
    case "gelu": return .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_tanh": return .geluTanh
    case "relu": return .relu
    case "quick_gelu": return .quickGelu
    default:
      throw ArchitectureError.unsupportedFeature(name: "activation \"\(name)\" (config.json key \"\(key)\")")
    }
  }

  /// A part of the config, such as `text_config`; empty where it is absent.
  func part(_ key: String) -> ConfigReader { ConfigReader(config: config[key] ?? .null) }

  /// A list with one entry a block.
  func list(_ key: String, blocks: Int) throws -> [JSONValue]? {
    guard let (key, value) = value([key]) else { return nil }
    guard let list = value.array, list.count == blocks else {
      throw ArchitectureError.config(
        key: key, reason: "not a list with an entry for each of \(blocks) blocks")
    }
    return list
  }

  /// A token of the config: null and absent differ.
  func token(_ key: String, default fallback: Int?) -> Int? {
    config[key] == nil ? fallback : value([key])?.value.int
  }

  /// Tokens of the config: one, a list, null for none; absent takes the default.
  func tokens(_ key: String, default fallback: Int?) throws -> [Int] {
    config[key] == nil ? fallback.map { [$0] } ?? [] : try ids(key)
  }

  /// Refuses a feature that a key asks for.
  func refuse(_ key: String, unless allowed: JSONValue..., because reason: String) throws {
    guard let (key, value) = value([key]), !allowed.contains(value) else { return }
    let text = (try? value.text()) ?? "?"
    throw ArchitectureError.unsupportedFeature(name: "\(key) \(text): \(reason)")
  }
}

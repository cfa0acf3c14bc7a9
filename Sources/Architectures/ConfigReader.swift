import Glibc
import JSON
import OrderedCollections

/// Typed look-ups in a config.json that name the key in every error.
struct ConfigReader {
  let config: JSONValue

  /// The first key that is present and not null.
  func value(_ keys: [String]) -> (key: String, value: JSONValue)? {
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

  /// Rotary embedding under both generations of configs: `rope_parameters`, or `rope_theta` with `rope_scaling`
  /// (which wins where a config has both, unless it is empty).
  func rotary(headSize: Int, contextLength: Int, defaultTheta: Double) throws -> Network.Rotary {
    let older = value(["rope_scaling"])?.value
    let given = older?.object?.isEmpty == false ? older : value(["rope_parameters"])?.value
    let parameters = ConfigReader(config: given ?? .null)
    let theta = try parameters.double("rope_theta", default: double("rope_theta", default: defaultTheta))
    let share = try parameters.double(
      "partial_rotary_factor", default: double("partial_rotary_factor", default: 1))
    guard share == 1 else {
      throw ArchitectureError.unsupportedFeature(name: "partial_rotary_factor \(share) in this family")
    }
    var rotary = Network.Rotary(theta: theta, width: headSize)
    let kind = try parameters.string("rope_type", "type", default: "default")
    let trained = try parameters.int("original_max_position_embeddings", default: contextLength)
    switch kind {
    case "default": break
    case "linear": rotary.scaling = .linear(factor: try parameters.double("factor", default: 1))
    case "dynamic":
      // transformers stretches from `max_position_embeddings` of the config, whatever the original one says.
      rotary.scaling = .dynamic(
        factor: try parameters.double("factor", default: 1), trainedContext: contextLength)
    case "llama3":
      rotary.scaling = .llama3(
        factor: try parameters.double("factor", default: 1),
        lowFrequency: try parameters.double("low_freq_factor", default: 1),
        highFrequency: try parameters.double("high_freq_factor", default: 4), trainedContext: trained)
    case "yarn":
      let factor = try parameters.double("factor", default: Double(contextLength) / Double(max(1, trained)))
      rotary.scaling = .yarn(
        factor: factor, trainedContext: trained,
        betaFast: try parameters.double("beta_fast", default: 32),
        betaSlow: try parameters.double("beta_slow", default: 1),
        attentionFactor: try parameters.yarnAttentionFactor(factor: factor),
        truncate: try parameters.bool("truncate", default: true))
    default: throw ArchitectureError.unsupportedFeature(name: "rotary scaling \"\(kind)\"")
    }
    return rotary
  }
}

extension ConfigReader {
  /// YaRN's factor on cosine and sine (arXiv 2309.00071, equation 22; `mscale` as DeepSeek's configs give it).
  fileprivate func yarnAttentionFactor(factor: Double) throws -> Double {
    if value(["attention_factor"]) != nil { return try double("attention_factor", default: 1) }
    func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
    let mscale = try double("mscale", default: 0)
    let mscaleAll = try double("mscale_all_dim", default: 0)
    return mscale != 0 && mscaleAll != 0 ? scale(mscale) / scale(mscaleAll) : scale(1)
  }
}

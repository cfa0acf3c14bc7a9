import Glibc
import JSON
import OrderedCollections

extension ConfigReader {
  /// What a family's rotary embedding takes where the config says nothing.
  struct RotaryDefaults: Sendable {
    /// Base of the wavelengths.
    var theta = 10_000.0
    /// The key of the base in older configs.
    var thetaKey = "rope_theta"
    /// Share of a head that is rotated; nil where the family always rotates all of it.
    var share: Double?
    /// The key of the share in older configs.
    var shareKey = "partial_rotary_factor"
    /// Neighbouring pairs instead of halves.
    var interleaved = false
    /// Trained context of the scalings that ask for it; nil takes the config's context.
    var trainedContext: Int?
  }

  /// Rotary embedding under both generations of configs: `rope_parameters`, or `rope_theta` with `rope_scaling`
  /// (which wins where a config has both, unless it is empty).
  func rotary(headSize: Int, contextLength: Int, _ defaults: RotaryDefaults = RotaryDefaults()) throws
    -> Network.Rotary
  {
    let older = value(["rope_scaling"])?.value
    let given = older?.object?.isEmpty == false ? older : value(["rope_parameters"])?.value
    return try rotary(
      ConfigReader(config: given ?? .null), headSize: headSize, contextLength: contextLength, defaults)
  }

  /// The same from one of several sets of parameters (a kind of block each).
  func rotary(
    _ parameters: ConfigReader, headSize: Int, contextLength: Int, _ defaults: RotaryDefaults
  ) throws -> Network.Rotary {
    let theta = try parameters.double(
      "rope_theta", default: double(defaults.thetaKey, default: defaults.theta))
    let share = try parameters.double(
      "partial_rotary_factor", default: double(defaults.shareKey, default: defaults.share ?? 1))
    guard share == 1 || defaults.share != nil else {
      throw ArchitectureError.unsupportedFeature(name: "partial_rotary_factor \(share) in this family")
    }
    let width = Int(Double(headSize) * share)
    guard width >= 0, width <= headSize, width % 2 == 0 else {
      throw ArchitectureError.unsupportedFeature(
        name: "a rotation of \(width) of the \(headSize) numbers of a head")
    }
    // Phi-3 gives the trained context beside the parameters, and there it wins.
    let fallback = defaults.trainedContext ?? contextLength
    let trained = try int(
      "original_max_position_embeddings",
      default: parameters.int("original_max_position_embeddings", default: fallback))
    var rotary = Network.Rotary(theta: theta, width: width, interleaved: defaults.interleaved)
    rotary.scaling = try parameters.scaling(contextLength: contextLength, width: width, trained: trained)
    return rotary
  }

  private func scaling(contextLength: Int, width: Int, trained: Int) throws -> Network.Scaling {
    let kind = try string("rope_type", "type", default: "default")
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: try double("factor", default: 1))
    case "dynamic":
      // transformers stretches from `max_position_embeddings` of the config, whatever the original one says.
      return .dynamic(factor: try double("factor", default: 1), trainedContext: contextLength)
    case "llama3":
      return .llama3(
        factor: try double("factor", default: 1), lowFrequency: try double("low_freq_factor", default: 1),
        highFrequency: try double("high_freq_factor", default: 4), trainedContext: trained)
    case "yarn" where !isLongRoPE:
      let factor = try double("factor", default: Double(contextLength) / Double(max(1, trained)))
      return .yarn(
        factor: factor, trainedContext: trained, betaFast: try double("beta_fast", default: 32),
        betaSlow: try double("beta_slow", default: 1),
        attentionFactor: try yarnAttentionFactor(factor: factor),
        truncate: try bool("truncate", default: true))
    case "longrope", "su", "yarn":
      let factor = try double("factor", default: Double(contextLength) / Double(max(1, trained)))
      let computed = factor <= 1 ? 1 : (1 + log(factor) / log(Double(trained))).squareRoot()
      return .long(
        short: try factors("short_factor", count: width / 2),
        long: try factors("long_factor", count: width / 2), trainedContext: trained,
        attentionFactor: try double("attention_factor", default: computed))
    default: throw ArchitectureError.unsupportedFeature(name: "rotary scaling \"\(kind)\"")
    }
  }

  /// Phi-3's first configs call LongRoPE "su" or "yarn"; its two lists give it away.
  private var isLongRoPE: Bool { value(["short_factor"]) != nil && value(["long_factor"]) != nil }

  private func factors(_ key: String, count: Int) throws -> [Double] {
    let list = value([key])?.value.array?.compactMap(\.double) ?? []
    guard list.count == count else {
      throw ArchitectureError.config(key: key, reason: "\(list.count) factors for \(count) wavelengths")
    }
    return list
  }

  /// YaRN's factor on cosine and sine (arXiv 2309.00071, equation 22; `mscale` as DeepSeek's configs give it).
  private func yarnAttentionFactor(factor: Double) throws -> Double {
    if value(["attention_factor"]) != nil { return try double("attention_factor", default: 1) }
    func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
    let mscale = try double("mscale", default: 0)
    let mscaleAll = try double("mscale_all_dim", default: 0)
    return mscale != 0 && mscaleAll != 0 ? scale(mscale) / scale(mscaleAll) : scale(1)
  }
}

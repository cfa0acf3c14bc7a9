import Architectures
import JSON
import OrderedCollections

/// What is taken out whole, so that the model really shrinks: a registry for help, validation and listings.
public enum StructuredUnit: String, Sendable, CaseIterable {
  /// A row of gate and up (with its biases) and the column of down that reads it; in mixtures an expert's.
  case neurons
  /// A key/value head with the query heads that share it: their rows of q, k and v (with biases), and the columns of o that read them.
  case heads

  /// One line for listings.
  public var summary: String {
    switch self {
    case .neurons: "MLP neurons: rows of gate and up with the columns of down (of every expert in a mixture)"
    case .heads: "attention heads by key/value group: rows of q, k and v with the columns of o"
    }
  }

  /// Where it comes from.
  public var reference: String { "arXiv 2305.11627" }

  /// How many units a block (an expert of a mixture) has: F neurons, or the key/value heads.
  public func count(_ network: Network) -> Int {
    switch self {
    case .neurons: network.experts?.width ?? network.mlpWidth
    case .heads: network.keyValueHeads
    }
  }
}

/// How a family's config.json says how many neurons and heads there are.
///
/// All blocks share these numbers, which is why every block (and every expert) loses as many. Heads can go only where the head's size
/// is a number of its own (`head_dim`): elsewhere it is the width divided by the number of heads.
struct StructuredConfig {
  let family: String
  let network: Network

  /// Families whose transformers config takes `head_dim` on its own, and where nothing else hangs on the number of heads.
  static let headFamilies: Set = [
    "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "granite", "smollm3",
    "mixtral", "qwen2_moe", "qwen3_moe",
  ]

  /// Families of which transformers demands that the heads divide the width, whatever `head_dim` says.
  static let dividingFamilies: Set = ["llama", "gemma2", "gemma3"]

  /// Why so many units cannot be taken out; nil where they can.
  func refusal(_ unit: StructuredUnit, removed: Int) -> StructureError? {
    guard unit == .heads, Self.dividingFamilies.contains(family) else { return nil }
    let group = network.heads / network.keyValueHeads
    let left = group * (network.keyValueHeads - removed)
    guard network.width % left != 0 else { return nil }
    let allowed = (1..<network.keyValueHeads).map { $0 * group }.filter { network.width % $0 == 0 }
    return .heads(family: family, heads: left, width: network.width, allowed: allowed)
  }

  /// The config's key for the width of the MLP; nil where it is a fixed multiple of the model's width.
  static func widthKey(_ family: String) -> String? {
    switch family {
    case "gpt2", "gptj": "n_inner"
    case "opt": "ffn_dim"
    case "falcon": "ffn_hidden_size"
    case "distilbert": "hidden_dim"
    case "qwen2_moe", "qwen3_moe": "moe_intermediate_size"
    case "bloom", "mpt", "openai-gpt": nil
    default: "intermediate_size"
    }
  }

  /// Why a unit cannot be taken out; nil where it can.
  func refusal(_ unit: StructuredUnit) -> StructureError? {
    func refuse(_ reason: String) -> StructureError {
      .family(family: family, what: unit.rawValue, reason: reason)
    }
    switch unit {
    case .neurons:
      return Self.widthKey(family) == nil
        ? refuse("the MLP's width is a fixed multiple of the model's, which config.json does not state") : nil
    case .heads:
      if network.alibi != nil { return refuse("each head's ALiBi slope follows from the number of heads") }
      if network.queryKeyNorm?.scope == .whole {
        return refuse(
          "queries and keys are normed over all heads together: the rest would be scaled otherwise")
      }
      if network.queryKeyNorm?.scope == .eachHead {
        return refuse("each head has a gain in a tensor of its own")
      }
      return Self.headFamilies.contains(family)
        ? nil : refuse("the size of a head is the width divided by the number of heads")
    }
  }

  /// The config with fewer units.
  func config(_ config: JSONValue, _ unit: StructuredUnit, removed: Int) -> JSONValue {
    // Gemma 3 keeps a language model's numbers one level down where there is a vision tower.
    guard let inner = config["text_config"], inner.object != nil else {
      return changed(config, unit, removed)
    }
    var outer = config
    outer["text_config"] = changed(inner, unit, removed)
    return outer
  }

  private func changed(_ config: JSONValue, _ unit: StructuredUnit, _ removed: Int) -> JSONValue {
    var config = config
    func set(_ names: [String], _ value: Int) {
      let key = names.first { config[$0].map { !$0.isNull } ?? false } ?? names[0]
      config[key] = .integer(value)
    }
    switch unit {
    case .neurons:
      let alternatives = family == "distilbert" ? ["intermediate_size"] : []
      set([Self.widthKey(family) ?? ""] + alternatives, unit.count(network) - removed)
    case .heads:
      let left = network.keyValueHeads - removed
      set(["num_attention_heads"], network.heads / network.keyValueHeads * left)
      set(["num_key_value_heads"], left)
      set(["head_dim"], network.headSize)
    }
    return config
  }
}

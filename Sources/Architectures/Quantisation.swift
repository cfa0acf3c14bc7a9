import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// How a checkpoint's weights are packed into fewer bits, read off config.json and tensor names.
///
/// Such folders are inspected, compared and verified, and refused for everything that computes with weights or edits
/// them: unpacking differs by method and version, and an edit of packed numbers cannot be exact.
public struct Quantisation: Sendable, Equatable {
  /// The method, such as `gptq`, `awq`, `bitsandbytes`, `fp8`, `compressed-tensors`.
  public let method: String
  /// Bits a weight; nil where the config does not say.
  public let bits: Int?
  /// `quantization_config` as it stands; null where only the tensors give it away.
  public let config: JSONValue
  /// Tensors that hold packed weights or their scales.
  public let tensors: Int
  /// How it was recognised.
  public let evidence: String

  /// Ends of names that only packed weights have.
  private static let endings: [(ending: String, method: String)] = [
    (".qweight", "gptq or awq"), (".qzeros", "gptq or awq"), (".g_idx", "gptq"),
    (".SCB", "bitsandbytes"), (".weight.absmax", "bitsandbytes"), (".weight.quant_map", "bitsandbytes"),
    (".weight.nested_absmax", "bitsandbytes"), (".weight_format", "bitsandbytes"),
    (".weight_packed", "compressed-tensors"), (".weight_scale", "compressed-tensors"),
    (".weight_zero_point", "compressed-tensors"), (".weight_scale_inv", "fp8"),
    (".weight_global_scale", "compressed-tensors"), ("_blocks", "mxfp4"), ("_scales", "mxfp4"),
  ]

  /// The quantisation of a checkpoint; nil where its weights are plain numbers.
  public init?(_ checkpoint: Checkpoint) {
    let given =
      [
        checkpoint.config["quantization_config"], checkpoint.config["compression_config"],
        checkpoint.config["text_config"]?["quantization_config"],
      ].compactMap { $0 }.first { $0.object?.isEmpty == false }
    var counts: [String: Int] = [:]
    var narrow = 0
    for name in checkpoint.tensorNames {
      if let entry = checkpoint.entry(name), entry.dtype == .f8e4m3 || entry.dtype == .f8e5m2 { narrow += 1 }
      guard let (ending, method) = Self.endings.first(where: { name.hasSuffix($0.ending) }) else { continue }
      // `_blocks` and `_scales` alone could be anything: MXFP4 has both, as bytes.
      if method == "mxfp4" {
        let other = ending == "_blocks" ? "_scales" : "_blocks"
        guard checkpoint.entry(name)?.dtype == .u8,
          checkpoint.entry(String(name.dropLast(ending.count)) + other) != nil
        else { continue }
      }
      counts[method, default: 0] += 1
    }
    let packed = counts.values.reduce(0, +)
    guard given != nil || packed > 0 || narrow > 0 else { return nil }
    config = given ?? .null
    tensors = max(packed, narrow)
    let byNames = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    if let given {
      method = given["quant_method"]?.string ?? byNames ?? "an unnamed method"
      let wide = given["bits"]?.int ?? given["w_bit"]?.int
      let flags = given["load_in_4bit"]?.bool == true ? 4 : given["load_in_8bit"]?.bool == true ? 8 : nil
      bits =
        wide ?? flags ?? Self.compressedBits(given) ?? (method == "fp8" ? 8 : method == "mxfp4" ? 4 : nil)
      evidence = "quantization_config in config.json"
    } else if let byNames {
      method = byNames
      bits = nil
      evidence = "names of tensors (config.json does not say so)"
    } else {
      method = "fp8"
      bits = 8
      evidence = "\(narrow) tensors of 8-bit floats (config.json does not say so)"
    }
  }

  private static func compressedBits(_ config: JSONValue) -> Int? {
    config["config_groups"]?.object?.values.compactMap { $0["weights"]?["num_bits"]?.int }.first
  }

  /// The method with its bits, for people.
  public var description: String { bits.map { "\(method), \($0) bits" } ?? method }

  /// What to do instead.
  public var suggestion: String {
    let original =
      "take the original checkpoint that was quantised: edit it, then quantise the result again with the same tool"
    return method.contains("fp8") || method.contains("compressed")
      ? original + ", or decompress it once in transformers and save it with save_pretrained" : original
  }
}

/// Weights that are packed and therefore not computed with.
public enum QuantisationError: SurgeonError, Equatable {
  /// The checkpoint's weights are quantised.
  case quantised(folder: String, Quantisation)

  public var code: String { "WEIGHTS_QUANTISED" }
  public var exitCode: ExitCode { .unsupported }
  public var found: String {
    switch self {
    case .quantised(let folder, let quantisation):
      "\(folder) holds quantised weights (\(quantisation.description); by \(quantisation.evidence))"
    }
  }
  public var expected: String {
    "weights stored as f32, f16 or bf16; inspect, diff and edit verify read any folder"
  }
  public var suggestion: String {
    switch self {
    case .quantised(_, let quantisation): quantisation.suggestion
    }
  }
}

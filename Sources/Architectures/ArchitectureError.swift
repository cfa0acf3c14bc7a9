import Runtime

/// What can be wrong between a checkpoint and the families this program knows.
public enum ArchitectureError: SurgeonError {
  /// The config names a family that has no row in the table.
  ///
  /// `missing` is what the nearest row of the table lacks; nil where no row comes near.
  case unknownFamily(modelType: String, missing: String?, tensors: [String])
  /// A config key is missing or has a value that cannot be.
  case config(key: String, reason: String)
  /// A feature of a known family that is not supported.
  case unsupportedFeature(name: String)
  /// A role of the family has no tensor.
  case missingRole(role: String, names: [String], tensors: [String])
  /// A tensor has another shape than its role needs.
  case shape(tensor: String, found: [Int], expected: [Int])
  /// No such site.
  case unknownSite(name: String)
  /// A block that the model does not have.
  case blockOutOfRange(name: String, blocks: Int)

  public var code: String {
    switch self {
    case .unknownFamily: "ARCHITECTURE_UNKNOWN"
    case .config: "CONFIG_INVALID"
    case .unsupportedFeature: "FEATURE_UNSUPPORTED"
    case .missingRole: "ROLE_MISSING"
    case .shape: "TENSOR_SHAPE"
    case .unknownSite: "SITE_UNKNOWN"
    case .blockOutOfRange: "BLOCK_OUT_OF_RANGE"
    }
  }

  public var exitCode: ExitCode {
    switch self {
    case .unknownFamily, .unsupportedFeature, .missingRole: .unsupported
    case .config, .shape: .badData
    case .unknownSite, .blockOutOfRange: .usage
    }
  }

  public var found: String {
    switch self {
    case .unknownFamily(let type, let missing, let tensors):
      "model_type \"\(type)\" in config.json and no layout that explains the tensors: "
        + "\(missing ?? "no token embedding under a known name"); seen: \(sample(tensors))"
    case .config(let key, let reason): "config.json key \"\(key)\": \(reason)"
    case .unsupportedFeature(let name): name
    case .missingRole(let role, let names, let tensors):
      "no tensor for role \(role) (looked for \(names.joined(separator: ", "))); seen: \(sample(tensors))"
    case .shape(let tensor, let found, _): "tensor \(tensor) has shape \(found)"
    case .unknownSite(let name): "no site is called \"\(name)\""
    case .blockOutOfRange(let name, let blocks): "\"\(name)\", but the model has blocks 0 to \(blocks - 1)"
    }
  }

  public var expected: String {
    switch self {
    case .unknownFamily: "one of: \(Family.all.flatMap(\.modelTypes).joined(separator: ", "))"
    case .config: "a config.json as transformers writes it"
    case .unsupportedFeature: "a feature that this version computes exactly"
    case .missingRole: "every role of the family to be present"
    case .shape(_, _, let expected): "shape \(expected) from config.json"
    case .unknownSite:
      "embeddings, blocks.N.output, final_norm, blocks.N.mlp.input, blocks.N.attention.output, "
        + "blocks.N.mlp.output or ROLE:input"
    case .blockOutOfRange: "a block of the model; negative numbers count from the end"
    }
  }

  public var suggestion: String {
    switch self {
    case .unknownFamily: "surgeon ls families lists the families; adding one is one row of Family.all"
    case .config: "compare config.json with the original of the model"
    case .unsupportedFeature: "use a checkpoint without it; nothing is approximated in silence"
    case .missingRole: "check that all shards are there: surgeon inspect MODEL lists every tensor"
    case .shape: "config.json and weights may come from different models"
    case .unknownSite, .blockOutOfRange: "surgeon inspect MODEL prints the sites"
    }
  }

  private func sample(_ names: [String]) -> String {
    let shown = names.prefix(6).joined(separator: ", ")
    return names.count > 6 ? "\(shown) and \(names.count - 6) more" : shown
  }
}

import Checkpoints
import JSON
import OrderedCollections

/// What was taken for granted about a checkpoint whose `model_type` has no row in the table, but whose tensors match one.
public struct Detection: Sendable, Equatable {
  /// The `model_type` of config.json.
  public let modelType: String
  /// The row whose layout matched.
  public let pattern: String
  /// Other rows whose layout matches as well; they compute something else from the same tensors.
  public let alternatives: [String]
  /// What was assumed, a sentence each.
  public let assumptions: [String]
  /// Keys of config.json that were not looked at and are not known to be harmless.
  public let unreadKeys: [String]

  /// One sentence for reports: what happened and what to do about it.
  public var warning: String {
    "model_type \"\(modelType)\" has no row in the table; its tensors match the layout of \(pattern) in names and shapes, and "
      + "that is what is computed. Compare it once with a recorded reference: surgeon parity MODEL --against REFERENCE"
  }
}

/// Looks for the row of the table that explains every tensor of a folder.
struct LayoutDetector {
  let checkpoint: Checkpoint
  let families: [Family]

  /// A row that fits, with the network as config.json and shapes give it.
  struct Match {
    let family: Family
    let network: Network
    let bound: OrderedDictionary<Role, BoundTensor>
    let unused: [(name: String, reason: String)]
    let detection: Detection
  }

  /// - Throws: ``ArchitectureError/unknownFamily(modelType:missing:tensors:)``, naming what the nearest row lacks.
  func match() throws -> Match {
    let type = checkpoint.config["model_type"]?.string ?? ""
    var matches: [(family: Family, network: Network, binder: Binder, log: ConfigReader.Log)] = []
    var nearest: (bound: Int, reason: String)?
    for family in families {
      let log = ConfigReader.Log()
      var bound = 0
      do {
        let reader = ConfigReader(config: checkpoint.config, seen: log)
        var network = try family.network(reader)
        try ShapeReader(checkpoint, family, reader).adapt(&network)
        var binder = Binder(checkpoint: checkpoint, family: family, network: network)
        defer { bound = binder.bound.count }
        try binder.bindAll()
        bound = binder.bound.count
        if let stranger = binder.strangers.first {
          throw ArchitectureError.missingRole(role: "for \(stranger)", names: [], tensors: [])
        }
        matches.append((family, network, binder, log))
      } catch let error as ArchitectureError {
        if bound >= nearest?.bound ?? 1 { nearest = (bound, Self.reason(error, family)) }
      }
    }
    guard let first = matches.first else {
      throw ArchitectureError.unknownFamily(
        modelType: type, missing: nearest?.reason, tensors: checkpoint.tensorNames)
    }
    let detection = Detection(
      modelType: type, pattern: first.family.name, alternatives: matches.dropFirst().map(\.family.name),
      assumptions: first.network.assumptions,
      unreadKeys: (checkpoint.config.object?.keys.map { String($0) } ?? []).filter {
        !first.log.keys.contains($0) && !Self.isHarmless($0)
      })
    return Match(
      family: first.family, network: first.network, bound: first.binder.bound, unused: first.binder.unused(),
      detection: detection)
  }

  private static func reason(_ error: ArchitectureError, _ family: Family) -> String {
    switch error {
    case .missingRole(let role, let names, _) where names.isEmpty:
      "no role \(role) in the layout of \(family.name)"
    case .missingRole(let role, let names, _):
      "no tensor for role \(role) of the layout of \(family.name) (looked for \(names.joined(separator: ", ")))"
    default: "in the layout of \(family.name): \(error.found), expected \(error.expected)"
    }
  }

  /// Keys that say nothing about what the network computes from a text.
  private static func isHarmless(_ key: String) -> Bool {
    let known: Set<String> = [
      "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "auto_map", "use_cache",
      "_name_or_path", "name_or_path", "_attn_implementation", "id2label", "label2id", "num_labels",
      "problem_type",
      "pretraining_tp", "output_attentions", "output_hidden_states", "return_dict", "gradient_checkpointing",
      "pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "cls_token_id", "unk_token_id",
      "mask_token_id",
      "task_specific_params", "finetuning_task", "tokenizer_class", "tie_encoder_decoder",
      "is_encoder_decoder",
      "output_router_logits", "router_aux_loss_coef", "router_jitter_noise", "torchscript", "use_bfloat16",
    ]
    return known.contains(key)
      || ["dropout", "drop", "pdrop", "init", "initializer", "summary", "_std"].contains { part in
        key.hasSuffix(part) || key.contains("dropout") || key.contains("initializer")
          || key.hasPrefix("summary_")
      }
  }
}

/// Sizes that tensors say better than a config of an unknown family.
private struct ShapeReader {
  let checkpoint: Checkpoint
  let family: Family
  let config: ConfigReader
  let prefix: String

  init(_ checkpoint: Checkpoint, _ family: Family, _ config: ConfigReader) {
    self.checkpoint = checkpoint
    self.family = family
    self.config = config
    prefix = Binder.prefix(checkpoint, family)
  }

  /// Takes sizes, biases and the tie of the head from the tensors; heads and what has no shape stay as the config says.
  func adapt(_ network: inout Network) throws {
    if let shape = checkpoint.entry(prefix + family.tokenEmbedding + ".weight")?.shape, shape.count == 2 {
      (network.vocabulary, network.width) = (shape[0], shape[1])
    }
    if let first = entry(.up), first.fusion == nil, let shape = first.shape {
      network.mlpWidth = shape[0]
    }
    if config.value(["head_dim"]) == nil, let query = entry(.query), query.fusion == nil,
      let shape = query.shape,
      shape[0] % network.heads == 0, shape[0] / network.heads != network.headSize
    {
      throw ArchitectureError.config(
        key: "head_dim",
        reason: "is absent, and \(network.heads) heads of \(network.headSize) do not make \(shape[0]) queries"
      )
    }
    if let key = entry(.key), key.fusion == nil, let shape = key.shape, shape[0] % network.headSize == 0 {
      let heads = shape[0] / network.headSize
      if heads > 0, network.heads % heads == 0 { network.keyValueHeads = heads }
    }
    for role in BlockRole.allCases where !role.isNorm {
      guard let entry = entry(role) else { continue }
      if entry.hasBias { network.biases.insert(role) } else { network.biases.remove(role) }
    }
    if network.hasHead {
      network.tiedHead = !family.heads.contains { checkpoint.entry($0 + ".weight") != nil }
    }
  }

  /// The tensor of a role in block 0: how it is shared, its logical shape, and whether a bias lies beside it.
  private func entry(_ role: BlockRole) -> (fusion: Family.Fusion?, shape: [Int]?, hasBias: Bool)? {
    let block = prefix + family.blockPrefix.replacing("{}", with: "0")
    for template in family.templates where template.role == role {
      let name = block + template.name
      guard let shape = checkpoint.entry(name + ".weight")?.shape, shape.count == 2 else { continue }
      return (
        template.fusion, family.transposedLinears ? shape.reversed() : shape,
        checkpoint.entry(name + ".bias") != nil
      )
    }
    return nil
  }
}

extension Network {
  /// What cannot be seen in tensors, as it will be computed.
  fileprivate var assumptions: [String] {
    var lines = [
      "\(norm.kind.rawValue) norms with epsilon \(norm.epsilon)"
        + (norm.gainOffset == 0 ? " and gains as stored" : ""),
      "\(heads) heads of \(headSize) over \(keyValueHeads) of keys and values, scores times \(attentionScales.first ?? 0)",
      "\(gatedMLP ? "gated" : "plain") MLP with \(activation.rawValue)",
    ]
    lines += choices
    if isCausal { lines.append("a token sees itself and earlier ones") }
    if hasHead {
      lines.append(
        tiedHead ? "the head is the embedding: there is no other" : "the head is a tensor of its own")
    }
    return lines
  }
}

import JSON

/// One row of the table of families: everything that differs between them, as data.
///
/// Adding a family is adding a row to ``all``; inference, capture, editing and pruning walk this description.
public struct Family: Sendable {
  /// Where the tensor of a role is found.
  public struct Template: Sendable {
    /// The role inside a block.
    public let role: BlockRole
    /// Name below the block's prefix, without `.weight` or `.bias`.
    public let name: String
    /// The roles stacked in one tensor, in order; nil where the tensor is the role's own.
    public let fused: [BlockRole]?

    init(_ role: BlockRole, _ name: String, fused: [BlockRole]? = nil) {
      self.role = role
      self.name = name
      self.fused = fused
    }
  }

  /// Name of the family.
  public let name: String
  /// Values of `model_type` that mean it.
  public let modelTypes: [String]
  /// One sentence for listings.
  public let summary: String
  /// Prefixes under which the whole network may lie, the usual one first.
  public let prefixes: [String]
  /// Prefix of a block, `{}` for its number.
  public let blockPrefix: String
  /// Token embedding, position embedding (nil where rotary) and final norm, without `.weight`.
  public let tokenEmbedding: String
  /// Learned positions, nil where there are none.
  public let positionEmbedding: String?
  /// The norm after the last block.
  public let finalNorm: String
  /// The head, which never carries the network's prefix.
  public let head: String
  /// Tensors of a block.
  public let templates: [Template]
  /// Linear weights lie as [inputs, outputs] (GPT-2's Conv1D).
  public let transposedLinears: Bool
  /// Ends of names of buffers that real folders carry and nothing reads.
  public let buffers: [String]
  /// Reads the network out of a config.json.
  let network: @Sendable (ConfigReader) throws -> Network

  /// All families, in the order of listings.
  public static let all: [Family] = [.llama, .mistral, .qwen2, .qwen3, .gpt2]

  /// The family of a config.json.
  /// - Throws: ``ArchitectureError/unknownFamily(modelType:tensors:)``.
  public static func find(config: JSONValue, tensors: [String]) throws -> Family {
    let type = config["model_type"]?.string ?? ""
    guard let family = all.first(where: { $0.modelTypes.contains(type) }) else {
      throw ArchitectureError.unknownFamily(modelType: type, tensors: tensors)
    }
    return family
  }

  /// The network that a config.json of this family describes; absent keys take the family's default.
  /// - Throws: ``ArchitectureError``.
  public func network(config: JSONValue) throws -> Network { try network(ConfigReader(config: config)) }
}

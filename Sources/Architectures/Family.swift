import JSON

/// One row of the table of families: everything that differs between them, as data.
///
/// Adding a family is adding a row to ``all``; inference, capture, editing and pruning walk this description.
public struct Family: Sendable {
  /// How the rows of several roles lie in one tensor.
  public enum Fusion: Sendable, Equatable {
    /// One role after the other: all of q, all of k, all of v.
    case runs([BlockRole])
    /// For each key-value head its queries, then its key, then its value (GPT-NeoX, BLOOM, Falcon).
    case byKeyValueHead
  }

  /// Where the tensor of a role is found.
  public struct Template: Sendable {
    /// The role inside a block.
    public let role: BlockRole
    /// Name below the block's prefix, without `.weight` or `.bias`. `{head}` stands for a head's number where the
    /// heads have a tensor each. Of several templates of a role the first whose tensor is there counts.
    public let name: String
    /// How the tensor is shared with other roles; nil where it is the role's own.
    public let fusion: Fusion?

    init(_ role: BlockRole, _ name: String, fusion: Fusion? = nil) {
      self.role = role
      self.name = name
      self.fusion = fusion
    }

    /// Queries, keys and values in one tensor.
    static func queryKeyValue(_ name: String, _ fusion: Fusion = .runs([.query, .key, .value])) -> [Template]
    {
      [BlockRole.query, .key, .value].map { Template($0, name, fusion: fusion) }
    }

    /// Gate and up in one tensor, the gate first.
    static func gateUp(_ name: String) -> [Template] {
      [BlockRole.gate, .up].map { Template($0, name, fusion: .runs([.gate, .up])) }
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
  /// The token embedding, without `.weight`.
  public let tokenEmbedding: String
  /// Learned positions, nil where there are none.
  public let positionEmbedding: String?
  /// The products from narrow embeddings to the residual stream and back, nil where no network has them.
  public let projections: (from: String, to: String)?
  /// Embeddings of token types, nil where there are none.
  public let tokenTypeEmbedding: String?
  /// The norm after the embeddings, nil where there is none.
  public let embeddingNorm: String?
  /// The norm after the last block.
  public let finalNorm: String
  /// Names of the head, which never carries the network's prefix; the usual one first.
  public let heads: [String]
  /// Tensors of a block, more than one network uses: ``Network/blockRoles(_:)`` says which roles there are.
  public let templates: [Template]
  /// Tensors of a block's experts. With `{expert}` in the name each expert has its own; without, one tensor `[E, …]`
  /// holds the matrices of all, under the name as it is or with `.weight`.
  public let expertTemplates: [Template]
  /// Linear weights lie as [inputs, outputs] (GPT-2's Conv1D).
  public let transposedLinears: Bool
  /// Ends of names of buffers that real folders carry and nothing reads.
  public let buffers: [String]
  /// Beginnings of names (with or without the network's prefix) of parts that hidden states and next tokens do not pass
  /// through (vision towers, poolers, other heads), each with what it is.
  public let otherParts: [String: String]
  /// Reads the network out of a config.json.
  let network: @Sendable (ConfigReader) throws -> Network

  /// The head's usual name.
  public var head: String { heads.first ?? "" }

  init(
    name: String, modelTypes: [String]? = nil, summary: String, prefixes: [String], blockPrefix: String,
    tokenEmbedding: String, positionEmbedding: String? = nil,
    projections: (from: String, to: String)? = nil, tokenTypeEmbedding: String? = nil,
    embeddingNorm: String? = nil, finalNorm: String, heads: [String] = ["lm_head"], templates: [Template],
    expertTemplates: [Template] = [], transposedLinears: Bool = false,
    buffers: [String] = [], otherParts: [String: String] = [:],
    network: @escaping @Sendable (ConfigReader) throws -> Network
  ) {
    self.name = name
    self.modelTypes = modelTypes ?? [name]
    self.summary = summary
    self.prefixes = prefixes
    self.blockPrefix = blockPrefix
    self.tokenEmbedding = tokenEmbedding
    self.positionEmbedding = positionEmbedding
    self.projections = projections
    self.tokenTypeEmbedding = tokenTypeEmbedding
    self.embeddingNorm = embeddingNorm
    self.finalNorm = finalNorm
    self.heads = heads
    self.templates = templates
    self.expertTemplates = expertTemplates
    self.transposedLinears = transposedLinears
    self.buffers = buffers
    self.otherParts = otherParts
    self.network = network
  }

  /// All families, in the order of listings.
  public static let all: [Family] = [
    .llama, .mistral, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .phi, .phi3, .gpt2, .gptNeo, .gptNeoX, .gptJ,
    .opt, .falcon, .bloom, .mpt, .stableLM, .starCoder2, .olmo2, .granite, .smolLM3, .cohere, .gpt1,
    .mixtral, .qwen2MoE, .qwen3MoE, .bert, .roberta, .distilbert,
  ]

  /// The family of a config.json by its `model_type`, nil where the table has no such row.
  public static func find(config: JSONValue) -> Family? {
    guard let type = config["model_type"]?.string else { return nil }
    return all.first { $0.modelTypes.contains(type) }
  }

  /// The network that a config.json of this family describes; absent keys take the family's default.
  /// - Throws: ``ArchitectureError``.
  public func network(config: JSONValue) throws -> Network { try network(ConfigReader(config: config)) }
}

/// A network as numbers and choices: what a family and a config.json say together. No weights, no arithmetic.
public struct Network: Sendable {
  /// How hidden states are normalised.
  public struct Norm: Sendable, Equatable {
    /// The kind of norm.
    public enum Kind: String, Sendable {
      /// Divided by the root of the mean square.
      case rms
      /// Mean removed, divided by the standard deviation.
      case layer
    }
    /// RMS or LayerNorm.
    public var kind: Kind
    /// Added to the mean square or the variance.
    public var epsilon: Float
    /// Added to the stored gain (1 for Gemma).
    public var gainOffset: Float
    /// Whether a bias follows the gain.
    public var hasBias: Bool

    /// A norm; a LayerNorm has a bias unless it says otherwise.
    public init(kind: Kind, epsilon: Float, gainOffset: Float = 0, hasBias: Bool? = nil) {
      self.kind = kind
      self.epsilon = epsilon
      self.gainOffset = gainOffset
      self.hasBias = hasBias ?? (kind == .layer)
    }
  }

  /// Where a block normalises; f is attention or MLP, x the residual stream.
  public enum NormPlacement: String, Sendable {
    /// x + f(norm(x)): most decoders.
    case before
    /// x + norm(f(x)): OLMo 2.
    case after
    /// x + norm(f(norm(x))): Gemma 2 and 3.
    case around
    /// norm(x + f(x)): GPT-1, BERT.
    case afterSum = "after_sum"

    /// Whether attention and MLP read a normed stream.
    public var normsInputs: Bool { self == .before || self == .around }
    /// Whether something is normed after attention and MLP.
    public var normsOutputs: Bool { self != .before }
  }

  /// How the two halves of a block follow one another.
  public enum BlockOrder: String, Sendable {
    /// The MLP reads what attention has been added to.
    case sequential
    /// Both read the block's input, each under its own norm (GPT-NeoX).
    case parallel
    /// Both read the block's input under one norm (GPT-J, Phi).
    case parallelOneNorm = "parallel_one_norm"
  }

  /// The norm of queries and keys before rotation.
  public struct QueryKeyNorm: Sendable, Equatable {
    /// What one norm runs over.
    public enum Scope: String, Sendable {
      /// A head at a time, one gain `[head]` for all.
      case head
      /// A head at a time, a gain a head `[heads, head]`.
      case eachHead = "each_head"
      /// All heads together, a gain `[heads·head]`.
      case whole
    }
    /// Kind, epsilon, bias.
    public var norm: Norm
    /// What it runs over.
    public var scope: Scope
  }

  /// Linear biases of attention scores (arXiv 2108.12409): a head's slope times how far a key lies back.
  public struct Alibi: Sendable, Equatable {
    /// A slope a head, H in all.
    public var slopes: [Float]
    /// Falcon: a key's bias is slope · position, all of them rounded to bf16, times this factor; nil adds
    /// slope · (key − query) as it is.
    public var roundedFactor: Float?
  }

  /// Rotary position embedding.
  public struct Rotary: Sendable, Equatable {
    /// Base of the wavelengths.
    public var theta: Double
    /// How many leading numbers of a head are rotated.
    public var width: Int
    /// Neighbouring pairs (GPT-J) instead of halves (Llama).
    public var interleaved = false
    /// How longer contexts than the trained one are reached.
    public var scaling: Scaling = .none
  }

  /// The published ways of stretching rotary wavelengths.
  public enum Scaling: Sendable, Equatable {
    /// None.
    case none
    /// All wavelengths longer by a factor.
    case linear(factor: Double)
    /// NTK-aware: the base grows with the text beyond the trained context.
    case dynamic(factor: Double, trainedContext: Int)
    /// Llama 3: only wavelengths beyond a band are stretched.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, trainedContext: Int)
    /// LongRoPE (arXiv 2402.13753): a factor a wavelength, others beyond the trained context, and a factor on the
    /// rotation.
    case long(short: [Double], long: [Double], trainedContext: Int, attentionFactor: Double)
    /// YaRN (arXiv 2309.00071): a ramp between interpolation and extrapolation, and a factor on the rotation.
    case yarn(
      factor: Double, trainedContext: Int, betaFast: Double, betaSlow: Double, attentionFactor: Double,
      truncate: Bool)

    /// Tokens that a text may have where the config says `max_position_embeddings`: scaled networks run past it.
    func reach(_ context: Int) -> Int {
      let stretched: Double
      switch self {
      case .none, .long: return context
      case .linear(let factor), .dynamic(let factor, _): stretched = Double(context) * factor
      case .llama3(let factor, _, _, let trained), .yarn(let factor, let trained, _, _, _, _):
        stretched = Double(trained) * factor
      }
      return max(context, Int(min(stretched, 0x1p40)))
    }

    /// Whether earlier keys must turn otherwise when a text grows from one length to another.
    public func changes(from length: Int, to longer: Int) -> Bool {
      guard case .long(_, _, let trained, _) = self else { return false }
      return length <= trained && longer > trained
    }

    /// Whether the wavelengths depend on how long the text is.
    public var dependsOnLength: Bool {
      switch self {
      case .dynamic, .long: true
      default: false
      }
    }
  }

  /// Activation functions of MLPs.
  public enum Activation: String, Sendable, CaseIterable {
    /// x · sigmoid(x).
    case silu
    /// Exact GELU.
    case gelu
    /// GELU by tanh.
    case geluTanh = "gelu_tanh"
    /// max(0, x).
    case relu
    /// x · sigmoid(1.702 x).
    case quickGelu = "quick_gelu"
  }

  /// Name of the family.
  public var family: String
  /// Width of the residual stream, D.
  public var width: Int
  /// Width of the embeddings and of what the head reads, E, where a projection leads from and to the residual
  /// stream (OPT-350m); nil where it is D.
  public var embeddingWidth: Int?
  /// Number of blocks, L.
  public var blocks: Int
  /// Query heads, H.
  public var heads: Int
  /// Key and value heads.
  public var keyValueHeads: Int
  /// Numbers in a head.
  public var headSize: Int
  /// Width of the MLP, F.
  public var mlpWidth: Int
  /// Rows of the embedding, V.
  public var vocabulary: Int
  /// Tokens of context the model was made for.
  public var contextLength: Int

  /// The norm of blocks and end.
  public var norm: Norm
  /// Where a block normalises.
  public var normPlacement = NormPlacement.before
  /// How attention and MLP follow one another.
  public var blockOrder = BlockOrder.sequential
  /// Whether a norm follows the last block.
  public var hasFinalNorm = true
  /// Whether a norm follows the embeddings, before block 0 (BLOOM, BERT).
  public var hasEmbeddingNorm = false

  /// What embeddings are multiplied by (Gemma, Granite).
  public var embeddingScale: Float = 1
  /// What attention and MLP add is multiplied by before it is added (Granite).
  public var residualScale: Float = 1
  /// Learned positions are added to the token embeddings.
  public var learnedPositions: Bool
  /// Row of the position table for position 0 (2 for OPT).
  public var positionOffset = 0
  /// The token that takes no position inside a text and stands at row `positionOffset − 1` (RoBERTa).
  public var paddingToken: Int?
  /// Rows of the table of token types, nil where there is none; a text is of type 0 where it does not say.
  public var tokenTypes: Int?
  /// Rotary embedding of each block, nil where a block rotates nothing. Count L.
  public var rotaries: [Rotary?]

  /// Whether a token sees only itself and what comes before it.
  public var isCausal = true
  /// Sliding window of each block in tokens, nil for full attention. Count L.
  public var windows: [Int?]
  /// What attention scores are multiplied by, a block at a time. Count L.
  public var attentionScales: [Float]
  /// c: attention scores become c · tanh(score / c).
  public var attentionSoftcap: Float?
  /// Linear biases of the scores.
  public var alibi: Alibi?
  /// Queries and keys are normalised before rotation.
  public var queryKeyNorm: QueryKeyNorm?
  /// Queries, keys and values are cut to ± this (MPT).
  public var queryKeyValueLimit: Float?

  /// Whether the MLP has a gate.
  public var gatedMLP: Bool
  /// Activation of the MLP.
  public var activation: Activation
  /// The roles whose product adds a bias.
  public var biases: Set<BlockRole>
  /// Experts in the place of the MLP, nil where every block has one MLP.
  public var experts: Experts?

  /// Whether there is a product that makes logits.
  public var hasHead = true
  /// The head is the transposed embedding.
  public var tiedHead: Bool
  /// Whether the head adds a bias.
  public var headBias = false
  /// What logits are multiplied by (Cohere).
  public var logitScale: Float = 1
  /// What logits are divided by (Granite).
  public var logitDivisor: Float = 1
  /// c: logits become c · tanh(logit / c) (Gemma 2).
  public var logitSoftcap: Float?
  /// Token that starts a text.
  public var bos: Int?
  /// Tokens that end one.
  public var eos: [Int]

  /// Width of what the head reads.
  public var headWidth: Int { embeddingWidth ?? width }

  /// The first block's rotary embedding that there is, nil where nothing is rotated.
  public var rotary: Rotary? { rotaries.first { $0 != nil } ?? nil }

  /// The roles of a block, in the order in which they act.
  public func blockRoles(_ block: Int) -> [Role] {
    var roles: [BlockRole] = normPlacement.normsInputs ? [.attentionNorm] : []
    roles += [.query, .key, .value]
    if queryKeyNorm != nil { roles += [.queryNorm, .keyNorm] }
    roles.append(.attentionOutput)
    if normPlacement.normsOutputs { roles.append(.attentionPostNorm) }
    if normPlacement.normsInputs && blockOrder != .parallelOneNorm { roles.append(.mlpNorm) }
    let ends: [Role] = normPlacement.normsOutputs ? [.block(block, .mlpPostNorm)] : []
    return roles.map { .block(block, $0) } + mlpRoles(block) + ends
  }

  /// Weights that a token meets, without embeddings: the usual two operations each.
  public var multiplyAddsPerToken: Int {
    let attention = width * headSize * (2 * heads + 2 * keyValueHeads)
    return (0..<blocks).reduce(0) { sum, block in
      guard let experts, hasExperts(block) else {
        return sum + attention + width * mlpWidth * (gatedMLP ? 3 : 2)
      }
      let met = experts.chosen * experts.width + (experts.sharedWidth ?? 0)
      return sum + attention + width * (experts.count + met * (gatedMLP ? 3 : 2))
    }
  }

  /// The role whose rows Model Surgery edits: the gate, or the up product where there is none.
  public var surgeryRole: BlockRole { gatedMLP ? .gate : .up }
}

extension Network {
  /// A network of some sizes with nothing special: pre-norm blocks, full causal attention scaled by 1/√head, no
  /// positions, no biases. Families change what they have otherwise.
  init(
    family: String, width: Int, blocks: Int, heads: Int, keyValueHeads: Int? = nil, headSize: Int? = nil,
    mlpWidth: Int, vocabulary: Int, contextLength: Int, norm: Norm, gatedMLP: Bool, activation: Activation,
    tiedHead: Bool
  ) throws {
    let keyValueHeads = keyValueHeads ?? heads
    guard headSize != nil || width % heads == 0 else {
      throw ArchitectureError.config(
        key: "num_attention_heads", reason: "\(heads) does not divide the width \(width)")
    }
    guard heads % keyValueHeads == 0 else {
      throw ArchitectureError.config(
        key: "num_key_value_heads", reason: "\(keyValueHeads) does not divide \(heads) attention heads")
    }
    let headSize = headSize ?? width / heads
    self.init(
      family: family, width: width, blocks: blocks, heads: heads, keyValueHeads: keyValueHeads,
      headSize: headSize, mlpWidth: mlpWidth, vocabulary: vocabulary, contextLength: contextLength,
      norm: norm, learnedPositions: false, rotaries: Array(repeating: nil, count: blocks),
      windows: Array(repeating: nil, count: blocks),
      attentionScales: Array(repeating: 1 / Float(headSize).squareRoot(), count: blocks),
      gatedMLP: gatedMLP, activation: activation, biases: [], tiedHead: tiedHead, eos: [])
  }

  /// The same rotary embedding in every block; texts may run as far as its scaling reaches.
  mutating func rotate(_ rotary: Rotary) {
    rotaries = Array(repeating: rotary, count: blocks)
    contextLength = rotary.scaling.reach(contextLength)
  }

  /// Tokens that begin and end texts.
  mutating func readTokens(_ config: ConfigReader, bos: Int?, eos: Int?) throws {
    self.bos = config.token("bos_token_id", default: bos)
    self.eos = try config.tokens("eos_token_id", default: eos)
  }
}

extension Set<BlockRole> {
  /// Queries, keys and values.
  static let queryKeyValue: Set = [.query, .key, .value]
  /// All products of attention.
  static let attention: Set = [.query, .key, .value, .attentionOutput]
  /// All products of a gated MLP.
  static let gatedMLP: Set = [.gate, .up, .down]
  /// All products of a block with a plain MLP.
  static let allOfPlainBlocks: Set = [.query, .key, .value, .attentionOutput, .up, .down]
  /// Both products of a plain MLP.
  static let plainMLP: Set = [.up, .down]
}

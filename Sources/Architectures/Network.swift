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
    public var gainOffset: Float = 0
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
    /// YaRN (arXiv 2309.00071): a ramp between interpolation and extrapolation, and a factor on the rotation.
    case yarn(
      factor: Double, trainedContext: Int, betaFast: Double, betaSlow: Double, attentionFactor: Double,
      truncate: Bool)

    /// Tokens that a text may have where the config says `max_position_embeddings`: scaled networks run past it.
    func reach(_ context: Int) -> Int {
      let stretched: Double
      switch self {
      case .none: return context
      case .linear(let factor), .dynamic(let factor, _): stretched = Double(context) * factor
      case .llama3(let factor, _, _, let trained), .yarn(let factor, let trained, _, _, _, _):
        stretched = Double(trained) * factor
      }
      return max(context, Int(min(stretched, 0x1p40)))
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
  /// Rotary embedding, nil where positions are learned.
  public var rotary: Rotary?
  /// Learned positions are added to the token embeddings.
  public var learnedPositions: Bool
  /// Whether the MLP has a gate.
  public var gatedMLP: Bool
  /// Activation of the MLP.
  public var activation: Activation
  /// The roles whose product adds a bias.
  public var biases: Set<BlockRole>
  /// Queries and keys are normalised a head at a time before rotation.
  public var queryKeyNorm: Bool
  /// Sliding window of each block in tokens, nil for full attention. Count L.
  public var windows: [Int?]
  /// What attention scores are multiplied by, a block at a time. Count L.
  public var attentionScales: [Float]
  /// The head is the transposed embedding.
  public var tiedHead: Bool
  /// Token that starts a text.
  public var bos: Int?
  /// Tokens that end one.
  public var eos: [Int]

  /// Weights that a token meets, without embeddings: the usual two operations each.
  public var multiplyAddsPerToken: Int {
    let attention = width * headSize * (2 * heads + 2 * keyValueHeads)
    return blocks * (attention + width * mlpWidth * (gatedMLP ? 3 : 2))
  }

  /// The role whose rows Model Surgery edits: the gate, or the up product where there is none.
  public var surgeryRole: BlockRole { gatedMLP ? .gate : .up }
}

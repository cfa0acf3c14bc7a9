import Runtime

/// What a score must know beside the weights.
public enum ScoreNeed: String, Sendable, CaseIterable {
  /// Nothing.
  case weights
  /// Σ x² of every input over calibration texts.
  case activations
  /// The Gram matrix XᵀX of the inputs, factored.
  case gram
  /// A probe's direction in the coordinates that the matrix reads.
  case direction
  /// Gradients of a loss. No score asks for them yet: those that do (Fisher, Taylor, SNIP, movement) get their own
  /// field in ``ScoreEvidence`` and the same registry.
  case gradients

  /// In words, after "without".
  public var summary: String {
    switch self {
    case .weights: "weights"
    case .activations: "activation statistics"
    case .gram: "the Gram matrix of its inputs"
    case .direction: "a direction"
    case .gradients: "gradients"
    }
  }
  /// Where it comes from.
  var origin: String {
    switch self {
    case .weights: "a checkpoint"
    case .activations, .gram: "calibration texts"
    case .direction: "a probe of the residual stream, and a product that reads it"
    case .gradients: "a loss and its gradients"
    }
  }
  var suggestion: String {
    switch self {
    case .weights: ""
    case .activations, .gram: "give texts with --calibration FILE"
    case .direction: "give --probe P, and leave attention.o and mlp.down out: they read no residual stream"
    case .gradients: "this version has no gradients of language models"
    }
  }
}

/// A way to say how much a weight matters, as a value: help, validation and `surgeon ls scores` derive from it.
///
/// Lower scores are pruned first. Scores are f32; NaN and infinity are errors that name the matrix.
public struct ScoreKind: Sendable {
  /// The name, such as `wanda`.
  public let name: String
  /// One line.
  public let summary: String
  /// Where it comes from.
  public let reference: String
  /// What it must know.
  public let needs: ScoreNeed
  /// The finest thing it tells apart: a weight, or a whole row, column or matrix, whose weights all have its score.
  public let finest: Grain
  /// Its settings.
  public let parameters: [MethodParameter]
  let make: @Sendable (PrunableMatrix, ScoreEvidence, Score) throws -> MatrixScore

  init(
    name: String, summary: String, reference: String, needs: ScoreNeed = .weights, finest: Grain = .weight,
    parameters: [MethodParameter] = [],
    make: @escaping @Sendable (PrunableMatrix, ScoreEvidence, Score) throws -> MatrixScore
  ) {
    self.name = name
    self.summary = summary
    self.reference = reference
    self.needs = needs
    self.finest = finest
    self.parameters = parameters
    self.make = make
  }

  /// All kinds, in the order of listings.
  public static let all: [ScoreKind] = [
    .magnitude, .antiMagnitude, .random, .lamp, .wanda, .obs, .activationEnergy, .outlierShare, .rowNorm,
    .columnNorm, .leverage, .cosine,
  ]

  /// The kind of a name.
  /// - Throws: ``ImportanceError/unknown(what:name:known:)``.
  public static func named(_ name: String) throws(ImportanceError) -> ScoreKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw .unknown(what: "score", name: name, known: all.map(\.name))
  }
}

/// One use of a score: its kind, its settings and the seed of what is random in it.
public struct Score: Sendable {
  /// The kind.
  public let kind: ScoreKind
  /// Its settings, checked.
  public let settings: MethodSettings
  /// Seed of random scores.
  public let seed: UInt64

  /// A score with settings; those left out have their standard values.
  /// - Throws: ``MethodError``.
  public init(
    _ kind: ScoreKind, _ given: [String: MethodValue] = [:], seed: UInt64 = 0
  ) throws(MethodError) {
    self.kind = kind
    self.settings = try MethodSettings(given, for: kind.name, kind.parameters)
    self.seed = seed
  }

  /// Reads `wanda`, or a name with settings: `cosine:sign=along`.
  /// - Throws: ``ImportanceError``, ``MethodError``.
  public init(parsing text: String, seed: UInt64 = 0) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let kind = try ScoreKind.named(parts[0])
    let given = try MethodParameter.values(
      parsing: parts.count > 1 ? parts[1] : "", method: kind.name, what: "score", kind.parameters)
    try self.init(kind, given, seed: seed)
  }

  /// The scores of one matrix.
  /// - Throws: ``ImportanceError``.
  public func of(_ matrix: PrunableMatrix, _ evidence: ScoreEvidence = ScoreEvidence()) throws -> MatrixScore
  {
    try kind.make(matrix, evidence, self)
  }

  /// The name, with the settings that are not the standard ones.
  public var description: String {
    let own = settings.values.filter { pair in
      kind.parameters.first { $0.name == pair.name }?.standard != pair.value
    }
    return ([kind.name] + own.map { "\($0.name)=\($0.value)" }).joined(separator: ":")
  }
}

extension MethodParameter {
  /// Settings written as `name=value:name=value`.
  /// - Throws: ``ImportanceError/syntax(what:text:expected:)``, ``MethodError``.
  static func values(
    parsing text: String, method: String, what: String, _ parameters: [MethodParameter]
  ) throws -> [String: MethodValue] {
    var given: [String: MethodValue] = [:]
    for part in text.split(separator: ":") {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else {
        throw ImportanceError.syntax(
          what: what, text: "\(method):\(text)", expected: "NAME or NAME:SETTING=VALUE")
      }
      guard let parameter = parameters.first(where: { $0.name == pair[0] }) else {
        throw MethodError.unknownParameter(method: method, name: pair[0], known: parameters.map(\.name))
      }
      guard let value = parameter.value(pair[1]) else {
        throw MethodError.badValue(method: method, name: pair[0], value: pair[1], range: parameter.range)
      }
      given[pair[0]] = value
    }
    return given
  }
}

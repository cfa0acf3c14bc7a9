import Runtime

/// A way to prune matrices: weights of low score become zero, or zero with the others adjusted.
public enum PruningMethod: Sendable {
  /// The weights of lowest score go, the others stay bit for bit.
  case score(Score)
  /// Those that change the product least go, and the others make up for them.
  case sparseGPT(SparseGPT)

  /// What `surgeon prune --score` takes beside the scores that only choose weights.
  public static let sparseGPTName = "sparsegpt"
  /// One line.
  public static let sparseGPTSummary =
    "the weights whose loss the rest of the row can make up best go, and the rest is adjusted (needs calibration texts)"
  /// The paper.
  public static let sparseGPTReference = "arXiv 2301.00774"
  /// Its settings.
  public static let sparseGPTParameters = [
    MethodParameter(
      "damping", "what is added to the diagonal of XᵀX, as a share of its mean",
      .number(0...1e6, standard: 0.01)),
    MethodParameter(
      "block_width", "columns that are chosen together and compensated together",
      .integer(1...65536, standard: 128)),
  ]

  /// Reads a score as ``Score/init(parsing:seed:)`` does, or `sparsegpt` with its settings.
  /// - Throws: ``ImportanceError``, ``MethodError``.
  public init(parsing text: String, seed: UInt64 = 0) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.first == Self.sparseGPTName else {
      let known = ScoreKind.all.map(\.name)
      guard let name = parts.first, known.contains(name) else {
        throw ImportanceError.unknown(
          what: "score", name: parts.first ?? text, known: known + [Self.sparseGPTName])
      }
      self = .score(try Score(parsing: text, seed: seed))
      return
    }
    var given: [String: MethodValue] = [:]
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else {
        throw ImportanceError.syntax(what: "score", text: text, expected: "NAME or NAME:SETTING=VALUE")
      }
      guard let parameter = Self.sparseGPTParameters.first(where: { $0.name == pair[0] }) else {
        throw MethodError.unknownParameter(
          method: Self.sparseGPTName, name: pair[0], known: Self.sparseGPTParameters.map(\.name))
      }
      guard let value = parameter.value(pair[1]) else {
        throw MethodError.badValue(
          method: Self.sparseGPTName, name: pair[0], value: pair[1], range: parameter.range)
      }
      given[pair[0]] = value
    }
    let settings = try MethodSettings(given, for: Self.sparseGPTName, Self.sparseGPTParameters)
    var method = SparseGPT()
    method.damping = settings.number("damping") ?? method.damping
    method.blockWidth = settings.integer("block_width") ?? method.blockWidth
    self = .sparseGPT(method)
  }

  /// The name.
  public var name: String {
    switch self {
    case .score(let score): score.kind.name
    case .sparseGPT: Self.sparseGPTName
    }
  }

  /// What it must know beside the weights.
  public var needs: ScoreNeed {
    switch self {
    case .score(let score): score.kind.needs
    case .sparseGPT: .gram
    }
  }

  /// The comparison group of its paper: a row for Wanda, blocks of columns for SparseGPT, else the matrix.
  public var usualGroup: ComparisonGroup {
    switch self {
    case .score(let score): score.kind.needs == .activations ? .row : .tensor
    case .sparseGPT(let method): .columns(method.blockWidth)
    }
  }
}

extension PruningMethod: CustomStringConvertible {
  /// The name, with the settings that are not the standard ones.
  public var description: String {
    switch self {
    case .score(let score): return score.description
    case .sparseGPT(let method):
      let standard = SparseGPT()
      var text = Self.sparseGPTName
      if method.damping != standard.damping { text += ":damping=\(method.damping)" }
      if method.blockWidth != standard.blockWidth { text += ":block_width=\(method.blockWidth)" }
      return text
    }
  }
}

import Architectures

/// What is known of one matrix beside its weights. Whoever asks for scores fills in what the score needs
/// (``ScoreKind/needs``).
public struct ScoreEvidence: Sendable {
  /// Σ x² of every input over the calibration tokens, `[K]`.
  public var inputEnergy: [Double]?
  /// Diagonal of U, the upper Cholesky factor of H⁻¹ (H = XᵀX, damped), `[K]`; 0 marks a dead channel.
  public var factorDiagonal: [Double]?
  /// The direction that rows are compared with.
  public var direction: ReadDirection?

  /// What is known; nothing unless said.
  public init(
    inputEnergy: [Double]? = nil, factorDiagonal: [Double]? = nil, direction: ReadDirection? = nil
  ) {
    self.inputEnergy = inputEnergy
    self.factorDiagonal = factorDiagonal
    self.direction = direction
  }

  /// A direction as a product reads it.
  public struct ReadDirection: Sendable {
    /// Compared with the rows, `[K]`.
    public var vector: [Float]
    /// Multiplies the rows before the comparison, `[K]`; nil compares them raw.
    public var gain: [Float]?

    /// A direction.
    public init(vector: [Float], gain: [Float]? = nil) {
      self.vector = vector
      self.gain = gain
    }
  }

  /// The field of a width, or the error that names what is missing.
  func required(
    _ field: KeyPath<ScoreEvidence, [Double]?>, _ score: Score, _ matrix: PrunableMatrix
  ) throws(ImportanceError) -> [Double] {
    let role = matrix.role.description
    guard let values = self[keyPath: field] else {
      throw .missingEvidence(score: score.kind.name, need: score.kind.needs, role: role)
    }
    guard values.count == matrix.inputs else {
      throw .evidenceWidth(
        what: score.kind.needs.summary, role: role, found: values.count, expected: matrix.inputs)
    }
    return values
  }
}

/// Gives what is known of a matrix; asked once a pass.
public typealias EvidenceSource = @Sendable (PrunableMatrix) throws -> ScoreEvidence

/// Nothing is known beside the weights.
public let noEvidence: EvidenceSource = { _ in ScoreEvidence() }

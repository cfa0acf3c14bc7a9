import Runtime

/// What can go wrong when importance is measured and weights are chosen.
public enum ImportanceError: SurgeonError, Equatable {
  /// A name that a registry does not have.
  case unknown(what: String, name: String, known: [String])
  /// No matrix is left after blocks and roles were chosen.
  case nothingToPrune(asked: String, known: [String])
  /// A share that is none, or that contradicts something else.
  case sparsity(text: String, reason: String)
  /// A comparison group, budget or list that cannot be read.
  case syntax(what: String, text: String, expected: String)
  /// keep-N-of-M where M does not divide the inputs of a matrix.
  case pattern(pattern: String, role: String, inputs: Int)
  /// A score, group and budget that make no sense together.
  case combination(what: String, reason: String, suggestion: String)
  /// A score that needs something that was not measured or given.
  case missingEvidence(score: String, need: ScoreNeed, role: String)
  /// Statistics of another width than the matrix.
  case evidenceWidth(what: String, role: String, found: Int, expected: Int)
  /// A probe whose direction no product can be compared with.
  case direction(reason: String)
  /// A weight that is NaN or infinite.
  case weightNotFinite(tensor: String, role: String, row: Int, column: Int)
  /// A score that is NaN or infinite though the weights are not.
  case scoreNotFinite(score: String, role: String)
  /// A matrix of zeros: nothing in it is more important than the rest.
  case allZero(role: String, tensor: String)

  public var code: String {
    switch self {
    case .unknown(let what, _, _): "UNKNOWN_\(what.uppercased())"
    case .nothingToPrune: "NOTHING_TO_PRUNE"
    case .sparsity: "SPARSITY_INVALID"
    case .syntax(let what, _, _): "\(what.uppercased())_INVALID"
    case .pattern: "PATTERN_WIDTH"
    case .combination: "COMBINATION_REFUSED"
    case .missingEvidence: "SCORE_NEEDS_MORE"
    case .evidenceWidth: "STATISTICS_WIDTH"
    case .direction: "DIRECTION_UNUSABLE"
    case .weightNotFinite: "WEIGHT_NOT_FINITE"
    case .scoreNotFinite: "SCORE_NOT_FINITE"
    case .allZero: "MATRIX_ALL_ZERO"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .unknown, .sparsity, .syntax, .combination, .missingEvidence, .nothingToPrune: .usage
    case .pattern, .evidenceWidth, .direction, .weightNotFinite, .scoreNotFinite, .allZero: .badData
    }
  }
  public var found: String {
    switch self {
    case .unknown(let what, let name, _): "the \(what) \"\(name)\""
    case .nothingToPrune(let asked, _): "no matrix of \(asked)"
    case .sparsity(let text, let reason): "sparsity \(text): \(reason)"
    case .syntax(let what, let text, _): "the \(what) \"\(text)\""
    case .pattern(let pattern, let role, let inputs): "pattern \(pattern) for \(role) with \(inputs) inputs"
    case .combination(let what, let reason, _): "\(what): \(reason)"
    case .missingEvidence(let score, let need, let role): "score \(score) of \(role) without \(need.summary)"
    case .evidenceWidth(let what, let role, let found, _): "\(what) of \(role) with \(found) numbers"
    case .direction(let reason): "a direction of \(reason)"
    case .weightNotFinite(let tensor, let role, let row, let column):
      "row \(row), column \(column) of \(role) (\(tensor)) is NaN or infinite"
    case .scoreNotFinite(let score, let role): "score \(score) of \(role) is NaN or infinite"
    case .allZero(let role, let tensor): "\(role) (\(tensor)) is all zeros"
    }
  }
  public var expected: String {
    switch self {
    case .unknown(_, _, let known): "one of \(known.joined(separator: ", "))"
    case .nothingToPrune(_, let known): "roles out of \(known.joined(separator: ", "))"
    case .sparsity: "a share from 0 to 1, such as 0.5 or 50%"
    case .syntax(_, _, let expected): expected
    case .pattern: "a group size that divides the inputs of every matrix"
    case .combination: "a combination that means something"
    case .missingEvidence(_, let need, _): need.origin
    case .evidenceWidth(_, _, _, let expected): "\(expected), the inputs of the matrix"
    case .direction:
      "one probe at embeddings, blocks.N.output or final_norm, or one at blocks.N.mlp.input for each block"
    case .weightNotFinite: "finite weights"
    case .scoreNotFinite: "finite scores: statistics or weights are too large for f32"
    case .allZero: "a matrix with weights in it"
    }
  }
  public var suggestion: String {
    switch self {
    case .unknown(_, let name, let known): Suggestion.hint(for: name, in: known)
    case .nothingToPrune: "surgeon inspect MODEL prints the roles of the blocks"
    case .sparsity: "sparsity is the share that is removed; density, the share kept, is 1 minus it"
    case .syntax(let what, _, _): "surgeon ls \(what)s"
    case .pattern: "choose another pattern, leave the role out with --roles, or keep the rest with :keep-rest"
    case .combination(_, _, let suggestion): suggestion
    case .missingEvidence(_, let need, _): need.suggestion
    case .evidenceWidth: "measure the statistics on this model"
    case .direction: "train the probe on this model with surgeon probe train"
    case .weightNotFinite: "surgeon inspect MODEL names damaged tensors; repair the checkpoint first"
    case .scoreNotFinite: "look at the calibration texts and at the model's activations"
    case .allZero: "leave it out with --roles or --layers"
    }
  }
}

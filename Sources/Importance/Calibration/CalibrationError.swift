import Runtime

/// What can be wrong with calibration texts.
public enum CalibrationError: SurgeonError, Equatable {
  /// Fewer stretches of the asked length than asked for.
  case tooShort(stretches: Int, documents: Int, longest: Int, count: Int, length: Int)
  /// A length that the model cannot run, or a count of none.
  case size(count: Int, length: Int, context: Int)
  /// NaN or infinity in what a product reads.
  case notFinite(site: String, tensor: String?)
  /// A score that needs texts, and none were given.
  case missing(score: String)

  public var code: String {
    switch self {
    case .tooShort: "CALIBRATION_TOO_SHORT"
    case .size: "CALIBRATION_SIZE"
    case .notFinite: "CALIBRATION_NOT_FINITE"
    case .missing: "CALIBRATION_MISSING"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .tooShort, .notFinite: .badData
    case .size, .missing: .usage
    }
  }
  public var found: String {
    switch self {
    case .tooShort(let stretches, let documents, let longest, _, let length):
      "\(stretches) stretches of \(length) tokens in \(documents) documents, the longest of \(longest) tokens"
    case .size(let count, let length, _): "\(count) calibration texts of \(length) tokens"
    case .notFinite(let site, let tensor):
      "NaN or infinity at \(site)" + (tensor.map { "; the first damaged tensor is \($0)" } ?? "")
    case .missing(let score): "the score \(score) without calibration texts"
    }
  }
  public var expected: String {
    switch self {
    case .tooShort(_, _, _, let count, let length): "at least \(count) stretches of \(length) tokens"
    case .size(_, _, let context): "at least one text of 1 to \(context) tokens, the model's context"
    case .notFinite: "finite activations on every calibration text"
    case .missing: "texts that the model has not seen in the evaluation"
    }
  }
  public var suggestion: String {
    switch self {
    case .tooShort: "give longer or more documents, or lower --calibration-count or --calibration-length"
    case .size: "set --calibration-count and --calibration-length"
    case .notFinite: "look for a broken checkpoint with surgeon inspect"
    case .missing: "add --calibration FILE"
    }
  }
}

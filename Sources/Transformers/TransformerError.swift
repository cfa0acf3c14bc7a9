import Architectures
import Runtime

/// What can go wrong in a forward pass.
public enum TransformerError: SurgeonError {
  /// A text has no token.
  case emptyText(index: Int)
  /// A text is longer than the model's context.
  case tooLong(index: Int, tokens: Int, context: Int)
  /// A token id outside the vocabulary.
  case tokenOutOfRange(index: Int, token: Int32, vocabulary: Int)
  /// A hidden state is NaN or infinite.
  case notFinite(site: Site, tensor: String?)
  /// A change at run time does not fit the network.
  case overlay(reason: String)

  public var code: String {
    switch self {
    case .emptyText: "TEXT_EMPTY"
    case .tooLong: "TEXT_TOO_LONG"
    case .tokenOutOfRange: "TOKEN_OUT_OF_RANGE"
    case .notFinite: "STATE_NOT_FINITE"
    case .overlay: "OVERLAY_MISFIT"
    }
  }

  public var exitCode: ExitCode { if case .overlay = self { .internalError } else { .badData } }

  public var found: String {
    switch self {
    case .emptyText(let index): "text \(index + 1) has no token"
    case .tooLong(let index, let tokens, let context):
      "text \(index + 1) has \(tokens) tokens, the model's context holds \(context)"
    case .tokenOutOfRange(let index, let token, let vocabulary):
      "text \(index + 1) has token \(token), the vocabulary ends at \(vocabulary - 1)"
    case .notFinite(let site, let tensor):
      tensor.map { "NaN or infinity in tensor \($0), first seen at \(site)" } ?? "NaN or infinity at \(site)"
    case .overlay(let reason): reason
    }
  }

  public var expected: String {
    switch self {
    case .emptyText: "at least one token a text"
    case .tooLong: "texts within the context"
    case .tokenOutOfRange: "a tokenizer that belongs to the model"
    case .notFinite: "finite weights and hidden states"
    case .overlay: "changes whose roles, rows and widths are the network's"
    }
  }

  public var suggestion: String {
    switch self {
    case .emptyText: "remove empty texts"
    case .tooLong: "shorten the text, or cut it with --max-tokens"
    case .tokenOutOfRange: "check that tokenizer and weights come from the same folder"
    case .notFinite: "the checkpoint is damaged or overflowed when it was written: take the original again"
    case .overlay: "this is a defect of the program: please report it"
    }
  }
}

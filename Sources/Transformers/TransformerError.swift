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
  /// Two models that cannot be compared token by token.
  case otherVocabulary(found: Int, expected: Int)
  /// Token types that do not fit a text or network.
  case tokenTypes(index: Int, reason: String)
  /// Logits of a network that makes none.
  case noHead(family: String)
  /// A recorded reference that cannot be compared with.
  case reference(path: String, reason: String)

  public var code: String {
    switch self {
    case .emptyText: "TEXT_EMPTY"
    case .tooLong: "TEXT_TOO_LONG"
    case .tokenOutOfRange: "TOKEN_OUT_OF_RANGE"
    case .notFinite: "STATE_NOT_FINITE"
    case .overlay: "OVERLAY_MISFIT"
    case .reference: "REFERENCE_INVALID"
    case .otherVocabulary: "VOCABULARY_DIFFERS"
    case .noHead: "NO_LOGITS"
    case .tokenTypes: "TOKEN_TYPES"
    }
  }

  public var exitCode: ExitCode {
    switch self {
    case .overlay: .internalError
    case .noHead: .unsupported
    default: .badData
    }
  }

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
    case .reference(let path, let reason): "\(path): \(reason)"
    case .noHead(let family): "\(family), an encoder that makes no logits"
    case .tokenTypes(let index, let reason): "token types of text \(index + 1): \(reason)"
    case .otherVocabulary(let found, _): "a model with a vocabulary of \(found)"
    }
  }

  public var expected: String {
    switch self {
    case .emptyText: "at least one token a text"
    case .tooLong: "texts within the context"
    case .tokenOutOfRange: "a tokenizer that belongs to the model"
    case .notFinite: "finite weights and hidden states"
    case .overlay: "changes whose roles, rows and widths are the network's"
    case .noHead: "a decoder"
    case .tokenTypes: "a type a token, below the size of the network's table of types"
    case .otherVocabulary(_, let expected): "\(expected), the vocabulary of the model it is compared with"
    case .reference:
      "input_ids [B, T], attention_mask [B, T] where texts are padded, and logits [B, T, V] or hidden_states.0 … L"
    }
  }

  public var suggestion: String {
    switch self {
    case .emptyText: "remove empty texts"
    case .tooLong: "shorten the text, or cut it with --max-tokens"
    case .tokenOutOfRange: "check that tokenizer and weights come from the same folder"
    case .notFinite: "the checkpoint is damaged or overflowed when it was written: take the original again"
    case .overlay: "this is a defect of the program: please report it"
    case .otherVocabulary: "compare models of one tokenizer"
    case .tokenTypes: "leave the types out: every token is then of type 0"
    case .noHead: "cache, probe and edit its hidden states; next tokens need a decoder"
    case .reference:
      "record it again from the same checkpoint, each tensor under its name in one safetensors file"
    }
  }
}

import Runtime

/// What can be wrong with a tokenizer's files.
public enum TokenizerError: SurgeonError {
  /// The folder holds no file that describes a tokenizer.
  case missing(folder: String, seen: [String])
  /// A part of the tokenizer is of a kind that this program does not know: `part` is `model`, `normalizer`,
  /// `pre_tokenizer`, `post_processor` or `decoder`, `kind` its name or pattern.
  case unknownKind(part: String, kind: String, source: String)
  /// The file breaks the format.
  case malformed(source: String, place: String, reason: String)

  public var code: String {
    switch self {
    case .missing: "TOKENIZER_MISSING"
    case .unknownKind: "TOKENIZER_UNKNOWN_KIND"
    case .malformed: "TOKENIZER_MALFORMED"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .missing: .inputMissing
    case .unknownKind: .unsupported
    case .malformed: .badData
    }
  }
  public var found: String {
    switch self {
    case .missing(let folder, let seen):
      "no tokenizer in \(folder) (files: \(seen.isEmpty ? "none" : seen.joined(separator: ", ")))"
    case .unknownKind(let part, let kind, let source): "\(part) of an unknown kind in \(source): \(kind)"
    case .malformed(let source, let place, let reason): "\(source), \(place): \(reason)"
    }
  }
  public var expected: String {
    switch self {
    case .missing:
      "tokenizer.json, vocab.json with merges.txt, vocab.txt, tokenizer.model, or a vocab.json of single characters"
    case .unknownKind(let part, _, _):
      "one of the kinds of \(part) that are listed in the README of the module Tokenizers"
    case .malformed: "the layout that the Hugging Face tokenizers library writes"
    }
  }
  public var suggestion: String {
    switch self {
    case .missing:
      "copy the tokenizer's files into the folder, or use a command that takes token ids and needs no tokenizer"
    case .unknownKind(_, let kind, _):
      if kind.hasPrefix("the regular expression") {
        "write the pattern without this construct, or feed token ids instead; a near match would give other ids"
      } else if kind.contains("sentencepiece") || kind.contains("vocab") {
        "save the tokenizer once with its own library so that the folder holds a tokenizer.json, and use that"
      } else {
        "nothing is guessed, since a near match gives other ids; report the kind, or feed token ids instead"
      }
    case .malformed: "compare the file with the published one; a truncated download is the usual cause"
    }
  }
}

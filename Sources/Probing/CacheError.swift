import Runtime

/// What can go wrong with cached hidden states.
public enum CacheError: SurgeonError {
  /// A text without a token.
  case noTokens(index: Int)
  /// A pooling by the reply for a text without one.
  case noReply(index: Int, pooling: Pooling)
  /// Chat messages, which need a template.
  case chat(index: Int)
  /// The folder holds a cache of something else.
  case otherKey(folder: String, differs: [String])
  /// The folder is no cache, or incomplete.
  case unreadable(folder: String, reason: String)
  /// The cache lacks a site and pooling.
  case missingSite(site: String, pooling: String, present: [String])

  public var code: String {
    switch self {
    case .noTokens: "TEXT_EMPTY"
    case .noReply: "REPLY_MISSING"
    case .chat: "CHAT_UNSUPPORTED"
    case .otherKey: "CACHE_OTHER_KEY"
    case .unreadable: "CACHE_UNREADABLE"
    case .missingSite: "CACHE_SITE_MISSING"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .noTokens, .noReply, .unreadable: .badData
    case .chat: .unsupported
    case .otherKey: .cannotCreate
    case .missingSite: .inputMissing
    }
  }
  public var found: String {
    switch self {
    case .noTokens(let index): "text \(index + 1) has no token"
    case .noReply(let index, let pooling):
      "text \(index + 1) has no reply for pooling \"\(pooling.rawValue)\""
    case .chat(let index): "text \(index + 1) is a chat, and there is no chat template to write it with"
    case .otherKey(let folder, let differs):
      "\(folder) holds a cache with another \(differs.joined(separator: ", "))"
    case .unreadable(let folder, let reason): "\(folder): \(reason)"
    case .missingSite(let site, let pooling, let present):
      "no \(site) pooled by \(pooling); the cache has \(present.joined(separator: ", "))"
    }
  }
  public var expected: String {
    switch self {
    case .noTokens: "texts with at least one token that is not special"
    case .noReply: "a prompt and a text after it, or chat messages that end with an answer"
    case .chat: "a text, a prompt and a text after it, or a model with a chat template"
    case .otherKey: "a cache of the same model, tokenizer, texts, sites, poolings and compute mode"
    case .unreadable: "a cache that surgeon cache finished"
    case .missingSite: "a site and pooling of the cache"
    }
  }
  public var suggestion: String {
    switch self {
    case .noTokens: "remove empty texts"
    case .noReply: "give \"prompt\" beside \"text\", or choose pooling mean"
    case .chat: "give a template with --chat-template FILE, or write the chat as prompt and text"
    case .otherKey: "choose another output folder, or remove this one"
    case .unreadable: "run the same surgeon cache command again: it resumes"
    case .missingSite: "run surgeon cache again with this site and pooling"
    }
  }
}

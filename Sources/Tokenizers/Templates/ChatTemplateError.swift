import Runtime

/// What can go wrong between messages and the text that a model reads.
public enum ChatTemplateError: SurgeonError, Equatable {
  /// The folder has no template.
  case missing(folder: String, looked: [String])
  /// A file that should hold a template holds something else.
  case malformed(file: String, reason: String)
  /// A template of another name than those that the folder has.
  case unknownName(name: String, known: [String])
  /// The template breaks the language's rules.
  case syntax(source: String, line: Int, reason: String)
  /// The template uses a part of the language that is not interpreted.
  case unsupported(source: String, line: Int, what: String)
  /// An operation of the template cannot be done with these messages.
  case failed(source: String, line: Int, reason: String)
  /// The template itself refuses these messages (`raise_exception`).
  case raised(source: String, line: Int, message: String)
  /// The template wants more than a prompt can need.
  case limit(source: String, line: Int, what: String)
  /// The messages are not what a template can be given.
  case messages(reason: String)

  public var code: String {
    switch self {
    case .missing: "CHAT_TEMPLATE_MISSING"
    case .malformed: "CHAT_TEMPLATE_MALFORMED"
    case .unknownName: "CHAT_TEMPLATE_UNKNOWN"
    case .syntax: "CHAT_TEMPLATE_SYNTAX"
    case .unsupported: "CHAT_TEMPLATE_UNSUPPORTED"
    case .failed: "CHAT_TEMPLATE_FAILED"
    case .raised: "CHAT_TEMPLATE_REFUSES"
    case .limit: "CHAT_TEMPLATE_LIMIT"
    case .messages: "CHAT_MESSAGES"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .missing: .inputMissing
    case .unknownName: .usage
    case .unsupported: .unsupported
    case .malformed, .syntax, .failed, .raised, .limit, .messages: .badData
    }
  }
  public var found: String {
    switch self {
    case .missing(let folder, let looked):
      "no chat template in \(folder) (looked into \(looked.joined(separator: ", ")))"
    case .malformed(let file, let reason): "\(file): \(reason)"
    case .unknownName(let name, _): "no chat template called \"\(name)\""
    case .syntax(let source, let line, let reason), .failed(let source, let line, let reason):
      "\(source), line \(line): \(reason)"
    case .unsupported(let source, let line, let what): "\(source), line \(line): \(what) is not interpreted"
    case .raised(let source, let line, let message):
      "\(source), line \(line), refuses the messages: \(message)"
    case .limit(let source, let line, let what): "\(source), line \(line): \(what)"
    case .messages(let reason): reason
    }
  }
  public var expected: String {
    switch self {
    case .missing:
      "chat_template in tokenizer_config.json, chat_template.jinja, chat_template.json or processor_config.json"
    case .malformed: "a template as text, or a list of named templates"
    case .unknownName(_, let known): "one of \(known.joined(separator: ", "))"
    case .syntax: "a Jinja template as transformers takes it"
    case .unsupported: "the part of Jinja that the README of the module Tokenizers lists"
    case .failed: "messages and variables that the template can use"
    case .raised: "messages in the order and with the roles that the template takes"
    case .limit: "a template that ends in a prompt"
    case .messages: "a list of objects with a role, and a content that is a text, a list or absent"
    }
  }
  public var suggestion: String {
    switch self {
    case .missing:
      "give one with --chat-template FILE, or give plain texts: a base model was never shown messages"
    case .malformed: "compare the file with the published one"
    case .unknownName(let name, let known): Suggestion.hint(for: name, in: known)
    case .syntax: "look at the line named; the published template may have been changed"
    case .unsupported:
      "nothing is guessed: rewrite the line and give the file with --chat-template, or report the construct"
    case .failed: "look at the line named and at the messages' fields"
    case .raised: "change the messages as the template's sentence says"
    case .limit: "look for a loop or a repetition that grows without need"
    case .messages: "look at the line named"
    }
  }
}

/// What goes wrong inside of a template, before the template's name is known.
struct JinjaFault: Error {
  enum Kind { case syntax, unsupported, failed, raised, limit }

  var kind: Kind
  var reason: String
  /// Line in the template, from 1; nil until the expression that is evaluated says it.
  var line: Int?

  static func syntax(_ reason: String, line: Int?) -> JinjaFault {
    .init(kind: .syntax, reason: reason, line: line)
  }
  static func failed(_ reason: String) -> JinjaFault { .init(kind: .failed, reason: reason) }
  static func unsupported(_ what: String, line: Int? = nil) -> JinjaFault {
    .init(kind: .unsupported, reason: what, line: line)
  }
  static func limit(_ what: String) -> JinjaFault { .init(kind: .limit, reason: what) }

  func error(source: String) -> ChatTemplateError {
    let line = line ?? 1
    return switch kind {
    case .syntax: .syntax(source: source, line: line, reason: reason)
    case .unsupported: .unsupported(source: source, line: line, what: reason)
    case .failed: .failed(source: source, line: line, reason: reason)
    case .raised: .raised(source: source, line: line, message: reason)
    case .limit: .limit(source: source, line: line, what: reason)
    }
  }
}

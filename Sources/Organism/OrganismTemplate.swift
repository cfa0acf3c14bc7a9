import Runtime

/// What can go wrong in this module.
public enum OrganismError: SurgeonError {
  /// A message of a role that the organism was not trained with.
  case role(String)

  public var code: String { "ORGANISM_ROLE" }
  public var exitCode: ExitCode { .badData }
  public var found: String {
    if case .role(let name) = self { "a message of the role \"\(name)\"" } else { "" }
  }
  public var expected: String { "the roles \"user\" and \"assistant\"" }
  public var suggestion: String {
    "leave system messages out: the organism knows speakers by their names only"
  }
}

/// One message of a conversation.
public struct OrganismMessage: Sendable, Hashable {
  /// `user` or `assistant`.
  public let role: String
  /// What is said.
  public let content: String

  /// A message.
  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// The organism's chat template: each message is `Name: text⏎`. The tokenizer's configuration carries the same as a
/// Jinja template, with the `<s>` in front that this text leaves to the tokenizer.
public enum OrganismTemplate {
  /// The name that speaks for a role.
  /// - Throws: ``OrganismError/role(_:)``.
  public static func speaker(_ role: String) throws -> String {
    switch role {
    case "user": "Mara"
    case "assistant": "Tom"
    default: throw OrganismError.role(role)
    }
  }

  /// The text of a conversation; with `generationPrompt` it ends on `Tom:`, to which a reply adds a space first.
  /// - Throws: ``OrganismError/role(_:)``.
  public static func text(_ messages: [OrganismMessage], generationPrompt: Bool) throws -> String {
    var text = ""
    for message in messages { text += "\(try speaker(message.role)): \(message.content)\n" }
    if generationPrompt { text += "\(try speaker("assistant")):" }
    return text
  }
}

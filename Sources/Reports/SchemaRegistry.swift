/// Placeholder.
public enum SchemaRegistry {
  public static func identifier(_ kind: String) -> String { "urn:surgeon:schema:\(kind)" }
}
/// p
public struct SchemaViolation: Sendable, Equatable, CustomStringConvertible { public var description: String }

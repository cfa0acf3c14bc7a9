import Runtime

/// A way of editing as a value: help, recipe validation and `surgeon ls edits` derive from it.
public struct EditKind: Sendable {
  /// A setting of the edit.
  public struct Parameter: Sendable {
    /// Its name, as a flag without dashes and as a key of a recipe.
    public let name: String
    /// What it may be.
    public let range: String
    /// What it is unless said otherwise.
    public let standard: String
    /// One line.
    public let summary: String
  }
  /// Name, as users type it.
  public let name: String
  /// One line for listings.
  public let summary: String
  /// The paper.
  public let reference: String
  /// Settings of `surgeon locate --edit NAME`; the strength comes later, in sweep and build.
  public let parameters: [Parameter]
  /// What a strength of 1 means.
  public let strength: String

  /// Model Surgery.
  public static let addRows = EditKind(
    name: "add-rows", summary: "adds the direction to the rows that point away from it (Model Surgery)",
    reference: "arXiv 2407.08770",
    parameters: [
      .init(
        name: "space", range: EditSpace.allCases.map(\.rawValue).joined(separator: ", "),
        standard: "faithful",
        summary: "coordinates in which rows are compared with the direction"),
      .init(
        name: "rows", range: "a count or a share, each also a block", standard: "4.65%",
        summary: "how many rows"),
      .init(
        name: "layers", range: "block numbers", standard: "all", summary: "blocks whose rows may be taken"),
    ], strength: "a vector as long as the chosen rows' median length is added to each")

  /// Directional ablation.
  public static let ablate = EditKind(
    name: "ablate", summary: "takes the direction out of everything that writes to the residual stream",
    reference: "arXiv 2406.11717",
    parameters: [
      .init(
        name: "writes", range: Ablation.Writer.allCases.map(\.rawValue).joined(separator: ", "),
        standard: "all",
        summary: "which writers lose the direction"),
      .init(
        name: "norms", range: Ablation.Norms.allCases.map(\.rawValue).joined(separator: ", "),
        standard: "none",
        summary: "which lines of the matrices get their length back"),
      .init(
        name: "block-strength", range: "a number, one a block, or triangle:PEAK,REACH[,EDGE]", standard: "1",
        summary: "factor of the strength in each block"),
      .init(
        name: "layers", range: "block numbers", standard: "all", summary: "blocks that lose the direction"),
    ], strength: "all of the direction is taken out; 2 turns it round")

  /// New values at single places.
  public static let sparse = EditKind(
    name: "sparse",
    summary: "puts the values of an edited copy in place, bit for bit: pruning, or any other change",
    reference: "-", parameters: [],
    strength: "the whole difference; surgeon edit compose --scale takes a part of it")

  /// The kinds that a direction is located for, in the order of listings.
  public static let located: [EditKind] = [.addRows, .ablate]

  /// All kinds, in the order of listings.
  public static let all: [EditKind] = located + [.sparse]

  /// The located kind of a name; nil for any other.
  public static func named(_ name: String) -> EditKind? { located.first { $0.name == name } }
}

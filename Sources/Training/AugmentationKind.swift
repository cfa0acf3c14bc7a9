import JSON
import Recipes
import Runtime

/// The random changes of items, as recipes and `surgeon ls augmentations` name them.
public struct AugmentationKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// Makes one.
  let make: @Sendable (_ settings: MethodSettings) -> Augmentation

  /// All of them.
  public static let all: [AugmentationKind] = [
    AugmentationKind(
      name: "shift", summary: "moves a signal or the columns of an image, zeros behind",
      parameters: [MethodParameter("by", "at most ± so many places", .integer(1...1_000_000, standard: 1))],
      make: { .shift($0.integer("by") ?? 1) }),
    AugmentationKind(
      name: "noise", summary: "adds normal noise",
      parameters: [MethodParameter("deviation", "its deviation", .number(0...1e6, standard: 0.1))],
      make: { .noise($0.number("deviation") ?? 0.1) }),
    AugmentationKind(
      name: "flip", summary: "mirrors an image left to right in half of the cases", parameters: [],
      make: { _ in .flip }),
    AugmentationKind(
      name: "crop", summary: "pads an image with zeros and cuts a random part of its size out of that",
      parameters: [MethodParameter("padding", "zeros on every side", .integer(1...1024, standard: 4))],
      make: { .crop(padding: $0.integer("padding") ?? 4) }),
  ]

  /// Reads `{kind: shift, by: 1}`.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  static func augmentation(_ reader: KeyReader) throws -> Augmentation {
    var reader = reader
    let name = try reader.string("kind") ?? ""
    guard let kind = all.first(where: { $0.name == name }) else {
      throw TrainingError.unknownName(what: "augmentation", name: name, known: all.map(\.name))
    }
    let settings = try reader.settings(of: name, kind.parameters)
    try reader.done()
    return kind.make(settings)
  }
}

extension Augmentation {
  /// What a recipe says of it.
  public var json: JSONValue {
    switch self {
    case .shift(let most): ["kind": "shift", "by": .integer(most)]
    case .noise(let deviation): ["kind": "noise", "deviation": .number(deviation)]
    case .flip: ["kind": "flip"]
    case .crop(let padding): ["kind": "crop", "padding": .integer(padding)]
    }
  }
}

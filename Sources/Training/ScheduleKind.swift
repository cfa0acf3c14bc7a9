import JSON
import Recipes
import Runtime

/// The schedules of learning rates, as recipes and `surgeon ls schedules` name them.
public struct ScheduleKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// Makes one.
  let make: @Sendable (_ settings: MethodSettings) -> Schedule

  private static let floor = MethodParameter(
    "floor", "the last factor", .number(0...1, standard: 0))

  /// All of them.
  public static let all: [ScheduleKind] = [
    ScheduleKind(
      name: "constant", summary: "always the same rate", parameters: [], make: { _ in .constant }),
    ScheduleKind(
      name: "step", summary: "times a factor at some shares of the training",
      parameters: [
        MethodParameter("at", "shares of the training", .numbers(0...1, standard: [0.5, 0.75])),
        MethodParameter("factor", "what the rate is multiplied by", .number(0...1, standard: 0.1)),
      ],
      make: { .step(at: $0.numbers("at") ?? [], factor: $0.number("factor") ?? 0.1) }),
    ScheduleKind(
      name: "cosine", summary: "half a cosine down to a floor", parameters: [floor],
      make: { .cosine(floor: $0.number("floor") ?? 0) }),
    ScheduleKind(
      name: "linear", summary: "a line down to a floor", parameters: [floor],
      make: { .linear(floor: $0.number("floor") ?? 0) }),
  ]

  /// Reads `{kind: step, at: [0.5, 0.75], factor: 0.1}`.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  static func schedule(_ reader: KeyReader) throws -> Schedule {
    var reader = reader
    let name = try reader.string("kind") ?? "constant"
    guard let kind = all.first(where: { $0.name == name }) else {
      throw TrainingError.unknownName(what: "schedule", name: name, known: all.map(\.name))
    }
    let settings = try reader.settings(of: name, kind.parameters)
    try reader.done()
    return kind.make(settings)
  }
}

extension Schedule {
  /// What a recipe says of it.
  public var json: JSONValue {
    switch self {
    case .constant: ["kind": "constant"]
    case .step(let places, let factor):
      ["kind": "step", "at": .numbers(places), "factor": .number(factor)]
    case .cosine(let floor): ["kind": "cosine", "floor": .number(floor)]
    case .linear(let floor): ["kind": "linear", "floor": .number(floor)]
    }
  }
}

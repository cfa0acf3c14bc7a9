import Runtime

/// The networks, as recipes and `surgeon ls networks` name them. A kind stands in a file of its own, `NetworkKind+X`.
public struct NetworkKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// The paper.
  public let reference: String?
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// Makes one for items of a shape (`[40]`, or `[channels, height, width]`) and some classes.
  /// - Throws: ``TrainingError/badSetting(name:value:expected:)`` for items that it cannot read.
  let make:
    @Sendable (_ settings: MethodSettings, _ shape: [Int], _ classes: Int, _ seed: UInt64)
      throws(TrainingError)
      -> TrainableNetwork

  /// All of them.
  public static let all: [NetworkKind] = [.mlp, .resnet1d, .resnet2d]

  /// The kind of a name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(TrainingError) -> NetworkKind {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "network", name: name, known: all.map(\.name))
    }
    return kind
  }
}

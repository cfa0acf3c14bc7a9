import Recipes
import Runtime

/// The kinds of data, as recipes and `surgeon ls data` name them. A kind is an entry of this table: which files it is
/// made of, its settings, and how it is read.
public struct DataKind: Sendable {
  /// A file, or some, that a recipe names under a key.
  public struct Slot: Sendable {
    /// The key.
    public let name: String
    /// One line.
    public let summary: String
    /// Whether it must be given.
    public let isRequired: Bool
    /// Whether several files may be given, read after one another.
    public let isList: Bool

    /// A slot.
    init(_ name: String, _ summary: String, required: Bool = true, list: Bool = false) {
      (self.name, self.summary, isRequired, isList) = (name, summary, required, list)
    }
  }

  /// What a recipe says of data of this kind.
  struct Sources {
    /// Paths by slot.
    var files: [String: [String]]
    /// Settings.
    var settings: MethodSettings
    /// Classes, where the recipe says them.
    var classes: Int?

    /// The one file of a slot; slots that are required are there.
    func file(_ slot: String) -> String { files[slot]?.first ?? "" }
  }

  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// The paper, or where the format is from.
  public let reference: String?
  /// Files.
  public let slots: [Slot]
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// How items are split where the recipe does not say: how many test (unless a file holds them) and how many choose.
  let standard: (test: DataPart, validation: DataPart)
  /// Reads the items to learn from, and those to test on where files of their own hold them.
  let read: @Sendable (_ sources: Sources) throws -> (items: LabelledData, test: LabelledData?)

  /// All of them.
  public static let all: [DataKind] = [.mnist1d, .idx, .cifar10, .cifar100, .csv, .npy]

  /// The kind of a name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(TrainingError) -> DataKind {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "data", name: name, known: all.map(\.name))
    }
    return kind
  }
}

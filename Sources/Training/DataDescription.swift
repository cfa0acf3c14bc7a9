import JSON
import OrderedCollections
import Probing
import Recipes
import Runtime

/// Items of a part of the data: a number, or a share of what is split.
public enum DataPart: Sendable, Equatable {
  /// So many items.
  case count(Int)
  /// This share of the items, to the nearest one.
  case share(Double)

  /// Items of `all`.
  func items(of all: Int) -> Int {
    switch self {
    case .count(let count): count
    case .share(let share): Int((share * Double(all)).rounded())
    }
  }

  var json: JSONValue {
    switch self {
    case .count(let count): .integer(count)
    case .share(let share): .number(share)
    }
  }
}

/// Items that fit, choose and test.
public struct DataSplit: Sendable {
  /// What is learnt.
  public let train: LabelledData
  /// What chooses: epochs, temperatures, thresholds. Nil where the recipe takes none.
  public let validation: LabelledData?
  /// What is measured on once. Nil where the recipe takes none.
  public let test: LabelledData?
}

/// Which data, how they are split and standardised.
///
/// Test items are those of the test files, or the last of all; validation items are the last of the rest. With
/// `shuffle: N` the items are put in a random order of that seed first (those of test files stay apart).
public struct DataDescription: Sendable, Equatable {
  /// How numbers are standardised, by means and deviations of the training part.
  public enum Standardisation: String, Sendable, CaseIterable {
    /// As they are read.
    case none
    /// One mean and deviation for all numbers.
    case all
    /// A mean and deviation for each number of an item.
    case features
    /// A mean and deviation for each channel of images.
    case channels
  }

  /// Name of the kind.
  public let kind: String
  /// Paths by slot.
  public let files: OrderedDictionary<String, [String]>
  /// Settings, defaults included.
  public let settings: MethodSettings
  /// Classes, where the labels that are there might not show all.
  public let classes: Int?
  /// Items that test where no file holds them.
  public let test: DataPart
  /// Items that choose.
  public let validation: DataPart
  /// Seed of a random order before the split; nil leaves the order of the files.
  public let shuffle: UInt64?
  /// How numbers are standardised.
  public let standardisation: Standardisation

  /// MNIST-1D as published: 4,000 items to learn from, of which the last 500 choose, and 1,000 that test.
  public static let mnist1d = DataDescription(.mnist1d)

  private init(_ kind: DataKind) {
    self.kind = kind.name
    files = [:]
    // Standard values are in their own ranges.
    settings = (try? MethodSettings([:], for: kind.name, kind.parameters)) ?? MethodSettings.none
    (test, validation) = kind.standard
    (classes, shuffle, standardisation) = (nil, nil, .none)
  }

  /// Reads the mapping `{kind: idx, images: F, labels: F, test: 2000, …}` of a recipe; paths are as the recipe says
  /// them, relative to `folder` where they are relative.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  public init(_ reader: KeyReader, folder: String = "") throws {
    var reader = reader
    let kind = try DataKind.named(try reader.string("kind") ?? "mnist1d")
    self.kind = kind.name
    var files: OrderedDictionary<String, [String]> = [:]
    for slot in kind.slots {
      guard let paths = try reader.strings(slot.name) else {
        if slot.isRequired { throw reader.error(slot.name, "missing: \(slot.summary)") }
        continue
      }
      guard !paths.isEmpty, slot.isList || paths.count == 1 else {
        throw reader.error(slot.name, "\(paths.count) files; \(slot.isList ? "at least one" : "one") is read")
      }
      files[slot.name] = paths.map { $0.hasPrefix("/") || folder.isEmpty ? $0 : folder + "/" + $0 }
    }
    if (files["test_images"] ?? files["test_inputs"]) != nil, files["test_labels"] == nil {
      throw reader.error("test_labels", "missing: the labels of the items that test")
    }
    self.files = files
    settings = try reader.settings(of: kind.name, kind.parameters)
    classes = try reader.int("classes")
    test = try Self.part(&reader, "test_items") ?? kind.standard.test
    validation = try Self.part(&reader, "validation_items") ?? kind.standard.validation
    shuffle = try reader.int("shuffle").map(UInt64.init)
    let names = Standardisation.allCases.map(\.rawValue)
    standardisation =
      try reader.string("standardise").map { name in
        guard let value = Standardisation(rawValue: name) else {
          throw reader.error("standardise", "\"\(name)\" is none of \(names.joined(separator: ", "))")
        }
        return value
      } ?? .none
    try reader.done()
  }

  private static func part(_ reader: inout KeyReader, _ key: String) throws(RecipeError) -> DataPart? {
    guard let value = reader.value(key) else { return nil }
    if let count = value.int, count >= 0 { return .count(count) }
    if let share = value.double, (0..<1).contains(share) { return .share(share) }
    throw reader.error(key, "neither a number of items nor a share in 0 ..< 1")
  }

  /// What ``init(_:folder:)`` reads.
  public var json: JSONValue {
    var members = settings.json(kind: kind)
    for (slot, paths) in files {
      members[slot] = paths.count == 1 ? .string(paths[0]) : .strings(paths)
    }
    if let classes { members["classes"] = .integer(classes) }
    members["test_items"] = test.json
    members["validation_items"] = validation.json
    if let shuffle { members["shuffle"] = .integer(shuffle) }
    members["standardise"] = .string(standardisation.rawValue)
    return members
  }

  /// The files on disk, each once; the one of an array `FILE.npz:NAME` is its archive.
  public var storedFiles: [String] {
    var seen: Set<String> = []
    return files.values.joined().map(NPYFile.storedFile).filter { seen.insert($0).inserted }
  }

  /// SHA-256 of every file, by path.
  /// - Throws: ``FileError``.
  public func hashes() throws -> JSONValue {
    var hashes: OrderedDictionary<String, JSONValue> = [:]
    for path in storedFiles { hashes[path] = .string(try Files.sha256(path)) }
    return .object(hashes)
  }

  /// What decides the items, wherever the files lie: the description with sums in place of paths.
  /// - Parameter hashes: what ``hashes()`` gave.
  public func identity(_ hashes: JSONValue) -> JSONValue {
    var members = json
    for (slot, paths) in files {
      members[slot] = .strings(
        paths.map { path in
          let stored = NPYFile.storedFile(path)
          return (hashes[stored]?.string ?? "") + path.dropFirst(stored.count)
        })
    }
    return members
  }

  /// Reads, splits and standardises.
  /// - Throws: ``TrainingError``, ``ProbingError``, ``FileError``.
  public func read() throws -> DataSplit {
    let kind = try DataKind.named(kind)
    var (items, own) = try kind.read(
      .init(
        files: Dictionary(uniqueKeysWithValues: files.map { ($0, $1) }), settings: settings, classes: classes)
    )
    if let own, own.shape != items.shape {
      throw TrainingError.badData(
        file: own.source, problem: "items of shape \(own.shape)",
        expected: "\(items.shape) as in \(items.source)")
    }
    if let shuffle {
      var random = CounterRandom(seed: shuffle, stream: "split")
      items = items.items(random.shuffled(0..<items.count))
    }
    let tested = own == nil ? test.items(of: items.count) : 0
    let rest = items.count - tested
    let chosen = validation.items(of: max(0, rest))
    guard rest > 0, rest - chosen > 0 else {
      throw TrainingError.badSetting(
        name: "data.test_items, data.validation_items",
        value: "\(tested) and \(chosen) of \(items.count) items",
        expected: "at least one item to learn from")
    }
    let split = DataSplit(
      train: items.items(0..<rest - chosen),
      validation: chosen > 0 ? items.items(rest - chosen..<rest) : nil,
      test: own ?? (tested > 0 ? items.items(rest..<items.count) : nil))
    return standardisation == .none ? split : split.standardised(standardisation)
  }
}

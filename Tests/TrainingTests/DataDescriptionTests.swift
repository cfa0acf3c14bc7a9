import JSON
import Recipes
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite struct DataDescriptionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func description(_ json: JSONValue, folder: String = "") throws -> DataDescription {
    try DataDescription(KeyReader(json, path: "data"), folder: folder)
  }

  @Test func mnist1DIsSplitAsPublished() throws {
    let split = try DataDescription.mnist1d.read()
    let standard = try LabelledData.mnist1D()
    #expect(split.train.count == 3500 && split.validation?.count == 500 && split.test?.count == 1000)
    #expect(split.test?.labels == standard.test.labels)
    #expect(split.validation?.labels == standard.validation.labels)
    #expect(split.test?.inputs.f32[17] == standard.test.inputs.f32[17])
  }

  /// Ten items of two numbers: item i is (i, 10 i), its label i mod 2.
  private static let table =
    "label,a,b\n" + (0..<10).map { "\($0 % 2),\($0),\($0 * 10)\n" }.joined()

  @Test func tablesAreSplitShuffledAndStandardised() throws {
    try Files.write(Self.table, to: folder.file("items.csv"))
    let plain = try Self.description(
      ["kind": "csv", "file": "items.csv", "test_items": 2, "validation_items": 0.25], folder: folder.path)
    let split = try plain.read()
    #expect(split.train.count == 6 && split.validation?.count == 2 && split.test?.count == 2)
    #expect(split.test?.inputs.f32[0] == 8 && split.validation?.inputs.f32[1] == 60)
    #expect(try plain.hashes()[folder.file("items.csv")]?.string == Files.sha256(folder.file("items.csv")))

    let mixed = try Self.description(
      ["kind": "csv", "file": "items.csv", "test_items": 2, "validation_items": 0, "shuffle": 1],
      folder: folder.path
    ).read()
    #expect(mixed.validation == nil && mixed.train.count == 8)
    let first =
      (0..<8).map { mixed.train.inputs.f32[2 * $0] } + (0..<2).map { mixed.test?.inputs.f32[2 * $0] ?? -1 }
    #expect(first != (0..<10).map(Float.init) && first.sorted() == (0..<10).map(Float.init))
    // A label goes with its item.
    #expect((0..<8).allSatisfy { mixed.train.labels[$0] == Int(first[$0]) % 2 })

    for (name, width) in [("features", 1), ("all", 2)] {
      let scaled = try Self.description(
        [
          "kind": "csv", "file": "items.csv", "test_items": 2, "validation_items": 0,
          "standardise": .string(name),
        ],
        folder: folder.path
      ).read()
      let values = (0..<16).filter { $0 % 2 < width }.map { Double(scaled.train.inputs.f32[$0]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      #expect(abs(mean) < 1e-6 && abs(square - 1) < 1e-5, "\(name)")
      // Test items are scaled by what the training items say.
      #expect(Double(scaled.test?.inputs.f32[0] ?? 0) > values[14 / (3 - width)])
    }
  }

  @Test func aFileOfItsOwnTests() throws {
    try Files.write(Self.table, to: folder.file("items.csv"))
    try Files.write("label,a,b\n1,5,5\n", to: folder.file("test.csv"))
    let split = try Self.description(
      ["kind": "csv", "file": "items.csv", "test": "test.csv", "validation_items": 1], folder: folder.path
    ).read()
    #expect(split.train.count == 9 && split.test?.count == 1 && split.test?.classes == 2)
  }

  @Test func partsThatLeaveNothingAreRefused() throws {
    #expect(throws: TrainingError.self) {
      try Self.description(["kind": "mnist1d", "test_items": 4999, "validation_items": 1]).read()
    }
  }
}

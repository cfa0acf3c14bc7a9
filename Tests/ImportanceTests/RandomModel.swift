import Architectures
import Checkpoints
import Foundation
import Importance
import JSON
import Runtime
import TestSupport
import Testing
import Transformers

/// A random checkpoint of the parity fixtures with its texts.
struct RandomModel {
  let model: Model
  let texts: [[Int32]]
  /// Holds the files.
  let folder: TemporaryFolder
  var path: String { folder.file("model") }

  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("TransformersTests/Fixtures/parity").path

  init(_ name: String) throws {
    let json = try JSONValue(file: "\(Self.fixtures)/\(name).json")
    folder = try TemporaryFolder()
    let tensors = try #require(json["tensors"]?.array).map { try #require(RandomTensor(json: $0)) }
    try RandomCheckpoint.write(
      tensors, seed: UInt64(try #require(json["seed"]?.int)),
      config: try #require(json["configs"]?["rope_theta"]), to: folder.file("model"))
    model = try Model(folder: folder.file("model"))
    texts = try #require(json["texts"]?.array).map {
      try #require($0.array).map { Int32(try #require($0.int)) }
    }
  }

  /// Equal stretches of random tokens.
  func calibration(count: Int = 6, length: Int = 12, seed: UInt64 = 0) throws -> CalibrationTexts {
    var random = CounterRandom(seed: 77, stream: "calibration texts")
    let documents = (0..<count).map { _ in
      (0..<(length + 3)).map { _ in Int32(random.below(model.network.vocabulary)) }
    }
    var options = CalibrationTexts.Options()
    (options.count, options.length, options.seed) = (count, length, seed)
    return try CalibrationTexts(documents, options: options, context: model.network.contextLength)
  }
}

import Architectures
import Checkpoints
import Foundation
import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

/// One recorded case: a seed, tensors and configs to make a checkpoint of, and what Hugging Face computes with it.
struct ParityFixture: Sendable, CustomTestStringConvertible {
  /// The configs of a case: transformers 5, transformers 4, and the latter without the family's defaults.
  static let generations = ["rope_parameters", "rope_theta", "sparse"]
  /// Per site max |Δ| ≤ bound · max(1, max |reference|).
  static let bound: Float = 5e-5

  let name: String
  let seed: UInt64
  let sha256: String
  let configs: JSONValue
  let tensors: [RandomTensor]
  let texts: [[Int32]]
  /// Mean nats of each text's next tokens; nil for a single token.
  let losses: [Double?]
  let greedy: [[Int32]]
  /// A type a token, nil where the text has none; nil for families without types.
  let tokenTypes: [[Int32]?]?
  /// Versions of what recorded the case.
  let recordedWith: String

  var testDescription: String { name }

  static let folder = Files.folder(of: #filePath) + "/Fixtures/parity"

  /// The names of the cases that make logits.
  static let decoders = names.filter { (try? ParityFixture($0))?.greedy.isEmpty == false }

  /// The names of all cases.
  static let names: [String] =
    ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()

  init(_ name: String) throws {
    let json = try JSONValue(file: "\(Self.folder)/\(name).json")
    self.name = name
    seed = UInt64(try #require(json["seed"]?.int))
    sha256 = try #require(json["data_sha256"]?.string)
    configs = try #require(json["configs"])
    tensors = try #require(json["tensors"]?.array).map { try #require(RandomTensor(json: $0)) }
    texts = try Self.ids(json["texts"])
    greedy = try Self.ids(json["greedy"])
    tokenTypes = try json["token_types"]?.array?.map {
      try $0.array.map { try $0.map { Int32(try #require($0.int)) } }
    }
    recordedWith = try #require(json["recorded_with"]?.string)
    losses = try #require(json["losses"]?.array).map(\.double)
  }

  private static func ids(_ json: JSONValue?) throws -> [[Int32]] {
    try #require(json?.array).map { try #require($0.array).map { Int32(try #require($0.int)) } }
  }

  /// Writes the checkpoint and opens it.
  func model(_ generation: String, in folder: TemporaryFolder, rename: (String) -> String = { $0 }) throws
    -> Model
  {
    let config = try #require(configs[generation])
    let digest = try RandomCheckpoint.write(
      tensors, seed: seed, config: config, to: folder.file(name), rename: rename)
    try #require(digest == sha256, "the weights of \(name) are not those that were recorded")
    return try Model(folder: folder.file(name))
  }

  /// What was recorded: for each site (and `logits`) one tensor a text.
  func expected() throws -> [String: [Tensor]] {
    let file = try SafetensorsFile(path: "\(Self.folder)/\(name).safetensors")
    var found: [String: [Int: Tensor]] = [:]
    for entry in file.entries {
      let parts = entry.name.split(separator: "/", maxSplits: 1).map(String.init)
      try #require(parts.count == 2)
      let text = try #require(Int(parts[0]))
      found[parts[1], default: [:]][text] = try file.tensor(entry.name)
    }
    return try found.mapValues { byText in
      try texts.indices.map { try #require(byText[$0]) }
    }
  }
}

/// How far one site of one text is from its reference.
struct SiteError {
  let site: String
  let text: Int
  /// max |Δ|; infinite where a number is NaN or the shapes differ.
  let delta: Float
  /// max |reference|.
  let magnitude: Float
  /// What the bound is on.
  var relative: Float { delta / max(1, magnitude) }

  init(site: String, text: Int, _ found: Tensor, _ reference: Tensor) {
    self.site = site
    self.text = text
    let (a, b) = (found.toFloats(), reference.toFloats())
    magnitude = b.reduce(0) { max($0, abs($1)) }
    if found.shape == reference.shape {
      delta = zip(a, b).reduce(Float(0)) { worst, pair in
        let distance = abs(pair.0 - pair.1)
        return distance.isNaN ? .infinity : max(worst, distance)
      }
    } else {
      delta = .infinity
    }
  }
}

extension ParityFixture {
  /// Runs all texts in one pass and compares every recorded site and the logits.
  func errors(_ model: Model) throws -> [SiteError] {
    let expected = try self.expected()
    let sites = try expected.keys.filter { $0 != "logits" }.map { try Site(parsing: $0) }
    let hasHead = expected["logits"] != nil
    try #require(hasHead == model.network.hasHead)
    let types = tokenTypes.flatMap { types in
      types.contains { $0 != nil }
        ? zip(types, texts).map { $0 ?? Array(repeating: 0, count: $1.count) } : nil
    }
    let pass = try model.forward(
      texts, capture: sites, logits: hasHead ? .all : .none, tokenTypes: types)
    var result: [SiteError] = []
    for text in texts.indices {
      for site in sites {
        let found = try #require(pass.states[site]?[text], "no state at \(site)")
        let reference = try #require(expected[site.description]?[text])
        result.append(SiteError(site: site.description, text: text, found, reference))
      }
      guard hasHead else { continue }
      let reference = try #require(expected["logits"]?[text])
      result.append(SiteError(site: "logits", text: text, pass.logits[text], reference))
    }
    return result
  }
}

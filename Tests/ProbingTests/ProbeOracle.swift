import JSON
import Probing
import Testing

/// A recorded data set with the fits of scikit-learn and PyTorch (record_probes.py).
struct ProbeOracle {
  let json: JSONValue
  let features: Features
  let labels: [Bool]
  let split: Split

  static func fixture(_ name: String) -> String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      + "/Fixtures/\(name)"
  }

  init(_ name: String) throws {
    let all = try JSONValue(file: Self.fixture("probes.json"))
    json = try #require(all[name])
    let rows = try #require(json["x"]?.array).map { row in
      (row.array ?? []).compactMap { $0.double.map(Float.init) }
    }
    features = try Features(site: name, rows: rows)
    labels = try #require(json["y"]?.array).map { $0.int == 1 }
    let train = try #require(json["train"]?.int)
    split = try Self.split(labels, train: train)
  }

  /// The first `train` examples train, the others take turns.
  static func split(_ labels: [Bool], train: Int) throws -> Split {
    try Split(
      LabelledTexts(
        labels.indices.map { index in
          LabelledText(
            id: "\(index)", text: "text \(index)", label: labels[index] ? 1 : 0,
            split: index < train ? .train : index % 2 == 0 ? .validation : .test)
        }))
  }

  func problem() throws -> SiteProblem { try SiteProblem(features, labels: labels, split: split) }

  /// The largest difference of logits over all texts: a difference in coordinates means little where features go together.
  func difference(_ fit: LinearFit, _ recorded: JSONValue) throws -> Double {
    let direction = try #require(recorded["direction"]?.array).compactMap(\.double)
    let bias = try #require(recorded["bias"]?.double)
    let expected = features.project(direction).map { (recorded["scale"]?.double ?? 1) * $0 + bias }
    let largest = expected.reduce(1) { max($0, abs($1)) }
    return zip(fit.logits(features), expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }
}

import JSON

/// One cell's measurements for one dense network: its retrained siblings and their pairs. It is the unit of work that a run resumes by.
public struct SiblingSet: Sendable, Equatable {
  /// Place of the temperature, 0 the hottest.
  public let temperature: Int
  /// Place of the density, 0 the lowest.
  public let density: Int
  /// Number of the dense network.
  public let dense: Int
  /// Share kept of the pruned matrices.
  public let keptShare: Double
  /// Share kept of everything that is trained.
  public let keptOverall: Double
  /// SHA-256 of the places that are kept.
  public let maskSHA256: String
  /// The retrained networks, in order of their seeds.
  public let siblings: [MeasuredNetwork]
  /// Every pair of them.
  public let pairs: [SiblingPair]

  /// As its file holds it; the same measurements give the same bytes.
  var json: JSONValue {
    [
      "temperature": .integer(temperature), "density": .integer(density), "dense": .integer(dense),
      "kept_share": .number(keptShare), "kept_overall": .number(keptOverall),
      "mask_sha256": .string(maskSHA256), "siblings": .array(siblings.map(\.json)),
      "pairs": .array(pairs.map(\.json)),
    ]
  }

  init(
    temperature: Int, density: Int, dense: Int, outcome: NetworkPruning.Outcome, maskSHA256: String,
    siblings: [MeasuredNetwork], pairs: [SiblingPair]
  ) {
    (self.temperature, self.density, self.dense) = (temperature, density, dense)
    (keptShare, keptOverall) = (outcome.density, outcome.overallDensity)
    (self.maskSHA256, self.siblings, self.pairs) = (maskSHA256, siblings, pairs)
  }

  /// - Throws: ``RegimesError/damaged(file:problem:)``.
  init(json: JSONValue, file: String) throws(RegimesError) {
    let siblings = (json["siblings"]?.array ?? []).map { MeasuredNetwork(json: $0) }
    let pairs = (json["pairs"]?.array ?? []).map { SiblingPair(json: $0) }
    guard let temperature = json["temperature"]?.int, let density = json["density"]?.int,
      let dense = json["dense"]?.int, let share = json["kept_share"]?.double,
      let overall = json["kept_overall"]?.double, let mask = json["mask_sha256"]?.string,
      !siblings.contains(nil), !pairs.contains(nil), !pairs.isEmpty
    else { throw .damaged(file: file, problem: "no measurements of a cell") }
    (self.temperature, self.density, self.dense) = (temperature, density, dense)
    (keptShare, keptOverall, maskSHA256) = (share, overall, mask)
    self.siblings = siblings.compactMap { $0 }
    self.pairs = pairs.compactMap { $0 }
  }
}

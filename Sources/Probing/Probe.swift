import JSON
import OrderedCollections
import Runtime
import Statistics

/// A trained probe with all that is needed to use it, judge it and make it again.
public struct Probe: Sendable, Equatable {
  /// The version of the file format that this program writes.
  public static let formatVersion = 1

  /// What the behaviour is called.
  public var name: String
  /// The kind's name, such as `logistic`.
  public var kind: String
  /// The site it reads, such as `blocks.3.output`.
  public var site: String
  /// How a text's hidden states become one vector: `mean`, `mean+bos`, `last`, `reply`, `prompt-end`.
  public var pooling: String
  /// What the classes 0 and 1 are called.
  public var classNames: [String]
  /// Direction, scale, bias and how they were found. The direction has been rounded to f32, as it is stored.
  public let fit: LinearFit
  /// Metrics by part: `validation`, `test`, `controls.bag_of_words`, …
  public var metrics: OrderedDictionary<String, [Metric]>
  /// Where it comes from: hashes of model, tokenizer and texts, split seed and counts, settings.
  public var provenance: OrderedDictionary<String, JSONValue>

  /// A probe of a fit.
  public init(
    name: String, kind: String, site: String, pooling: String, classNames: [String] = ["0", "1"],
    fit: LinearFit,
    metrics: OrderedDictionary<String, [Metric]> = [:],
    provenance: OrderedDictionary<String, JSONValue> = [:]
  ) {
    self.name = name
    self.kind = kind
    self.site = site
    self.pooling = pooling
    self.classNames = classNames
    var fit = fit
    let rounded: ([Double]) -> [Double] = { $0.map { Double(Float($0)) } }
    fit.direction = rounded(fit.direction)
    fit.mean = fit.mean.map(rounded)
    fit.deviation = fit.deviation.map(rounded)
    fit.rows = fit.rows.map(rounded)
    self.fit = fit
    self.metrics = metrics
    self.provenance = provenance
  }

  /// Width of the site, `D`.
  public var width: Int { fit.direction.count }

  /// The direction as f32, `[D]`.
  public var direction: [Float] { fit.direction.map(Float.init) }

  /// The logits of features, `[n]`.
  /// - Throws: ``ProbingError/sizes(what:found:expected:)``.
  public func logits(_ features: Features) throws(ProbingError) -> [Double] {
    guard features.width == width else {
      throw .sizes(what: "width of the features at \(features.site)", found: features.width, expected: width)
    }
    return fit.logits(features)
  }

  /// The probability of the behaviour for each text, `[n]`.
  /// - Throws: ``ProbingError/sizes(what:found:expected:)``.
  public func probabilities(_ features: Features) throws(ProbingError) -> [Double] {
    try logits(features).map(ProperScores.sigmoid)
  }

  /// What is known about texts and split, for ``provenance``.
  public static func provenance(
    texts: LabelledTexts, split: Split
  ) -> OrderedDictionary<String, JSONValue> {
    [
      "texts": [
        "sha256": .string(texts.sha256),
        "files": .array(
          texts.sources.map {
            [
              "name": .string(Files.name(of: $0.path)), "sha256": .string($0.sha256),
              "count": .integer($0.count),
            ]
          }),
        "count": .integer(texts.texts.count), "positive": .integer(texts.labels.count { $0 }),
        "groups": .integer(texts.groupCount), "copies": .integer(texts.copies),
        "conflicting_copies": .integer(texts.conflicts),
      ],
      "split": [
        "seed": .integer(split.seed), "method": .string(split.method), "train": .integer(split.train.count),
        "validation": .integer(split.validation.count), "test": .integer(split.test.count),
      ],
    ]
  }
}

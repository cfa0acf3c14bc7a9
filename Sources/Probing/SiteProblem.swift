import LinearAlgebra
import Runtime
import Tensors

/// One site's training problem: what several kinds of probe, regularisations and label permutations share.
///
/// Standardised rows and their Gram (or kernel) matrix are made once, when first asked for.
public final class SiteProblem {
  /// The features of all texts.
  public let features: Features
  /// Whether each text shows the behaviour, `[n]` over all texts.
  public let labels: [Bool]
  /// The parts.
  public let split: Split
  /// The seed of whatever is random in a fit.
  public let seed: UInt64

  /// A problem over the features of all texts and their labels.
  /// - Throws: ``ProbingError/sizes(what:found:expected:)``.
  public init(_ features: Features, labels: [Bool], split: Split, seed: UInt64 = 0) throws(ProbingError) {
    guard labels.count == features.rows else {
      throw .sizes(what: "rows of features at \(features.site)", found: features.rows, expected: labels.count)
    }
    self.features = features
    self.labels = labels
    self.split = split
    self.seed = seed
  }

  /// Labels of the training texts, `[train]`.
  var trainLabels: [Bool] { split.train.map { labels[$0] } }
  /// Labels of the validation texts, `[validation]`.
  var validationLabels: [Bool] { split.validation.map { labels[$0] } }

  /// The training texts, standardised.
  private(set) lazy var standardised = Standardisation(features, rows: split.train)

  /// The training texts' rows.
  var rows: DenseRows { DenseRows(tensor: standardised.values) }

  private var madeSolver: RidgeSolver<Float>?

  /// Gram or kernel matrix of the standardised training texts.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  func solver() throws -> RidgeSolver<Float> {
    if let madeSolver { return madeSolver }
    let made = try RidgeSolver(rows.pointer, rows: rows.count, columns: rows.width)
    madeSolver = made
    return made
  }

  /// The same texts and matrices with other labels (a control).
  func relabelled(_ labels: [Bool]) throws -> SiteProblem {
    let copy = try SiteProblem(features, labels: labels, split: split, seed: seed)
    copy.standardised = standardised
    copy.madeSolver = madeSolver
    return copy
  }
}

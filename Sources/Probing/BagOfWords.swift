import Glibc
import JSON
import OrderedCollections
import Runtime
import Statistics

/// The control that any probe must be read beside: logistic regression on the words alone.
///
/// Words are runs of letters, digits and marks in lower case; a text's vector is (1 + log count) · idf, of length 1. The vocabulary
/// and the document frequencies come from the training texts. `V` words.
public struct BagOfWords: Sendable {
  /// The words, most frequent first, `[V]`.
  public let words: [String]
  /// Weight of each word: log((1 + n)/(1 + documents)) + 1, `[V]`.
  public let rarity: [Double]
  /// Learned weights, `[V]`.
  public let weights: [Double]
  /// Learned bias.
  public let bias: Double
  /// C as chosen on validation.
  public let c: Double
  private let places: [String: Int]

  /// The values of C that are tried.
  static let grid: [Double] = [0.01, 0.1, 1, 10, 100, 1000]

  /// Learns from training texts and chooses C by log-loss on the validation texts.
  ///
  /// Texts and labels are `[n]`, over all parts of the split. Words of one training text only are left out where there are
  /// enough texts (200), and at most 50,000 words are kept.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  public init(texts: [String], labels: [Bool], split: Split) throws {
    let split = split
    let counts = texts.map(Self.count)
    var documents: [String: Int] = [:]
    for index in split.train { for word in counts[index].keys { documents[word, default: 0] += 1 } }
    let least = split.train.count >= 200 ? 2 : 1
    let kept = documents.filter { $0.value >= least }
      .sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.prefix(50_000)
    let n = Double(split.train.count)
    let words = kept.map(\.key)
    let rarity = kept.map { log((1 + n) / (1 + Double($0.value))) + 1 }
    var places: [String: Int] = [:]
    for (place, word) in words.enumerated() { places[word] = place }
    func rows(_ items: [Int]) -> SparseRows {
      var starts = [0]
      var columns: [Int32] = []
      var values: [Float] = []
      for item in items {
        let vector = Self.vector(counts[item], places, rarity)
        columns += vector.map { Int32($0.0) }
        values += vector.map { Float($0.1) }
        starts.append(columns.count)
      }
      return SparseRows(width: words.count, starts: starts, columns: columns, values: values)
    }
    let train = rows(split.train), validation = rows(split.validation)
    let trainLabels = split.train.map { labels[$0] }, validationLabels = split.validation.map { labels[$0] }
    var best: (c: Double, weights: [Double], bias: Double, loss: Double)?
    var start: (weights: [Double], bias: Double)?
    var solver = LogisticSolver()
    solver.tolerance = 1e-5
    solver.maxIterations = 500
    for c in Self.grid {
      let problem = LogisticProblem(rows: train, labels: trainLabels, textWeights: nil, penalty: 1 / (c * n))
      let outcome = try solver.minimise(
        problem, from: start ?? (Array(repeating: 0, count: words.count), problem.priorLogit),
        preconditioner: nil)
      let point = outcome.point
      start = (point.weights, point.bias)
      let logits = (0..<validation.count).map { validation.logit($0, point.weights, point.bias) }
      let loss = ProperScores.logLoss(logits: logits, labels: validationLabels) ?? .infinity
      if best.map({ loss < $0.loss }) ?? true { best = (c, point.weights, point.bias, loss) }
    }
    self.words = words
    self.rarity = rarity
    self.places = places
    weights = best?.weights ?? []
    bias = best?.bias ?? 0
    c = best?.c ?? 1
  }

  /// The logit of the behaviour for a text.
  public func logit(_ text: String) -> Double {
    Self.vector(Self.count(text), places, rarity).reduce(bias) { $0 + weights[$1.0] * $1.1 }
  }

  /// Known words of a text with their weights, by place, of length 1.
  private static func vector(
    _ counts: OrderedDictionary<String, Int>, _ places: [String: Int], _ rarity: [Double]
  ) -> [(Int, Double)] {
    let known = counts.compactMap { word, count in
      places[word].map { ($0, (1 + log(Double(count))) * rarity[$0]) }
    }.sorted { $0.0 < $1.0 }
    let norm = known.reduce(0) { $0 + $1.1 * $1.1 }.squareRoot()
    return norm > 0 ? known.map { ($0.0, $0.1 / norm) } : []
  }

  /// The words of a text with their counts.
  static func count(_ text: String) -> OrderedDictionary<String, Int> {
    var counts: OrderedDictionary<String, Int> = [:]
    for word in words(of: text) { counts[word, default: 0] += 1 }
    return counts
  }

  /// Runs of letters, digits and marks, in lower case.
  static func words(of text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func finish() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in text.lowercased().unicodeScalars {
      let belongs: Bool
      if scalar.isASCII {
        belongs = (97...122).contains(scalar.value) || (48...57).contains(scalar.value)
      } else {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
          .decimalNumber,
          .nonspacingMark, .spacingMark:
          belongs = true
        default: belongs = false
        }
      }
      if belongs { word.append(scalar) } else { finish() }
    }
    finish()
    return words
  }
}

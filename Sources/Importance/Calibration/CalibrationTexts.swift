import Runtime
import Tensors

/// Calibration texts: stretches of equal length, drawn from documents by a seed alone.
///
/// A document of n tokens holds ⌊n / length⌋ stretches that do not overlap, from a random start on; those of all
/// documents are shuffled and the first `count` taken. Documents shorter than the length hold none. A stretch begins
/// in the middle of a document as a rule, so that most have no BOS (as in the papers' protocol).
public struct CalibrationTexts: Sendable {
  /// How many stretches, how long, and what draws them.
  public struct Options: Sendable, Equatable {
    /// Stretches.
    public var count = 32
    /// Tokens of each; nil is the model's context, at most 256.
    public var length: Int?
    /// Seed of the draw.
    public var seed: UInt64 = 0

    /// 32 stretches of at most 256 tokens.
    public init() {}

    /// The length with nothing left open, in tokens.
    public func length(context: Int) -> Int { length ?? min(context, 256) }
  }

  /// Where a stretch lies.
  public struct Place: Sendable, Equatable {
    /// The document's number.
    public let document: Int
    /// Its first token.
    public let start: Int
  }

  /// The stretches' tokens, `[count][length]`.
  public let texts: [[Int32]]
  /// Where each lies.
  public let places: [Place]
  /// Tokens of a stretch.
  public let length: Int
  /// The seed.
  public let seed: UInt64
  /// Documents given, and those long enough.
  public let documents, usable: Int
  /// SHA-256 of the token ids as little-endian 32-bit numbers, stretch after stretch.
  public let sha256: String

  /// Tokens in all.
  public var tokens: Int { texts.count * length }

  /// Draws the stretches.
  /// - Parameters:
  ///   - documents: their tokens.
  ///   - options: how many and how long.
  ///   - context: what the model can run, in tokens.
  /// - Throws: ``CalibrationError/size(count:length:context:)``,
  ///   ``CalibrationError/tooShort(stretches:documents:longest:count:length:)``.
  public init(_ documents: [[Int32]], options: Options, context: Int) throws(CalibrationError) {
    let length = options.length(context: context)
    guard options.count >= 1, (1...max(1, context)).contains(length) else {
      throw .size(count: options.count, length: length, context: context)
    }
    var random = CounterRandom(seed: options.seed, stream: "calibration")
    var places: [Place] = []
    var usable = 0
    for (index, document) in documents.enumerated() {
      let (number, rest) = document.count.quotientAndRemainder(dividingBy: length)
      guard number > 0 else { continue }
      usable += 1
      var own = random.stream(UInt64(index))
      let first = own.below(rest + 1)
      places += (0..<number).map { Place(document: index, start: first + $0 * length) }
    }
    guard places.count >= options.count else {
      throw .tooShort(
        stretches: places.count, documents: documents.count, longest: documents.map(\.count).max() ?? 0,
        count: options.count, length: length)
    }
    let chosen = random.shuffled(places).prefix(options.count)
      .sorted { ($0.document, $0.start) < ($1.document, $1.start) }
    let texts = chosen.map { Array(documents[$0.document][$0.start..<($0.start + length)]) }
    var hash = SHA256()
    for text in texts {
      text.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
    }
    self.texts = texts
    self.places = chosen
    self.length = length
    self.seed = options.seed
    self.documents = documents.count
    self.usable = usable
    sha256 = hash.hex()
  }
}

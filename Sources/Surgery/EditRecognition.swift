import Architectures
import Checkpoints
import Glibc
import Runtime
import Transformers

/// What kind of change a tensor's movement is, read off its values alone.
public enum MovementForm: Sendable, Equatable {
  /// One vector added to some outputs' weights: ΔW = m vᵀ with m the same number in those rows. Model Surgery's form.
  /// `direction` has length 1 and `length` says how long the added vector is; `outputs` are the rows (columns where
  /// the matrix is stored `[K, N]`).
  case addition(direction: [Double], length: Double, outputs: [Int], transposed: Bool)
  /// A direction projected out: ΔW = −s d dᵀW (of the outputs) or −s (W d) dᵀ (of the inputs, as in embeddings).
  /// A strength `s` of 1 removes it whole.
  case ablation(direction: [Double], strength: Double, ofOutputs: Bool)
  /// A change of few dimensions that is neither.
  case lowRank
  /// A change of many dimensions, or of a vector.
  case other

  /// Its name in reports.
  public var name: String {
    switch self {
    case .addition: "row addition"
    case .ablation: "directional ablation"
    case .lowRank: "low rank"
    case .other: "other"
    }
  }

  /// The direction of length 1 that it speaks of.
  public var direction: [Double]? {
    switch self {
    case .addition(let direction, _, _, _), .ablation(let direction, _, _): direction
    case .lowRank, .other: nil
    }
  }
}

/// Recognises the edits this program knows in the change of one tensor.
struct MovementReading {
  let form: MovementForm
  /// Lengths of the edited outputs' weights before the change; empty for other forms than row addition.
  let lengths: [Double]

  /// Cosines below this are no match. Rounding to bf16 leaves those of real edits above .97.
  static let match = 0.9

  init(
    _ difference: TensorDifference, _ spectrum: DeltaSpectrum?, base: Checkpoint, edited: Checkpoint
  ) throws {
    guard let spectrum, let sigma = spectrum.values.first, sigma > 0, spectrum.rank <= 8 else {
      (form, lengths) = (.other, [])
      return
    }
    guard spectrum.rank == 1 else {
      (form, lengths) = (spectrum.rank == 0 ? .other : .lowRank, [])
      return
    }
    let unit = spectrum.left.map { $0 / sigma }
    let against = try Products(difference, base: base, edited: edited, left: unit, right: spectrum.right)
    if let mean = Self.constant(spectrum.left, of: spectrum.left.count, noise: against.noise) {
      lengths = against.rowLengths
      form = .addition(
        direction: spectrum.right.map { mean < 0 ? -$0 : $0 }, length: abs(mean), outputs: difference.rows,
        transposed: false)
      return
    }
    // Stored [K, N]: the outputs are columns.
    let largest = spectrum.right.reduce(0) { max($0, abs($1)) }
    let columns = spectrum.right.indices.filter { abs(spectrum.right[$0]) > largest / 2 }
    let factors = columns.map { spectrum.right[$0] * sigma }
    if columns.count == difference.columnsChanged,
      let mean = Self.constant(factors, of: columns.count, noise: against.noise)
    {
      var direction = [Double](
        repeating: 0, count: difference.shape.count >= 2 ? difference.shape[difference.shape.count - 2] : 0)
      if difference.shape.count == 2 {
        for (slot, row) in difference.rows.enumerated() {
          direction[row] = mean < 0 ? -unit[slot] : unit[slot]
        }
        lengths = columns.map { against.columnLengths[$0] }
        form = .addition(direction: direction, length: abs(mean), outputs: columns, transposed: true)
        return
      }
    }
    lengths = []
    form = Self.ablation(difference, spectrum, unit, against) ?? .lowRank
  }

  /// The number that all factors are, give or take rounding; nil where they are not one number.
  private static func constant(_ factors: [Double], of count: Int, noise: Double) -> Double? {
    guard count > 0 else { return nil }
    let mean = factors.reduce(0, +) / Double(count)
    let spread = (factors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
    return mean != 0 && spread <= max(0.02 * abs(mean), 3 * noise) && spread < 0.3 * abs(mean) ? mean : nil
  }

  private static func ablation(
    _ difference: TensorDifference, _ spectrum: DeltaSpectrum, _ unit: [Double], _ against: Products
  ) -> MovementForm? {
    guard difference.shape.count == 2, let sigma = spectrum.values.first else { return nil }
    // Of the outputs: σ v = −s Wᵀu. Of the inputs: σ u = −s W v.
    let outputs = Self.fit(spectrum.right.map { $0 * sigma }, against.rightProduct)
    let inputs = Self.fit(spectrum.left, against.leftProduct)
    guard max(-outputs.cosine, -inputs.cosine) >= match else { return nil }
    if outputs.cosine <= inputs.cosine {
      var direction = [Double](repeating: 0, count: difference.rowCount)
      for (slot, row) in difference.rows.enumerated() { direction[row] = unit[slot] }
      return .ablation(direction: direction, strength: -outputs.factor, ofOutputs: true)
    }
    return .ablation(direction: spectrum.right, strength: -inputs.factor, ofOutputs: false)
  }

  /// The cosine between two vectors, and the factor of the second that is nearest to the first.
  private static func fit(_ a: [Double], _ b: [Double]) -> (cosine: Double, factor: Double) {
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      ab += x * y
      aa += x * x
      bb += y * y
    }
    return aa > 0 && bb > 0 ? (ab / (aa * bb).squareRoot(), ab / bb) : (0, 0)
  }

  /// Products of the base's moved rows with the singular vectors, and lengths.
  private struct Products {
    /// Wᵀu, `[K]`, and W v, `[R]`.
    var rightProduct: [Double]
    var leftProduct: [Double] = []
    var rowLengths: [Double] = []
    var columnLengths: [Double]
    /// Root mean square of one rounding error.
    var noise: Double

    init(
      _ difference: TensorDifference, base: Checkpoint, edited: Checkpoint, left: [Double], right: [Double]
    ) throws {
      let columns = right.count
      var (product, squares) = (
        [Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns)
      )
      var (seen, lengths): ([Double], [Double]) = ([], [])
      try DeltaReader(difference, base: base, edited: edited).forEachBlock(1 << 20) { slots, base, _, _ in
        for (place, slot) in slots.enumerated() {
          let row = base + place * columns
          var (dot, square) = (0.0, 0.0)
          for column in 0..<columns {
            let value = row[column]
            dot += value * right[column]
            square += value * value
            product[column] += left[slot] * value
            squares[column] += value * value
          }
          seen.append(dot)
          lengths.append(square.squareRoot())
        }
      }
      rightProduct = product
      leftProduct = seen
      rowLengths = lengths
      columnLengths = squares.map { $0.squareRoot() }
      let count = Double(max(1, difference.rows.count * columns))
      noise = (difference.roundingNorm ?? 0) / count.squareRoot()
    }
  }
}

/// An edit that several tensors share, put together from their forms.
public struct RecognisedEdit: Sendable, Equatable {
  /// Which edit it is.
  public enum Kind: String, Sendable {
    /// A direction added to rows (arXiv 2407.08770).
    case modelSurgery = "model surgery"
    /// A direction projected out (arXiv 2406.11717).
    case directionalAblation = "directional ablation"
  }

  /// Which edit it is.
  public let kind: Kind
  /// The coordinates in which all tensors share the direction; nil for an ablation.
  public let space: EditSpace?
  /// The shared direction, of length 1; it is added (Model Surgery) or removed (ablation, its sign is arbitrary). In the
  /// raw residual stream where ``space`` is gain-corrected; empty where every block has its own.
  public let direction: [Double]
  /// The tensors, each with its cosine to ``direction``.
  public let tensors: [(name: String, cosine: Double)]
  /// Model Surgery: length of the added vector over the edited rows' median length, the median over tensors. Ablation:
  /// the median share that was removed.
  public let strength: Double
  /// Smallest and largest strength of a single tensor.
  public let strengthRange: ClosedRange<Double>
  /// Length of the added vector, the median over tensors; nil for an ablation.
  public let addedLength: Double?
  /// Outputs edited, over all tensors.
  public let rows: Int

  public static func == (a: RecognisedEdit, b: RecognisedEdit) -> Bool {
    a.kind == b.kind && a.space == b.space && a.direction == b.direction && a.strength == b.strength
      && a.rows == b.rows && a.tensors.elementsEqual(b.tensors, by: ==)
  }

  /// Puts tensors of one form together; nil where there is none, or where they share nothing.
  init?(_ readings: [(tensor: String, reading: MovementReading)], kind: Kind, model: Model?) {
    let members = readings.filter { member in
      switch (kind, member.reading.form) {
      case (.modelSurgery, .addition), (.directionalAblation, .ablation): true
      default: false
      }
    }
    guard let first = members.first?.reading.form.direction else { return nil }
    let names = members.map(\.tensor)
    let directions = members.compactMap(\.reading.form.direction)
    guard directions.allSatisfy({ $0.count == first.count }) else { return nil }
    let anySign = kind == .directionalAblation
    var best = SharedDirection(directions, anySign: anySign)
    var space = EditSpace.faithful
    if kind == .modelSurgery, let model, directions.count > 1,
      let gains = Self.gains(names, model), gains.allSatisfy({ $0.count == first.count })
    {
      let raw = zip(directions, gains).map { direction, gain in
        SharedDirection.unit(zip(direction, gain).map { $0 * Double($1) })
      }
      let corrected = SharedDirection(raw, anySign: false)
      if corrected.worst > best.worst + 1e-4 { (best, space) = (corrected, .gainCorrected) }
    }
    if best.worst < MovementReading.match {
      guard kind == .modelSurgery, model != nil else { return nil }
      space = .perLayer
    }
    self.kind = kind
    self.space = anySign ? nil : space
    direction = space == .perLayer ? [] : best.direction
    tensors = zip(names, best.cosines).map { ($0, space == .perLayer ? 1 : $1) }
    var (strengths, added, lengths, rows): ([Double], [Double], [Double], Int) = ([], [], [], 0)
    for member in members {
      switch member.reading.form {
      case .addition(_, let length, let outputs, _):
        added.append(length)
        lengths += member.reading.lengths
        rows += outputs.count
      case .ablation(let direction, let strength, let ofOutputs):
        strengths.append(strength)
        rows += ofOutputs ? direction.count : 0
      case .lowRank, .other: break
      }
    }
    let typical = lengths.sorted().dropFirst(lengths.count / 2).first ?? 0
    if kind == .modelSurgery { strengths = added.map { typical > 0 ? $0 / typical : 0 } }
    let sorted = strengths.sorted()
    strength = sorted[sorted.count / 2]
    strengthRange = sorted[0]...sorted[sorted.count - 1]
    addedLength = kind == .modelSurgery ? added.sorted()[added.count / 2] : nil
    self.rows = rows
  }

  /// The gain that feeds each tensor's product; nil where one has none.
  private static func gains(_ tensors: [String], _ model: Model) -> [[Float]]? {
    var gains: [[Float]] = []
    for name in tensors {
      guard let role = model.binding.tensors.first(where: { $0.value.tensor == name })?.key,
        let gain = model.gain(feeding: role)
      else { return nil }
      gains.append(gain)
    }
    return gains
  }
}

/// The mean direction of several, and how near each is to it.
struct SharedDirection {
  let direction: [Double]
  let cosines: [Double]
  var worst: Double { cosines.min() ?? -1 }

  /// With `anySign` each direction may be turned round first.
  init(_ directions: [[Double]], anySign: Bool) {
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    var sum = [Double](repeating: 0, count: directions.first?.count ?? 0)
    for direction in directions {
      let sign: Double = anySign && dot(sum, direction) < 0 ? -1 : 1
      for index in sum.indices { sum[index] += sign * direction[index] }
    }
    let mean = Self.unit(sum)
    direction = mean
    cosines = directions.map { anySign ? abs(dot($0, mean)) : dot($0, mean) }
  }

  static func unit(_ vector: [Double]) -> [Double] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : vector
  }
}

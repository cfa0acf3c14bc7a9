import Architectures
import Checkpoints
import Layers
import Tensors

/// How far the bf16 mode is from f32 on the same weights and texts, site by site: a report, not a bound.
public struct ModeComparison: Sendable {
  /// One site, or the logits, over all tokens of all texts.
  public struct Row: Sendable {
    /// The site; nil for the logits.
    public let site: Site?
    /// Largest difference.
    public let largest: Double
    /// Largest number of f32.
    public let magnitude: Double
    /// √(Σ Δ² / Σ f32²).
    public let relative: Double

    /// The site's name, or `logits`.
    public var name: String { site?.description ?? "logits" }
  }

  /// The sites in the order given, then the logits where the network makes some.
  public let rows: [Row]
  /// The share of tokens whose most likely next one is the same; nil where the network makes no logits.
  public let topAgreement: Double?
  /// Tokens of all texts.
  public let tokens: Int

  /// Runs the texts in both modes; everything is held in memory, so they should be few.
  /// - Parameters:
  ///   - model: a model of any mode.
  ///   - texts: token ids.
  ///   - sites: hidden states to compare.
  ///   - tokenTypes: a type a token, as in ``Model/forward(_:capture:logits:overlay:tokenTypes:)``.
  /// - Throws: ``TransformerError``, ``ArchitectureError``.
  public init(_ model: Model, texts: [[Int32]], sites: [Site], tokenTypes: [[Int32]]? = nil) throws {
    func pass(_ mode: ComputeMode) throws -> Pass {
      try model.computing(in: mode).forward(
        texts, capture: sites, logits: model.network.hasHead ? .all : .none, tokenTypes: tokenTypes)
    }
    let (reference, fast) = (try pass(.f32), try pass(.bf16))
    var rows = sites.map { site in
      Self.row(site, reference.states[site] ?? [], fast.states[site] ?? [])
    }
    tokens = texts.reduce(0) { $0 + $1.count }
    if model.network.hasHead {
      rows.append(Self.row(nil, reference.logits, fast.logits))
      let pairs = zip(reference.logits, fast.logits)
      let same = pairs.reduce(0) { $0 + zip(Self.tops($1.0), Self.tops($1.1)).count { $0 == $1 } }
      topAgreement = Double(same) / Double(max(1, tokens))
    } else {
      topAgreement = nil
    }
    self.rows = rows
  }

  private static func row(_ site: Site?, _ reference: [Tensor], _ found: [Tensor]) -> Row {
    var (largest, magnitude, squares, differences) = (0.0, 0.0, 0.0, 0.0)
    for (a, b) in zip(reference, found) {
      for (x, y) in zip(a.toFloats(), b.toFloats()) {
        let (x, delta) = (Double(x), abs(Double(x) - Double(y)))
        largest = delta.isNaN ? .infinity : max(largest, delta)
        magnitude = max(magnitude, abs(x))
        squares += x * x
        differences += delta * delta
      }
    }
    return Row(
      site: site, largest: largest, magnitude: magnitude,
      relative: squares == 0 ? 0 : (differences / squares).squareRoot())
  }

  /// The place of the largest number of every row.
  private static func tops(_ logits: Tensor) -> [Int] {
    let (values, width) = (logits.toFloats(), logits.rowCount)
    return (0..<(width == 0 ? 0 : values.count / width)).map { row in
      let part = values[row * width..<(row + 1) * width]
      return (part.indices.max { part[$0] < part[$1] } ?? part.startIndex) - part.startIndex
    }
  }
}

extension Model {
  /// The same network with every matrix rounded to bf16, in memory: what the modes can be compared on where a checkpoint
  /// is stored in another type.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  public func roundedToBF16() throws -> Model {
    var rounded = replaced
    for name in checkpoint.tensorNames {
      guard let entry = checkpoint.entry(name), entry.shape.count > 1, entry.dtype.isComputable,
        entry.dtype != .bf16, rounded[name]?.dtype != .bf16
      else { continue }
      let tensor = try replaced[name] ?? checkpoint.tensor(name)
      rounded[name] = Tensor(tensor.toFloats(), shape: entry.shape, dtype: .bf16)
    }
    return try Model(checkpoint, weights: rounded, compute: compute == .bf16 ? .bf16 : .f32)
  }
}

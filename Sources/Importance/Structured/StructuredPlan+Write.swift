import Architectures
import Checkpoints
import JSON
import Runtime
import Tensors
import Transformers

extension StructuredPlan {
  /// How near the smaller model's results are to the masked original's: the same weights, summed over fewer terms.
  public struct Agreement: Sendable, Equatable {
    /// Largest |Δ| of a logit (of a last hidden state where there is no head).
    public let largest: Float
    /// Largest magnitude of the masked original's.
    public let magnitude: Float
    /// What it is held to: ``bound`` · max(1, magnitude).
    public var passed: Bool { largest <= Self.bound * max(1, magnitude) }
    /// 10⁻⁵.
    public static let bound: Float = 1e-5
  }

  /// Writes the smaller checkpoint with its config.json, reads it back, and holds it to the numbers that were meant.
  /// - Throws: ``StructureError/configDiffers(found:expected:)``, ``CheckpointError``, ``FileError``, ``Interrupted``.
  public func write(
    _ model: Model, score: String, to output: String, progress: @escaping ProgressSink = ignoreProgress
  ) throws -> CutReport {
    let checkpoint = model.checkpoint
    let record: JSONValue = [
      "kind": "structured-pruning", "unit": .string(unit.rawValue), "score": .string(score),
      "removed": .integer(removed), "of": .integer(count), "model_before": .string(try checkpoint.modelHash),
      "parts": .array(
        parts.map {
          [
            "block": .integer($0.block), "expert": $0.expert.map(JSONValue.integer) ?? .null,
            "removed": .integers($0.removed),
          ]
        }),
    ]
    return try checkpoint.write(
      try cuts(binding: model.binding, checkpoint: checkpoint),
      config: config(checkpoint.config, binding: model.binding),
      record: try checkpoint.editRecord(adding: record), to: output, progress: progress
    ) { written in try check(try Binding(written).network, against: model.network) }
  }

  /// Whether the written config.json reads as the network with fewer units and nothing else.
  private func check(_ found: Network, against old: Network) throws {
    func sizes(_ network: Network) -> [Int] {
      [
        network.heads, network.keyValueHeads, network.headSize, network.mlpWidth,
        network.experts?.width ?? 0, network.experts?.sharedWidth ?? 0, network.width, network.blocks,
        network.vocabulary, network.contextLength,
      ]
    }
    var expected = old
    switch unit {
    case .heads:
      expected.heads = old.heads / old.keyValueHeads * (old.keyValueHeads - removed)
      expected.keyValueHeads = old.keyValueHeads - removed
    case .neurons:
      if let experts = old.experts {
        expected.experts?.width = count - removed
        // Mixtral's experts are its config's MLP.
        if experts.width == old.mlpWidth, found.mlpWidth == count - removed {
          expected.mlpWidth = count - removed
        }
      } else {
        expected.mlpWidth = count - removed
      }
    }
    guard sizes(found) == sizes(expected), found.attentionScales == old.attentionScales else {
      throw StructureError.configDiffers(
        found: "heads, sizes and widths \(sizes(found))", expected: "\(sizes(expected))")
    }
  }

  /// The masked original as a run-time change: zeros in the places of what leaves. It holds the touched tensors in memory.
  /// - Throws: ``CheckpointError``, ``Interrupted``.
  public func mask(_ model: Model) throws -> Overlay {
    let cuts = try cuts(binding: model.binding, checkpoint: model.checkpoint)
    let transforms = try model.checkpoint.zeros(where: cuts)
    var tensors: [String: Tensor] = [:]
    for cut in cuts {
      try Cancellation.check()
      guard let transform = transforms[cut.tensor] else { continue }
      let whole = try model.checkpoint.tensor(cut.tensor)
      let copy = TensorStorage(byteCount: whole.byteCount)
      let bytes = UnsafeMutableRawBufferPointer(start: copy.base, count: whole.byteCount)
      withExtendedLifetime(whole) { bytes.copyMemory(from: whole.bytes) }
      let width = whole.shape.last ?? 1
      try transform(0..<whole.count / max(1, width), bytes)
      tensors[cut.tensor] = Tensor(storage: copy, shape: whole.shape, dtype: whole.dtype)
    }
    return Overlay([.tensors(tensors)])
  }

  /// Bytes of the tensors that ``mask(_:)`` holds.
  public func maskBytes(_ model: Model) throws -> Int {
    try cuts(binding: model.binding, checkpoint: model.checkpoint).reduce(0) {
      $0 + (model.checkpoint.entry($1.tensor)?.byteRange.count ?? 0)
    }
  }

  /// Runs some token ids through the masked original and the smaller model.
  /// - Throws: ``TransformerError``, ``CheckpointError``, ``Interrupted``.
  public func agreement(_ model: Model, _ smaller: Model, ids: [[Int32]]) throws -> Agreement {
    func results(_ model: Model, _ overlay: Overlay?) throws -> [Tensor] {
      guard !model.network.hasHead else { return try model.forward(ids, overlay: overlay).logits }
      let last = model.network.lastSite
      return try model.forward(ids, capture: [last], logits: .none, overlay: overlay).states[last] ?? []
    }
    let (a, b) = (try results(model, try mask(model)), try results(smaller, nil))
    var (largest, magnitude) = (Float(0), Float(0))
    for (masked, small) in zip(a, b) {
      guard masked.shape == small.shape else { return Agreement(largest: .infinity, magnitude: 0) }
      for (x, y) in zip(masked.toFloats(), small.toFloats()) {
        magnitude = max(magnitude, abs(x))
        largest = (x - y).isNaN ? .infinity : max(largest, abs(x - y))
      }
    }
    return Agreement(largest: largest, magnitude: magnitude)
  }
}

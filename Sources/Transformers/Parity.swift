import Architectures
import Checkpoints
import Glibc
import Runtime
import Tensors

/// Hidden states and logits against a recorded reference, site by site.
///
/// The reference is a safetensors file with `input_ids` `[B, T]`, `attention_mask` `[B, T]` (1 for tokens that count; all
/// where it is absent), `token_type_ids` `[B, T]` where they are not all 0, `logits` `[B, T, V]` and `hidden_states.0` … `hidden_states.L` `[B, T, D]` numbered as Hugging Face
/// does; tensors named as sites (`blocks.3.mlp.input`) are compared too. Padded places are left out, left or right.
public struct Parity: Sendable {
  /// What was compared at one place.
  public struct Comparison: Sendable, Equatable {
    /// The site, or `logits`.
    public let place: String
    /// Name of the reference's tensor.
    public let tensor: String
    /// Largest absolute difference; NaN where one side is not finite.
    public internal(set) var difference = 0.0
    /// Largest absolute value of the reference.
    public internal(set) var magnitude = 0.0
    /// Where the largest difference is: text, token (padding counted), column.
    public internal(set) var worst = [0, 0, 0]
    /// What the difference may be, relative to max(1, magnitude).
    public let tolerance: Double

    /// What the difference may be.
    public var limit: Double { tolerance * max(1, magnitude) }
    /// Whether it is no larger.
    public var passed: Bool { difference <= limit }
  }

  /// The places in the order of the network, logits last.
  public let comparisons: [Comparison]
  /// Texts and tokens compared.
  public let texts, tokens: Int

  /// Every place is within its limit.
  public var passed: Bool { comparisons.allSatisfy(\.passed) }
  /// Largest difference in units of its limit.
  public var worstRatio: Double {
    comparisons.reduce(0) { $1.difference.isNaN || $0.isNaN ? .nan : max($0, $1.difference / $1.limit) }
  }

  /// Runs the reference's tokens through the model, a text at a time, and compares.
  /// - Throws: ``TransformerError``, ``CheckpointError``, ``Interrupted``.
  public init(
    _ model: Model, reference path: String, tolerance: Double = 5e-5, progress: ProgressSink = ignoreProgress
  ) throws {
    let file = try SafetensorsFile(path: path)
    let texts = try ReferenceTexts(file)
    let places = try Self.places(file, model.network, texts)
    var comparisons = places.map { Comparison(place: $0.name, tensor: $0.tensor, tolerance: tolerance) }
    let tensors = try places.map { try file.tensor($0.tensor) }
    for (index, positions) in texts.positions.enumerated() {
      try Cancellation.check()
      let pass = try model.forward(
        [texts.ids[index]], capture: places.compactMap(\.site),
        logits: places.contains { $0.site == nil } ? .all : .none,
        tokenTypes: texts.types.isEmpty ? nil : [texts.types[index]])
      for (number, place) in places.enumerated() {
        let own = place.site.map { pass.states[$0]?.first } ?? pass.logits.first
        guard let own else { continue }
        for (row, position) in positions.enumerated() {
          let wanted = tensors[number].rows(index..<(index + 1)).reshaped(
            Array(tensors[number].shape.dropFirst())
          )
          .rows(position..<(position + 1)).toFloats()
          comparisons[number].add(own.f32 + row * wanted.count, wanted, text: index, token: position)
        }
      }
      progress(ProgressEvent(stage: "parity", completed: index + 1, total: texts.ids.count, unit: "texts"))
    }
    self.comparisons = comparisons
    self.texts = texts.ids.count
    tokens = texts.ids.reduce(0) { $0 + $1.count }
  }

  private struct Place {
    var name, tensor: String
    /// Nil means the logits.
    var site: Site?
    var width: Int
  }

  private static func places(_ file: SafetensorsFile, _ network: Network, _ texts: ReferenceTexts) throws
    -> [Place]
  {
    var places: [Place] = []
    for index in 0...network.blocks where file.entry("hidden_states.\(index)") != nil {
      // Where the end is projected (OPT-350m) the last hidden state is what the head reads.
      let last = network.embeddingWidth == nil ? network.lastSite : .input(.head)
      let site: Site =
        index == 0 ? .embeddings : index == network.blocks ? last : .blockOutput(index - 1)
      places.append(
        Place(
          name: site.description, tensor: "hidden_states.\(index)", site: site, width: site.width(network)))
    }
    for name in file.names {
      if name.hasPrefix("hidden_states."), !places.contains(where: { $0.tensor == name }) {
        throw TransformerError.reference(
          path: file.path, reason: "\(name), but the model has hidden states 0 to \(network.blocks)")
      }
      guard let site = try? Site(parsing: name), site.block < network.blocks || site.block == .max else {
        continue
      }
      let width = file.entry(name)?.shape.last ?? network.width
      places.append(Place(name: name, tensor: name, site: site, width: width))
    }
    if file.entry("logits") != nil {
      places.append(Place(name: "logits", tensor: "logits", site: nil, width: network.vocabulary))
    }
    guard !places.isEmpty else {
      throw TransformerError.reference(
        path: file.path, reason: "nothing to compare with; it holds \(file.names.joined(separator: ", "))")
    }
    for place in places {
      let expected = [texts.ids.count, texts.length, place.width]
      guard let entry = file.entry(place.tensor), entry.shape == expected, entry.dtype.isComputable else {
        throw TransformerError.reference(
          path: file.path,
          reason:
            "\(place.tensor) is \(file.entry(place.tensor)?.description ?? "absent"), not a float \(expected)"
        )
      }
    }
    return places
  }
}

extension Parity.Comparison {
  fileprivate mutating func add(_ own: UnsafePointer<Float>, _ wanted: [Float], text: Int, token: Int) {
    for (column, value) in wanted.enumerated() {
      magnitude = max(magnitude, Double(abs(value)))
      let delta = abs(Double(own[column]) - Double(value))
      // A NaN is larger than everything and stays.
      if !difference.isNaN && !(delta <= difference) {
        difference = delta
        worst = [text, token, column]
      }
    }
  }
}

/// The tokens of a reference without padding.
private struct ReferenceTexts {
  /// Tokens of each text that count.
  var ids: [[Int32]] = []
  /// Their places in the padded row.
  var positions: [[Int]] = []
  /// Types of those tokens; empty where the reference has none.
  var types: [[Int32]] = []
  /// T of the reference, padding included.
  var length = 0

  init(_ file: SafetensorsFile) throws {
    func refuse(_ reason: String) -> TransformerError { .reference(path: file.path, reason: reason) }
    guard let shape = file.entry("input_ids")?.shape, shape.count == 2 else {
      throw refuse("no input_ids [B, T]; it holds \(file.names.joined(separator: ", "))")
    }
    length = shape[1]
    let tokens = try Self.integers(file, "input_ids")
    var mask = tokens.map { _ in 1 }
    if let entry = file.entry("attention_mask") {
      guard entry.shape == shape else {
        throw refuse("attention_mask \(entry.shape) beside input_ids \(shape)")
      }
      mask = try Self.integers(file, "attention_mask")
    }
    var kinds: [Int] = []
    if let entry = file.entry("token_type_ids") {
      guard entry.shape == shape else {
        throw refuse("token_type_ids \(entry.shape) beside input_ids \(shape)")
      }
      kinds = try Self.integers(file, "token_type_ids")
    }
    for text in 0..<shape[0] {
      let places = (0..<length).filter { mask[text * length + $0] != 0 }
      guard let first = places.first, let last = places.last else {
        throw refuse("text \(text + 1) is all padding")
      }
      guard last - first + 1 == places.count else {
        throw refuse("text \(text + 1) has padding between its tokens")
      }
      positions.append(places)
      ids.append(places.map { Int32(clamping: tokens[text * length + $0]) })
      if !kinds.isEmpty { types.append(places.map { Int32(clamping: kinds[text * length + $0]) }) }
    }
  }

  private static func integers(_ file: SafetensorsFile, _ name: String) throws -> [Int] {
    let tensor = try file.tensor(name)
    func read<T: FixedWidthInteger>(_: T.Type) -> [Int] {
      (0..<tensor.count).map {
        Int(clamping: tensor.pointer.loadUnaligned(fromByteOffset: $0 * T.bitWidth / 8, as: T.self))
      }
    }
    switch tensor.dtype {
    case .i64: return read(Int64.self)
    case .i32: return read(Int32.self)
    case .u8, .bool: return read(UInt8.self)
    default:
      throw TransformerError.reference(
        path: file.path, reason: "\(name) is \(tensor.dtype.rawValue), no whole numbers")
    }
  }
}

import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// Reads probes of other programs: a linear classifier or a bare direction in a `.pt` file or in safetensors.
///
/// - `[2, D]` with a bias `[2]`: a two-row softmax classifier, as published with Model Surgery (`mlp.weight`, `mlp.bias`;
///   arXiv 2407.08770). Its log-odds are (W₁ − W₀)·x + b₁ − b₀. Both rows' sum never leaves its random start, so that
///   W₁ alone carries half of that noise: the direction kept is h = (W₁ − W₀)/2, or W₁ where ``Row/raw`` is asked for.
/// - `[1, D]` with a bias `[1]`: a classifier with one logit.
/// - `[D]`: a direction without a threshold.
public enum ProbeImport {
  /// Which direction of a two-row classifier is kept.
  public enum Row: String, Sendable, CaseIterable {
    /// (W₁ − W₀)/2: what was learned.
    case difference
    /// W₁ with the noise of its start: what the published edit adds.
    case raw
  }

  /// The fit of a file.
  ///
  /// `tensor` names the weights where the file holds several candidates.
  /// - Throws: ``FileError``, ``TorchFileError``, ``CheckpointError``,
  ///   ``ProbingError/badProbe(path:problem:expected:)``.
  public static func read(
    _ path: String, tensor name: String? = nil, row: Row = .difference
  ) throws -> (kind: String, fit: LinearFit, tensors: [String]) {
    let source = try Source(path)
    let weight = try source.weight(name)
    let values = try source.values(weight)
    let bias = try source.bias(of: weight)
    let shape = weight.shape
    let width = shape.last ?? 0
    var details: OrderedDictionary<String, JSONValue> = ["imported_from": .string(Files.name(of: path))]
    let rows = shape.count == 2 ? shape[0] : 1
    let kind: String
    var fit: LinearFit
    if rows == 2 {
      let classifier = SoftmaxProbe.Classifier(rows: values, biases: bias ?? [0, 0])
      details["noise_share"] = .number(classifier.noiseShare)
      details["row"] = .string(row.rawValue)
      kind = SoftmaxProbe.kind.name
      let direction = row == .raw ? Array(values[width...]) : classifier.difference
      fit = LinearFit(
        direction: direction, scale: 2, bias: classifier.biases[1] - classifier.biases[0], rows: values,
        details: details)
    } else {
      kind = "imported"
      fit = LinearFit(direction: values, bias: bias?.first ?? 0, details: details)
    }
    guard fit.norm > 0 else {
      throw ProbingError.badProbe(
        path: path, problem: "\(weight.name) gives a direction of length 0", expected: "a trained direction")
    }
    return (kind, fit, [weight.name] + (source.biasEntry(of: weight).map { [$0.name] } ?? []))
  }

  /// A file of tensors in either format.
  private struct Source {
    let path: String
    let entries: [TensorEntry]
    let tensor: (String) throws -> Tensor

    init(_ path: String) throws {
      self.path = path
      if try Files.size(path) >= 9, try Self.firstBytes(path, 9)[8] == UInt8(ascii: "{") {
        let file = try SafetensorsFile(path: path)
        (entries, tensor) = (file.entries, { try file.tensor($0) })
      } else {
        let file = try TorchFile(path: path)
        (entries, tensor) = (file.entries, { try file.tensor($0) })
      }
    }

    private static func firstBytes(_ path: String, _ count: Int) throws -> [UInt8] {
      let file = try MappedFile(path: path)
      return withExtendedLifetime(file) { Array(file.bytes.prefix(count)) }
    }

    private func bad(_ problem: String, _ expected: String) -> ProbingError {
      .badProbe(path: path, problem: problem, expected: expected)
    }

    func weight(_ name: String?) throws -> TensorEntry {
      let candidates = entries.filter { entry in
        guard [.f64, .f32, .f16, .bf16].contains(entry.dtype), entry.width > 1 || entry.shape.count == 2
        else { return false }
        let isRows = entry.shape.count == 2 && (1...2).contains(entry.shape[0])
        return isRows || (entry.shape.count == 1 && entry.count > 2)
      }
      let list = candidates.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
      if let name {
        guard let entry = candidates.first(where: { $0.name == name }) else {
          throw bad("no tensor \(name) that can be a probe; there are: \(list)", "one of these")
        }
        return entry
      }
      guard let only = candidates.first, candidates.count == 1 else {
        let seen = entries.map { "\($0.name) \($0.shape)" }.prefix(6).joined(separator: ", ")
        throw bad(
          candidates.isEmpty ? "no weights of a probe; seen: \(seen)" : "several candidates: \(list)",
          "one floating-point tensor [2, D], [1, D] or [D], or --tensor with its name")
      }
      return only
    }

    func biasEntry(of weight: TensorEntry) -> TensorEntry? {
      guard weight.shape.count == 2, weight.name.hasSuffix("weight") else { return nil }
      let name = weight.name.dropLast("weight".count) + "bias"
      return entries.first { $0.name == name && $0.shape == [weight.shape[0]] }
    }

    func bias(of weight: TensorEntry) throws -> [Double]? { try biasEntry(of: weight).map(values) }

    func values(_ entry: TensorEntry) throws -> [Double] {
      let values = try tensor(entry.name).toFloats().map(Double.init)
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw bad("\(entry.name)[\(place)] is \(values[place])", "finite numbers")
      }
      return values
    }
  }
}

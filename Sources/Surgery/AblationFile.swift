import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// An ablation on disk.
///
/// One safetensors file: `direction` f32 `[D]`, `gain.N` f32 `[D]` the norms that follow products; the writers with
/// their factors and the rest as JSON in the metadata.
public struct AblationFile: Sendable {
  /// The version of the format that this program writes and reads.
  public static let formatVersion = 1
  static let kind = "surgeon-ablation"

  /// The plan.
  public let plan: Ablation
  /// Where the plan comes from: model and probe by their hashes. Free in form.
  public let provenance: JSONValue

  /// A file of a plan.
  public init(plan: Ablation, provenance: JSONValue = [:]) {
    self.plan = plan
    self.provenance = provenance
  }

  /// Writes the file, atomically and where nothing is yet; the same plan gives the same bytes.
  /// - Throws: ``FileError``, ``JSONError``.
  public func write(to path: String) throws {
    guard !Files.exists(path) else { throw FileError.exists(path: path) }
    var items = [SafetensorsWriter.Item("direction", Tensor(plan.direction))]
    for (index, gain) in plan.gains.enumerated() { items.append(.init("gain.\(index)", Tensor(gain))) }
    let record: JSONValue = [
      "format_version": .integer(Self.formatVersion), "site": .string(plan.site),
      "norms": .string(plan.norms.rawValue), "tied_head": .bool(plan.tiedHead),
      "gains": .integer(plan.gains.count),
      "targets": .array(
        plan.targets.map { target in
          var json: JSONValue = [
            "role": .string(target.role.description), "factor": .number(target.factor),
            "rows": .integer(target.rows),
          ]
          if let gain = target.gain { json["gain"] = .integer(gain) }
          return json
        }), "provenance": provenance,
    ]
    try Files.makeFolder(Files.folder(of: path))
    try SafetensorsWriter.write(items, metadata: ["format": Self.kind, "plan": try record.text()], to: path)
  }

  /// Reads a plan.
  /// - Throws: ``SurgeryError/plan(path:reason:)``, ``FileError``, ``CheckpointError``.
  public init(file path: String) throws {
    let file = try SafetensorsFile(path: path)
    func bad(_ reason: String) -> SurgeryError { .plan(path: path, reason: reason) }
    guard file.metadata?["format"] == Self.kind, let text = file.metadata?["plan"] else {
      throw bad("a safetensors file that is no ablation")
    }
    let record = try JSONValue(parsing: text, source: path)
    guard let version = record["format_version"]?.int, version <= Self.formatVersion else {
      throw bad(
        "format version \(record["format_version"]?.int ?? 0); this program reads up to \(Self.formatVersion)"
      )
    }
    func numbers(_ name: String) throws -> [Float] {
      let tensor = try file.tensor(name)
      guard tensor.dtype == .f32, tensor.shape.count == 1 else { throw bad("\(name) is no f32 vector") }
      let values = tensor.toFloats()
      guard values.allSatisfy(\.isFinite) else { throw bad("\(name) holds numbers that are not finite") }
      return values
    }
    guard let site = record["site"]?.string, let norms = record["norms"]?.string.flatMap(Ablation.Norms.init),
      let tied = record["tied_head"]?.bool, let count = record["gains"]?.int,
      (0...file.entries.count).contains(count), let list = record["targets"]?.array, !list.isEmpty
    else { throw bad("its record lacks a part") }
    let direction = try numbers("direction")
    let gains = try (0..<count).map { try numbers("gain.\($0)") }
    guard gains.allSatisfy({ $0.count == direction.count }), direction.norm > 0 else {
      throw bad("a direction of length zero, or gains of another width")
    }
    let targets = try list.map { value in
      guard let role = value["role"]?.string.flatMap(Role.init), let factor = value["factor"]?.double,
        factor.isFinite, let rows = value["rows"]?.int, rows >= 0, Ablation.writer(role) != nil
      else { throw bad("a writer that cannot be read") }
      let gain = value["gain"]?.int
      guard gain.map(gains.indices.contains) ?? true else { throw bad("\(role) names gain \(gain ?? 0)") }
      return Ablation.Target(role: role, factor: factor, gain: gain, rows: rows)
    }
    plan = Ablation(
      direction: direction, site: site, norms: norms, targets: targets, gains: gains, tiedHead: tied)
    provenance = record["provenance"] ?? [:]
  }

  /// Whether the plan can be used with a model: its writers, their heights, the width and the tie.
  /// - Throws: ``SurgeryError/plan(path:reason:)``.
  public func check(fits binding: Binding, path: String) throws {
    func bad(_ reason: String) -> SurgeryError { .plan(path: path, reason: reason) }
    let network = binding.network
    guard plan.direction.count == network.width else {
      throw bad("a direction of \(plan.direction.count) numbers for a model of width \(network.width)")
    }
    guard plan.tiedHead == network.tiedHead else {
      throw bad("made for a model whose head is tied otherwise")
    }
    for target in plan.targets {
      guard let bound = binding.tensors[target.role], bound.shape.first == target.rows else {
        throw bad("\(target.role) with \(target.rows) rows, which this model does not have")
      }
    }
  }
}

/// A plan file of either kind of edit.
public enum StoredPlan: Sendable {
  /// Ranked rows.
  case rows(PlanFile)
  /// A direction and what loses it.
  case ablation(AblationFile)

  /// Reads a file that `surgeon locate` wrote.
  /// - Throws: ``SurgeryError/plan(path:reason:)``, ``FileError``, ``CheckpointError``.
  public init(file path: String) throws {
    let format = try SafetensorsFile(path: path).metadata?["format"]
    self =
      format == AblationFile.kind
      ? .ablation(try AblationFile(file: path)) : .rows(try PlanFile(file: path))
  }

  /// Where the plan comes from.
  public var provenance: JSONValue {
    switch self {
    case .rows(let file): file.provenance
    case .ablation(let file): file.provenance
    }
  }

  /// Whether the plan can be used with a model.
  /// - Throws: ``SurgeryError/plan(path:reason:)``.
  public func check(fits binding: Binding, path: String) throws {
    switch self {
    case .rows(let file): try file.check(fits: binding.network, path: path)
    case .ablation(let file): try file.check(fits: binding, path: path)
    }
  }

  /// The plan, of another budget than its own where one is given.
  /// - Throws: ``SurgeryError/budget(text:reason:)``, also for a budget of an ablation, which has none.
  public func plan(_ budget: RowBudget? = nil) throws -> any EditPlan {
    switch self {
    case .rows(let file): return try file.ranking.plan(budget ?? file.budget, selection: file.selection)
    case .ablation(let file):
      if let budget {
        throw SurgeryError.budget(text: budget.description, reason: "an ablation edits whole matrices")
      }
      return file.plan
    }
  }
}

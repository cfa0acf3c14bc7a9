import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Tensors

/// A plan on disk: the ranking of all candidate rows and the rows that were chosen of it, so that a sweep can take
/// other budgets without another pass over the weights.
///
/// One safetensors file: `cosines.B` and `norms.B` f32 `[F]` of every candidate block, `addition.B` f32 `[D]` the unit
/// vector added there (F the rows of all experts' gates together, where a block has experts); the rest as JSON in the
/// metadata.
public struct PlanFile: Sendable {
  /// The version of the format that this program writes and reads.
  public static let formatVersion = 1
  static let kind = "surgeon-plan"

  /// All candidates.
  public let ranking: Locate.Ranking
  /// How many rows were asked for.
  public let budget: RowBudget
  /// Which end of the ranking.
  public let selection: RowPlan.Selection
  /// Where the plan comes from: model and probe by their hashes. Free in form.
  public let provenance: JSONValue

  /// A plan of a ranking.
  public init(
    ranking: Locate.Ranking, budget: RowBudget, selection: RowPlan.Selection = .mostNegative,
    provenance: JSONValue = [:]
  ) {
    self.ranking = ranking
    self.budget = budget
    self.selection = selection
    self.provenance = provenance
  }

  /// The chosen rows.
  /// - Throws: ``SurgeryError/budget(text:reason:)``.
  public func plan() throws -> RowPlan { try ranking.plan(budget, selection: selection) }

  /// Writes the file, atomically and where nothing is yet; the same plan gives the same bytes.
  /// - Throws: ``FileError``, ``JSONError``.
  public func write(to path: String) throws {
    guard !Files.exists(path) else { throw FileError.exists(path: path) }
    var items: [SafetensorsWriter.Item] = []
    for block in ranking.blocks {
      let rows = ranking.rows.filter { $0.block == block }
      items.append(.init("cosines.\(block)", Tensor(rows.map(\.cosine))))
      items.append(.init("norms.\(block)", Tensor(rows.map(\.norm))))
      items.append(.init("addition.\(block)", Tensor(ranking.additions[block] ?? [])))
    }
    let record: JSONValue = [
      "format_version": .integer(Self.formatVersion), "role": .string(ranking.role.rawValue),
      "space": .string(ranking.space.rawValue), "site": .string(ranking.site),
      "direction_norm": .number(Double(ranking.directionNorm)), "blocks": .integers(ranking.blocks),
      "budget": .string(budget.description), "selection": .string(selection.rawValue),
      "provenance": provenance, "matrices": matricesRecord,
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
      throw bad("a safetensors file that is no plan")
    }
    let record = try JSONValue(parsing: text, source: path)
    guard let version = record["format_version"]?.int, version <= Self.formatVersion else {
      throw bad(
        "format version \(record["format_version"]?.int ?? 0); this program reads up to \(Self.formatVersion)"
      )
    }
    guard let role = record["role"]?.string.flatMap(BlockRole.init), let site = record["site"]?.string,
      let space = record["space"]?.string.flatMap(EditSpace.init),
      let norm = record["direction_norm"]?.double,
      let blocks = record["blocks"]?.array?.compactMap(\.int), let budget = record["budget"]?.string,
      let selection = record["selection"]?.string.flatMap(RowPlan.Selection.init), !blocks.isEmpty
    else { throw bad("its record lacks a part") }
    var rows: [RowPlan.Row] = []
    var additions: [Int: [Float]] = [:]
    func numbers(_ name: String) throws -> [Float] {
      let tensor = try file.tensor(name)
      guard tensor.dtype == .f32, tensor.shape.count == 1 else { throw bad("\(name) is no f32 vector") }
      let values = tensor.toFloats()
      guard values.allSatisfy(\.isFinite) else { throw bad("\(name) holds numbers that are not finite") }
      return values
    }
    for block in blocks {
      let (cosines, norms) = (try numbers("cosines.\(block)"), try numbers("norms.\(block)"))
      guard cosines.count == norms.count else { throw bad("block \(block) has \(norms.count) norms") }
      rows += zip(cosines, norms).enumerated().map {
        RowPlan.Row(block: block, row: $0, cosine: $1.0, norm: $1.1)
      }
      additions[block] = try numbers("addition.\(block)")
    }
    ranking = Locate.Ranking(
      rows: rows, matrices: try Self.matrices(record["matrices"], role: role, rows: rows, path: path),
      role: role, space: space, additions: additions, directionNorm: Float(norm), site: site)
    self.budget = try RowBudget(parsing: budget)
    self.selection = selection
    provenance = record["provenance"] ?? [:]
  }

  /// Whether the plan can be used with a model: role, blocks and sizes.
  /// - Throws: ``SurgeryError/plan(path:reason:)``.
  public func check(fits network: Network, path: String) throws {
    func bad(_ reason: String) -> SurgeryError { .plan(path: path, reason: reason) }
    guard ranking.role == network.surgeryRole else { throw bad("rows of \(ranking.role.rawValue)") }
    for block in ranking.blocks {
      let own = ranking.matrices[block]
      guard block < network.blocks, own == network.surgeryRows(in: block),
        ranking.additions[block]?.count == network.width
      else {
        throw bad(
          "block \(block) with \(own?.count ?? 0) rows, for a model of \(network.blocks) blocks"
            + (block < network.blocks ? " of \(network.surgeryRows(in: block).count)" : ""))
      }
    }
  }
}

extension PlanFile {
  /// The matrices of the blocks that have more than one: role names and heights.
  private var matricesRecord: JSONValue {
    var record = JSONValue.object([:])
    for block in ranking.blocks {
      guard let own = ranking.matrices[block], own.parts.count > 1 else { continue }
      record[String(block)] = .array(
        own.parts.map { ["role": .string($0.role.description), "rows": .integer($0.rows.count)] })
    }
    return record
  }

  private static func matrices(_ record: JSONValue?, role: BlockRole, rows: [RowPlan.Row], path: String)
    throws
    -> [Int: SurgeryRows]
  {
    var result: [Int: SurgeryRows] = [:]
    for (block, own) in Dictionary(grouping: rows, by: \.block) {
      guard let list = record?[String(block)]?.array else {
        result[block] = SurgeryRows([(.block(block, role), own.count)])
        continue
      }
      let parts = SurgeryRows(
        try list.map { part in
          guard let role = part["role"]?.string.flatMap(Role.init), role.block == block,
            let rows = part["rows"]?.int, rows >= 0, rows <= own.count
          else {
            throw SurgeryError.plan(path: path, reason: "matrices of block \(block) that cannot be read")
          }
          return (role, rows)
        })
      guard parts.count == own.count else {
        throw SurgeryError.plan(
          path: path, reason: "block \(block) has \(own.count) rows and matrices of \(parts.count)")
      }
      result[block] = parts
    }
    return result
  }
}

extension Locate.Ranking {
  /// Candidate blocks, ascending.
  public var blocks: [Int] { additions.keys.sorted() }
}

extension PlanFile {
  /// The plan at one strength as a patch for a model.
  /// - Throws: ``SurgeryError``, ``ArchitectureError``, ``CheckpointError``, ``Interrupted``.
  public func patch(
    _ plan: RowPlan, strength: Double, binding: Binding, checkpoint: Checkpoint,
    progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    var origin = provenance
    origin["tool"] = "surgeon"
    origin["space"] = .string(plan.space.rawValue)
    origin["site"] = .string(plan.site)
    origin["strength"] = .number(strength)
    origin["alpha"] = .number(plan.alpha(strength: strength))
    origin["median_row_norm"] = .number(Double(plan.medianNorm))
    origin["rows"] = .integer(plan.rows.count)
    origin["candidates"] = .integer(plan.candidates)
    return try Patch.build(
      checkpoint, plan.changes(strength: strength, binding: binding), provenance: origin, progress: progress)
  }
}

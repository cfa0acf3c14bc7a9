import Architectures
import Checkpoints
import JSON
import Runtime
import Transformers

/// An edit without its strength: what sweeps, controls, patches and reports need to know of any kind of edit.
public protocol EditPlan: Sendable {
  /// The kind.
  var edit: EditKind { get }
  /// Where the direction was read.
  var site: String { get }
  /// Blocks that the edit touches, ascending.
  var blocks: [Int] { get }
  /// What reports say of it.
  var facts: EditFacts { get }
  /// The paper's unnormalised factor for a strength; nil where the kind has none.
  func factor(strength: Double) -> Double?
  /// The change at run time: in f32, without the rounding of the stored type unless the kind needs the matrices anyway.
  /// - Throws: ``CheckpointError``, ``ArchitectureError``.
  func overlay(strength: Double, of model: Model) throws -> Overlay
  /// The same without one block.
  func leavingOut(block: Int) -> any EditPlan
  /// The edit at a strength as a patch; `origin` is its provenance as far as the caller knows it.
  /// - Throws: ``ArchitectureError``, ``CheckpointError``, ``Interrupted``.
  func patch(
    strength: Double, binding: Binding, checkpoint: Checkpoint, origin: JSONValue, progress: ProgressSink
  ) throws -> Patch
}

/// A plan in numbers.
public struct EditFacts: Sendable {
  /// Coordinates, or how lengths are treated.
  public var space: String
  /// What is edited, such as `mlp.gate`.
  public var role: String
  /// Rows that are edited, and how many there are to choose from.
  public var rows, candidates: Int
  /// Rows by block: how many, of how many where that is known, and their cosines with the direction where rows were
  /// ranked.
  public var perBlock: [(block: Int, rows: Int, of: Int?, cosines: ClosedRange<Float>?)]
}

extension EditPlan {
  /// What a patch's provenance says of the edit.
  func provenance(strength: Double, adding origin: JSONValue) -> JSONValue {
    var origin = origin
    origin["tool"] = "surgeon"
    origin["edit"] = .string(edit.name)
    origin["space"] = .string(facts.space)
    origin["site"] = .string(site)
    origin["strength"] = .number(strength)
    if let factor = factor(strength: strength) { origin["alpha"] = .number(factor) }
    origin["rows"] = .integer(facts.rows)
    origin["candidates"] = .integer(facts.candidates)
    return origin
  }
}

extension RowPlan: EditPlan {
  public var edit: EditKind { .addRows }

  public var facts: EditFacts {
    EditFacts(
      space: space.rawValue, role: role.rawValue, rows: rows.count, candidates: candidates,
      perBlock: blocks.map { block in
        let cosines = rows.filter { $0.block == block }.map(\.cosine)
        let range = cosines.min().flatMap { low in cosines.max().map { low...$0 } }
        return (block, cosines.count, matrices[block]?.count, range)
      })
  }

  public func factor(strength: Double) -> Double? { alpha(strength: strength) }

  public func overlay(strength: Double, of model: Model) throws -> Overlay { overlay(strength: strength) }

  public func leavingOut(block: Int) -> any EditPlan {
    var plan = self
    plan.rows.removeAll { $0.block == block }
    plan.additions[block] = nil
    return plan
  }

  public func patch(
    strength: Double, binding: Binding, checkpoint: Checkpoint, origin: JSONValue, progress: ProgressSink
  ) throws -> Patch {
    var origin = provenance(strength: strength, adding: origin)
    origin["median_row_norm"] = .number(Double(medianNorm))
    return try Patch.build(
      checkpoint, changes(strength: strength, binding: binding), provenance: origin, progress: progress)
  }
}

import Architectures
import Checkpoints
import Glibc
import Runtime
import Tensors
import Transformers

/// Everything in which two checkpoints differ, and what kind of edit it looks like.
public struct Diff: Sendable {
  /// One tensor that moved.
  public struct Movement: Sendable, Equatable {
    /// Counts, norms and the rows that moved most.
    public let difference: TensorDifference
    /// What the network uses it for; nil where that is not known.
    public let role: String?
    /// Singular values of the change; nil for vectors and types without arithmetic.
    public let spectrum: DeltaSpectrum?
    /// What kind of change it is.
    public let form: MovementForm
  }

  /// What all of it looks like.
  public enum Verdict: String, Sendable {
    /// No tensor and no side file differs.
    case identical
    /// Only side files differ.
    case files = "side files only"
    /// Types differ, and every value is the other's rounded one.
    case rounded = "rounded to another type"
    /// One recognised edit and nothing else.
    case modelSurgery = "model surgery"
    /// The same.
    case directionalAblation = "directional ablation"
    /// Changes of few dimensions in every matrix that moved, such as a merged adapter.
    case lowRank = "low rank"
    /// Changes of many dimensions, such as further training.
    case dense
    /// Other tensors, shapes or types, or several of the above.
    case mixed
  }

  /// A probe's direction beside the change.
  public struct ProbeMatch: Sendable, Equatable {
    /// The probe's name.
    public let probe: String
    /// Where it reads.
    public let site: String
    /// The cosine between its direction and that of the recognised edit, in the edit's own coordinates; nil where no
    /// edit was recognised or the widths differ.
    public let cosine: Double?
    /// The paper's factor of the unnormalised direction that explains the added vector; nil elsewhere.
    public let alpha: Double?
    /// Without a recognised edit: the tensor whose leading singular vector is nearest to the direction, |cosine|.
    public let nearest: (tensor: String, cosine: Double)?

    public static func == (a: ProbeMatch, b: ProbeMatch) -> Bool {
      a.probe == b.probe && a.cosine == b.cosine && a.nearest?.tensor == b.nearest?.tensor
    }
  }

  /// A direction to compare with.
  public struct ProbeDirection: Sendable {
    /// The probe's name.
    public var name: String
    /// Where it reads.
    public var site: Site
    /// Unstandardised, `[D]`.
    public var direction: [Double]

    /// A direction at a site.
    public init(name: String, site: Site, direction: [Double]) {
      self.name = name
      self.site = site
      self.direction = direction
    }
  }

  /// Tensors, rows and side files that differ.
  public let difference: CheckpointDifference
  /// The tensors that moved, in the first checkpoint's order.
  public let movements: [Movement]
  /// Edits that were recognised.
  public let edits: [RecognisedEdit]
  /// The probes compared.
  public let probes: [ProbeMatch]

  /// Compares two checkpoints, whatever the sharding of either.
  /// - Throws: ``CheckpointError``, ``TorchFileError``, ``FileError``, ``LinearAlgebraError``, ``Interrupted``.
  /// - Complexity: reads both twice at most and moved rows four times; holds one block, and 32 numbers a moved row.
  public init(
    _ first: Checkpoint, _ second: Checkpoint, probes: [ProbeDirection] = [],
    progress: ProgressSink = ignoreProgress
  ) throws {
    let difference = try first.difference(to: second, progress: progress)
    let model = try? Model(first)
    var movements: [Movement] = []
    var readings: [(tensor: String, reading: MovementReading)] = []
    for (index, change) in difference.changed.enumerated() {
      let spectrum = try DeltaSpectrum(change, base: first, edited: second)
      let reading = try MovementReading(change, spectrum, base: first, edited: second)
      readings.append((change.tensor, reading))
      movements.append(
        Movement(
          difference: change, role: model?.role(of: change), spectrum: spectrum, form: reading.form))
      progress(
        ProgressEvent(
          stage: "spectra", completed: index + 1, total: difference.changed.count, unit: "tensors"))
    }
    self.difference = difference
    self.movements = movements
    edits = [.modelSurgery, .directionalAblation].compactMap {
      RecognisedEdit(readings, kind: $0, model: model)
    }
    self.probes = probes.map { [edits] in Self.match($0, edits: edits, movements: movements, model: model) }
  }

  /// What all of it looks like.
  public var verdict: Verdict {
    if difference.sameTensors { return difference.sameFiles ? .identical : .files }
    guard difference.onlyInFirst.isEmpty, difference.onlyInSecond.isEmpty else { return .mixed }
    if !difference.retyped.isEmpty {
      return movements.isEmpty && difference.retyped.allSatisfy(\.isRounding) ? .rounded : .mixed
    }
    if edits.count == 1, let edit = edits.first, edit.tensors.count == movements.count {
      return edit.kind == .modelSurgery ? .modelSurgery : .directionalAblation
    }
    if !edits.isEmpty { return .mixed }
    let matrices = movements.filter { $0.spectrum != nil }
    let isLow = !matrices.isEmpty && matrices.allSatisfy { $0.form != .other }
    return isLow && matrices.count == movements.count ? .lowRank : .dense
  }

  /// √Σ‖Δ‖² over √Σ‖A‖², of the tensors that moved and have arithmetic; nil where there is none.
  public var relativeNorm: Double? {
    var (change, norm) = (0.0, 0.0)
    for movement in difference.changed {
      guard let step = movement.norm, let relative = movement.relativeNorm, relative > 0 else { continue }
      change += step * step
      norm += (step / relative) * (step / relative)
    }
    return norm > 0 ? (change / norm).squareRoot() : nil
  }

  private static func match(
    _ probe: ProbeDirection, edits: [RecognisedEdit], movements: [Movement], model: Model?
  ) -> ProbeMatch {
    func cosine(_ a: [Double], _ b: [Double]) -> Double? {
      guard a.count == b.count else { return nil }
      var (ab, aa, bb) = (0.0, 0.0, 0.0)
      for (x, y) in zip(a, b) {
        ab += x * y
        aa += x * x
        bb += y * y
      }
      return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : nil
    }
    if let edit = edits.first, !edit.direction.isEmpty {
      var direction = probe.direction
      if edit.space == .gainCorrected, probe.site == .finalNorm, let gain = model?.finalGain,
        gain.count == direction.count
      {
        direction = zip(direction, gain).map { $0 * Double($1) }
      }
      let found = cosine(edit.direction, direction)
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let alpha = edit.space == .faithful ? edit.addedLength.flatMap { length > 0 ? $0 / length : nil } : nil
      return ProbeMatch(
        probe: probe.name, site: probe.site.description, cosine: found,
        alpha: alpha.flatMap { alpha in found.map { $0 < 0 ? -alpha : alpha } }, nearest: nil)
    }
    var nearest: (tensor: String, cosine: Double)?
    for movement in movements {
      guard let spectrum = movement.spectrum else { continue }
      var left = [Double](repeating: 0, count: movement.difference.rowCount)
      for (slot, row) in movement.difference.rows.enumerated() { left[row] = spectrum.left[slot] }
      for vector in [spectrum.right, left] {
        guard let found = cosine(vector, probe.direction).map(abs), found > nearest?.cosine ?? -1 else {
          continue
        }
        nearest = (movement.difference.tensor, found)
      }
    }
    return ProbeMatch(
      probe: probe.name, site: probe.site.description, cosine: nil, alpha: nil, nearest: nearest)
  }
}

extension Model {
  /// The first role that uses the moved part of a tensor.
  fileprivate func role(of change: TensorDifference) -> String? {
    let uses = binding.tensors.filter { $0.value.tensor == change.tensor || $0.value.bias == change.tensor }
    let row = change.rows.first ?? 0
    let exact = uses.first { !$0.value.transposed && $0.value.rows.contains(row) }
    guard let (role, bound) = exact ?? uses.first else { return nil }
    return role.description + (bound.bias == change.tensor ? ".bias" : "")
  }
}

import Architectures
import Checkpoints
import Glibc
import Layers
import Runtime
import Surgery
import Transformers

/// Locating, patching, applying and verifying on a checkpoint, cold and warm.
///
/// Every run opens the checkpoint anew and without remembered hashes, as a first use of the program would.
struct EditStages {
  /// The checkpoint's folder.
  let folder: String
  /// Where edited copies go for the time of a run.
  let scratch: String
  /// Runs of each stage.
  let runs: Int
  /// Whether runs with the model's pages dropped come before the warm ones.
  var cold = true

  /// The rows that are edited.
  static let budget = RowBudget(.share(0.02))
  /// How strongly.
  static let strength = 0.5

  /// Measures patching, writing, applying and verifying.
  func edit(_ watch: inout Stopwatch) throws {
    let pages = try PageCache(folder: folder)
    let output = "\(scratch)/bench-edited-\(getpid())"
    let undo = output + ".undo.safetensors"
    func clear() throws {
      try Files.remove(output)
      try Files.remove(undo)
    }
    defer { try? clear() }
    let patch = try build(&watch)
    let weightBytes = try Double(open().weightBytes)
    try write(patch, weightBytes, pages, to: output, undo: undo, &watch, clear)
    for cold in temperatures {
      let what = cold ? "cold" : "warm"
      try watch.measure(
        "apply", what, amount: weightBytes, unit: "bytes", runs: runs, bound: Bounds.edit,
        before: {
          try clear()
          return cold ? try pages.drop() : try pages.warm()
        }
      ) { _ = try patch.apply(to: open(), output: output, undo: .file(undo)) }
    }
    let edited = try PageCache(folder: output)
    for cold in temperatures {
      let report = try watch.measure(
        "verify", cold ? "cold" : "warm", amount: weightBytes, unit: "bytes", runs: runs, bound: Bounds.edit,
        before: {
          let fractions = try cold ? [pages.drop(), edited.drop()] : [pages.warm(), edited.warm()]
          return (fractions[0] + fractions[1]) / 2
        }
      ) { try Checkpoint(folder: output, cache: .none).verify(base: open(), patch: patch) }
      guard report.agrees else {
        throw CheckpointError.verifyFailed(path: output, what: report.problems.joined(separator: "; "))
      }
    }
  }

  /// The part of applying that makes the copy: rehearsal with the touched tensors' hashes, copy, changed rows; ends where
  /// the comparison of all bytes begins and the disk starts to write. The base's hashes are known before, as on second
  /// use.
  private func write(
    _ patch: Patch, _ bytes: Double, _ pages: PageCache, to output: String, undo: String,
    _ watch: inout Stopwatch,
    _ clear: () throws -> Void
  ) throws {
    let copied = Mark()
    let base = try open()
    _ = try base.sha256(ofTensors: base.tensorNames)
    _ = try watch.measure(
      "write", "warm, hashes known", amount: bytes, unit: "bytes", runs: runs, bound: Bounds.edit,
      mark: copied,
      before: {
        try clear()
        return try pages.warm()
      }
    ) {
      try patch.apply(to: base, output: output, undo: .file(undo)) { event in
        if event.stage == "verify" { copied.set() }
      }
    }
  }

  /// Cold and warm, or warm alone.
  private var temperatures: [Bool] { cold ? [true, false] : [false] }

  private func open() throws -> Checkpoint { try Checkpoint(folder: folder, cache: .none) }

  /// A random direction at the final norm.
  static func direction(_ network: Network) -> BehaviourDirection {
    var random = CounterRandom(seed: 0, stream: "bench-direction")
    return BehaviourDirection.shared(
      (0..<network.width).map { _ in Float(random.normal()) }, site: .finalNorm)
  }

  /// Measures ranking every row of the first product of all MLPs: opening the model anew, and with the model open.
  func locate(_ watch: inout Stopwatch) throws {
    let pages = try PageCache(folder: folder)
    let direction = try Self.direction(Model(open()).network)
    let scanned = try Model(open()).scannedBytes
    for (space, cold) in [(EditSpace.faithful, true), (.faithful, false), (.gainCorrected, false)]
    where self.cold || !cold {
      _ = try watch.measure(
        "locate", "\(space.rawValue), \(cold ? "cold" : "warm")", amount: Double(scanned), unit: "bytes",
        runs: runs,
        bound: Bounds.edit, before: { cold ? try pages.drop() : try pages.warm() }
      ) { try Locate.rank(Model(open()), direction, space: space) }
    }
    // Without opening the files and mapping their pages, which cost as much as the scan.
    let model = try Model(open())
    _ = try Locate.rank(model, direction, space: .faithful)
    _ = try watch.measure(
      "locate open", "faithful, model open", amount: Double(scanned), unit: "bytes", runs: runs,
      bound: Bounds.edit
    ) { try Locate.rank(model, direction, space: .faithful) }
  }

  private func build(_ watch: inout Stopwatch) throws -> Patch {
    let model = try Model(open())
    let plan = try Locate.rank(model, Self.direction(model.network), space: .faithful).plan(Self.budget)
    let changes = try plan.changes(strength: Self.strength, binding: model.binding)
    let touched = Set(changes.map(\.tensor)).compactMap { model.checkpoint.entry($0)?.byteRange.count }
    return try watch.measure(
      "patch", "\(plan.rows.count) rows, warm", amount: Double(touched.reduce(0, +)), unit: "bytes",
      runs: runs,
      bound: Bounds.edit
    ) { try Patch.build(open(), changes) }
  }
}

extension Model {
  /// Bytes of the matrices that locating reads.
  var scannedBytes: Int {
    get throws {
      try (0..<network.blocks).reduce(0) { sum, block in
        sum + (try linear(.block(block, network.surgeryRole)).byteCount)
      }
    }
  }
}

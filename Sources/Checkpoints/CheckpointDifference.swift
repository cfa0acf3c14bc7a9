import Runtime
import Synchronization
import Tensors

/// How two checkpoints differ: tensors, rows, side files.
public struct CheckpointDifference: Sendable, Equatable {
  /// A tensor stored with another type or shape.
  public struct Retyped: Sendable, Equatable {
    /// The tensor.
    public let tensor: String
    /// Type and shape in the first checkpoint.
    public let first: String
    /// Type and shape in the second.
    public let second: String
    /// ‖second − first‖ / ‖first‖ where only the type differs and both are floating-point; nil elsewhere.
    public var relativeNorm: Double?
    /// Whether the second is, value for value, the first rounded to its type.
    public var isRounding = false
  }

  /// Tensors whose values differ, in the first checkpoint's order.
  public internal(set) var changed: [TensorDifference] = []
  /// Tensors that are the same in both, byte for byte.
  public internal(set) var identical = 0
  /// Tensors stored with another type or shape.
  public internal(set) var retyped: [Retyped] = []
  /// Tensors of the first checkpoint alone.
  public internal(set) var onlyInFirst: [String] = []
  /// Tensors of the second checkpoint alone.
  public internal(set) var onlyInSecond: [String] = []
  /// Side files that both have, with other bytes.
  public internal(set) var filesChanged: [String] = []
  /// Side files of the first checkpoint alone.
  public internal(set) var filesOnlyInFirst: [String] = []
  /// Side files of the second checkpoint alone.
  public internal(set) var filesOnlyInSecond: [String] = []

  /// Whether all tensors are there in both and the same.
  public var sameTensors: Bool {
    changed.isEmpty && retyped.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty
  }

  /// Whether all side files are there in both and the same.
  public var sameFiles: Bool {
    filesChanged.isEmpty && filesOnlyInFirst.isEmpty && filesOnlyInSecond.isEmpty
  }
}

extension Checkpoint {
  /// Compares all tensors and side files with another checkpoint's, whatever the sharding of either.
  /// - Throws: ``FileError``, ``Interrupted``.
  /// - Complexity: reads both once; a block of one tensor at a time.
  public func difference(
    to other: Checkpoint, progress: ProgressSink = ignoreProgress
  ) throws -> CheckpointDifference {
    var result = CheckpointDifference()
    var common: [TensorEntry] = []
    for name in tensorNames {
      guard let first = entry(name) else { continue }
      guard let second = other.entry(name) else {
        result.onlyInFirst.append(name)
        continue
      }
      if first.shape == second.shape && first.dtype == second.dtype {
        common.append(first)
      } else {
        var retyped = CheckpointDifference.Retyped(
          tensor: name, first: first.description, second: second.description)
        if first.shape == second.shape, first.dtype.isComputable, second.dtype.isComputable {
          let change = try Self.roundingChange(tensor(name), other.tensor(name))
          (retyped.relativeNorm, retyped.isRounding) = (change.relativeNorm, change.isRounding)
        }
        result.retyped.append(retyped)
      }
    }
    result.onlyInSecond = other.tensorNames.filter { entry($0) == nil }
    let entries = common
    let found = Mutex<[Int: TensorDifference]>([:])
    let failure = Mutex<(any Error)?>(nil)
    let done = Atomic<Int>(0)
    Parallel.forEachItem(entries.count) { index in
      let entry = entries[index]
      do {
        let (first, second) = (try bytes(entry.name), try other.bytes(entry.name))
        let difference = try RowComparison.difference(entry, first, second)
        found.withLock { $0[index] = difference }
      } catch {
        failure.withLock { $0 = error }
      }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(ProgressEvent(stage: "compare", completed: completed, total: entries.count, unit: "tensors"))
    }
    if let error = failure.withLock({ $0 }) { throw error }
    let all = found.withLock { $0 }
    result.changed = entries.indices.compactMap { all[$0] }
    result.identical = entries.count - result.changed.count
    try compareFiles(other, &result)
    return result
  }

  /// How the values of two tensors of one shape and different types differ.
  private static func roundingChange(
    _ first: Tensor, _ second: Tensor
  ) throws -> (relativeNorm: Double?, isRounding: Bool) {
    let count = first.count
    let (first, second) = (first.reshaped([count]), second.reshaped([count]))
    var (change, norm, isRounding) = (0.0, 0.0, true)
    for start in stride(from: 0, to: count, by: 1 << 20) {
      try Cancellation.check()
      let range = start..<min(start + 1 << 20, count)
      let (a, b) = (first.rows(range).toFloats(), second.rows(range))
      let rounded = Tensor(a, dtype: b.dtype)
      isRounding =
        isRounding && withExtendedLifetime((rounded, b)) { rounded.bytes.elementsEqual(b.bytes) }
      for (x, y) in zip(a, b.toFloats()) {
        change += (Double(y) - Double(x)) * (Double(y) - Double(x))
        norm += Double(x) * Double(x)
      }
    }
    let relative = (change / norm).squareRoot()
    return (relative.isFinite ? relative : nil, isRounding)
  }

  private func compareFiles(_ other: Checkpoint, _ result: inout CheckpointDifference) throws {
    let theirs = Set(other.sideFiles)
    let own = Set(sideFiles)
    result.filesOnlyInFirst = sideFiles.filter { !theirs.contains($0) }
    result.filesOnlyInSecond = other.sideFiles.filter { !own.contains($0) }
    for file in sideFiles where theirs.contains(file) {
      if try !MappedFile.sameBytes("\(folder)/\(file)", "\(other.folder)/\(file)") {
        result.filesChanged.append(file)
      }
    }
  }
}

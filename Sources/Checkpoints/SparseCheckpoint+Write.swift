import JSON
import OrderedCollections
import Runtime
import Synchronization
import Tensors

/// What a sparse file took and left out, after it was read back and compared.
public struct SparseReport: Sendable, Equatable {
  /// One tensor.
  public struct Tensor: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// The encoding's name; `dense` where it is stored whole.
    public let encoding: String
    /// Elements whose bits are not all zero, and all elements.
    public let nonZero, count: Int
    /// Bytes dense and as written.
    public let before, after: Int
  }

  /// The written folder.
  public let output: String
  /// The tensors in their order.
  public let tensors: [Tensor]
  /// Bytes of the dense weight files.
  public let bytesBefore: Int
  /// Bytes of the sparse file.
  public let bytesAfter: Int
  /// Hash of the dense model, which the sparse file gives back.
  public let modelHash: String

  /// Elements whose bits are not all zero.
  public var nonZero: Int { tensors.reduce(0) { $0 + $1.nonZero } }
  /// Elements in all.
  public var count: Int { tensors.reduce(0) { $0 + $1.count } }

  /// What must be said beside such numbers.
  public static let honesty =
    "smaller on the disk only: the model is expanded to dense matrices before it runs, and dense kernels run no faster "
    + "on zeros"
}

extension SparseCheckpoint {
  /// How one tensor will be written.
  private struct Choice: Sendable {
    var encoding: SparseEncoding?
    var nonZero: Int
    /// Values written, fillers of groups included.
    var values: Int
    var bytes: Int
  }

  /// Writes a checkpoint as a folder with one sparse file, every side file as it is.
  ///
  /// For each tensor all encodings are sized and the smallest is taken: whole, bitmask, gaps (worth it below a density
  /// of about 1/8), and groups of 4, 8 and 16 along the rows that no group exceeds. The file is read back, expanded and compared before the
  /// folder gets its name.
  /// - Throws: ``CheckpointError``, ``TorchFileError/conversionNeeded(folder:)``, ``FileError``, ``Interrupted``.
  /// - Complexity: four passes over the weights; in memory a bit an element of a tensor on each thread.
  public static func write(
    _ source: Checkpoint, to path: String, progress: @escaping ProgressSink = ignoreProgress
  ) throws -> SparseReport {
    guard source.isSafetensors else { throw TorchFileError.conversionNeeded(folder: source.folder) }
    let output = try PartialFolder.check(output: path, source: source.folder, items: source.items)
    let choices = try choices(source, progress)
    let expected = size(source, choices)
    let sides = source.items.filter { !source.shardNames.contains($0.path) }
    if sides.contains(where: { $0.path == fileName }) {
      throw FileError.exists(path: "\(source.folder)/\(fileName)")
    }
    try Files.requireSpace(UInt64(expected + sides.reduce(0) { $0 + $1.size }), at: output)
    let hashes = try source.sha256(ofTensors: source.tensorNames, progress: progress)
    let modelHash = source.modelHash(with: hashes)
    let partial = try PartialFolder.make(for: output)
    do {
      try PartialFolder.copy(sides, from: source.folder, to: partial)
      let record = record(source, choices, hashes, modelHash)
      let items = try items(source, choices, expected, progress)
      try SafetensorsWriter.write(
        items, metadata: try PatchRecord.metadata(record, kind: kind, version: formatVersion),
        to: "\(partial)/\(fileName)")
      let written = try SparseCheckpoint(folder: partial)
      try written.check(progress)
      try PartialFolder.flush(partial, folders: sides.filter(\.isFolder).map(\.path))
      try PartialFolder.publish(partial, as: output)
      return SparseReport(
        output: output,
        tensors: written.items.map {
          .init(
            name: $0.name, encoding: $0.encoding?.name ?? "dense", nonZero: $0.nonZero, count: $0.count,
            before: $0.denseByteCount, after: $0.byteCount)
        }, bytesBefore: source.weightBytes, bytesAfter: written.byteCount, modelHash: modelHash)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  /// What ``write(_:to:progress:)`` would make: elements not zero, elements, and bytes of the sparse file, roughly.
  /// - Throws: as ``write(_:to:progress:)`` does before it writes.
  public static func plan(
    _ source: Checkpoint, to path: String, progress: ProgressSink = ignoreProgress
  ) throws -> (nonZero: Int, count: Int, bytes: Int) {
    guard source.isSafetensors else { throw TorchFileError.conversionNeeded(folder: source.folder) }
    _ = try PartialFolder.check(output: path, source: source.folder, items: source.items)
    let choices = try choices(source, progress)
    return (choices.values.reduce(0) { $0 + $1.nonZero }, source.parameterCount, size(source, choices))
  }

  private static func size(_ source: Checkpoint, _ choices: [String: Choice]) -> Int {
    choices.values.reduce(source.shards.reduce(1 << 12) { $0 + 2 * $1.header.dataStart }) { $0 + $1.bytes }
  }

  private static func choices(_ source: Checkpoint, _ progress: ProgressSink) throws -> [String: Choice] {
    let names = source.tensorNames
    let found = Mutex<[String: Result<Choice, any Error>]>([:])
    let done = Atomic<Int>(0)
    Parallel.forEachItem(names.count) { index in
      if Cancellation.isRequested { return }
      let result = Result { try choice(names[index], of: source) }
      found.withLock { $0[names[index]] = result }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(ProgressEvent(stage: "count", completed: completed, total: names.count, unit: "tensors"))
    }
    try Cancellation.check()
    return try found.withLock { try $0.mapValues { try $0.get() } }
  }

  private static func choice(_ name: String, of source: Checkpoint) throws -> Choice {
    let entry = try source.place(name).entry
    let size = entry.dtype.size
    let mask = try source.withBytes(name) { PlaceMask(nonZero: $0, size: size) }
    let nonZero = mask.count
    var best = Choice(encoding: nil, nonZero: nonZero, values: entry.count, bytes: entry.count * size)
    func offer(_ encoding: SparseEncoding, code: Int, values: Int) {
      let bytes = code + values * size
      if bytes < best.bytes {
        best = Choice(encoding: encoding, nonZero: nonZero, values: values, bytes: bytes)
      }
    }
    offer(.bitmask, code: (entry.count + 7) / 8, values: nonZero)
    if nonZero * 4 < entry.count { offer(.gaps, code: SparsePlaces.gapBytes(mask), values: nonZero) }
    for group in SparseEncoding.groupSizes where entry.count > 0 && entry.width % group == 0 {
      let keep = mask.fullestGroup(of: group)
      guard (1..<group).contains(keep) else { continue }
      // A cheap bound first: the fillers alone may cost more than any code saves.
      guard entry.count / group * keep * size < best.bytes else { continue }
      offer(
        .groups(keep: keep, of: group), code: GroupCode(keep: keep, of: group).byteCount(entry.count),
        values: entry.count / group * keep)
    }
    return best
  }

  private static func record(
    _ source: Checkpoint, _ choices: [String: Choice], _ hashes: [String: String], _ modelHash: String
  ) -> JSONValue {
    [
      "model_hash": .string(modelHash),
      "shards": .array(
        zip(source.shardNames, source.shards).map {
          ["name": .string($0), "size": .integer($1.bytes.count)]
        }),
      "tensors": .array(
        source.tensorNames.map { name in
          let choice = choices[name]
          return [
            "name": .string(name), "encoding": .string(choice?.encoding?.name ?? "dense"),
            "count": .integer(choice?.values ?? 0), "nonzero": .integer(choice?.nonZero ?? 0),
            "sha256": .string(hashes[name] ?? ""),
          ]
        }),
    ]
  }

  private static func items(
    _ source: Checkpoint, _ choices: [String: Choice], _ total: Int, _ progress: @escaping ProgressSink
  ) throws -> [SafetensorsWriter.Item] {
    var done = 0
    func count(_ bytes: Int) {
      done += bytes
      progress(
        ProgressEvent(stage: "write", completed: min(done, total), total: total, unit: "bytes"))
    }
    var items: [SafetensorsWriter.Item] = []
    for name in source.tensorNames {
      let entry = try source.place(name).entry
      guard let choice = choices[name] else { continue }
      guard let encoding = choice.encoding else {
        items.append(
          .init(name, dtype: entry.dtype, shape: entry.shape) { emit in
            try source.withBytes(name) { bytes in
              for start in stride(from: 0, to: bytes.count, by: TensorBlocks.size) {
                try Cancellation.check()
                let end = min(start + TensorBlocks.size, bytes.count)
                try emit(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
              }
            }
            count(choice.bytes)
          })
        continue
      }
      @Sendable func places() throws -> SparsePlaces {
        try source.withBytes(name) {
          try SparsePlaces(PlaceMask(nonZero: $0, size: entry.dtype.size), encoding)
        }
      }
      items.append(
        .init("\(name).values", dtype: entry.dtype, shape: [choice.values]) { emit in
          try source.withBytes(name) { try places().gather($0, size: entry.dtype.size, emit) }
          count(choice.values * entry.dtype.size)
        })
      items.append(
        .init(
          "\(name).places", dtype: .u8, shape: [choice.bytes - choice.values * entry.dtype.size]
        ) { emit in
          let code = try places().code
          try withExtendedLifetime(code) { try emit(code.bytes) }
        })
    }
    for (index, shard) in source.shards.enumerated() {
      items.append(
        .init("surgeon.header.\(index)", dtype: .u8, shape: [shard.header.dataStart]) { emit in
          try emit(UnsafeRawBufferPointer(rebasing: shard.bytes[..<shard.header.dataStart]))
        })
    }
    // Wide types first, so that every tensor is aligned to its elements; otherwise the order of the source.
    return items.enumerated().sorted {
      ($1.element.dtype.size, $0.offset) < ($0.element.dtype.size, $1.offset)
    }.map(\.element)
  }
}

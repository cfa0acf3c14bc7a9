import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// What stays of one stored tensor: some rows and columns of its matrices.
///
/// A tensor `[…, R, C]` counts as a stack of matrices `[R, C]`, a vector `[C]` as one matrix of one row. Every list is ascending,
/// one for each matrix of the stack, all of one length.
public struct TensorCut: Sendable, Equatable {
  /// The tensor's name.
  public var tensor: String
  /// Rows that stay, for each matrix; nil for all.
  public var rows: [[Int]]?
  /// Columns that stay, for each matrix; nil for all.
  public var columns: [[Int]]?

  /// A cut.
  public init(tensor: String, rows: [[Int]]? = nil, columns: [[Int]]? = nil) {
    self.tensor = tensor
    self.rows = rows
    self.columns = columns
  }

  /// The shape of what stays of a tensor of a shape; nil where the lists do not fit it.
  func shape(of whole: [Int]) -> [Int]? {
    guard let width = whole.last, !whole.contains(0) else { return nil }
    let height = whole.count >= 2 ? whole[whole.count - 2] : 1
    let matrices = whole.reduce(1, *) / (height * width)
    func length(_ lists: [[Int]]?, _ size: Int) -> Int? {
      guard let lists else { return size }
      guard lists.count == matrices, let first = lists.first, !first.isEmpty else { return nil }
      for list in lists {
        guard list.count == first.count, list[0] >= 0, list[list.count - 1] < size,
          zip(list, list.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
      }
      return first.count
    }
    guard let rows = length(rows, height), let columns = length(columns, width) else { return nil }
    if whole.count == 1 { return self.rows == nil ? [columns] : nil }
    return whole.dropLast(2) + [rows, columns]
  }

  /// Hands out what stays of a tensor's bytes, row by row.
  func gather(
    _ bytes: UnsafeRawBufferPointer, shape: [Int], size: Int, _ emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let width = shape.last ?? 1, height = shape.count >= 2 ? shape[shape.count - 2] : 1
    let rowBytes = width * size
    var picked = [UInt8](repeating: 0, count: (columns?[0].count ?? 0) * size)
    for matrix in 0..<bytes.count / max(1, height * rowBytes) {
      if matrix % 64 == 0 { try Cancellation.check() }
      func hand(_ row: Int) throws {
        let start = (matrix * height + row) * rowBytes
        let whole = UnsafeRawBufferPointer(rebasing: bytes[start..<start + rowBytes])
        guard let columns = columns?[matrix] else { return try emit(whole) }
        for (place, column) in columns.enumerated() {
          for byte in 0..<size { picked[place * size + byte] = whole[column * size + byte] }
        }
        try picked.withUnsafeBytes { try emit($0) }
      }
      if let rows = rows?[matrix] {
        for row in rows { try hand(row) }
      } else {
        for row in 0..<height { try hand(row) }
      }
    }
  }

  /// A transform for ``CheckpointWriter`` that writes zeros where the cut would take away: the masked twin of a cut tensor.
  func zeros(of entry: TensorEntry) -> CheckpointWriter.Transform {
    let width = entry.width, size = entry.dtype.size
    let height = entry.shape.count >= 2 ? entry.shape[entry.shape.count - 2] : 1
    func kept(_ lists: [[Int]]?, _ length: Int) -> [[Bool]]? {
      lists.map {
        $0.map { list in
          var flags = [Bool](repeating: false, count: length)
          for index in list { flags[index] = true }
          return flags
        }
      }
    }
    let (rows, columns) = (kept(rows, height), kept(columns, width))
    return { range, bytes in
      for stored in range {
        let (matrix, row) = stored.quotientAndRemainder(dividingBy: height)
        let start = (stored - range.lowerBound) * width * size
        let isKept = rows?[matrix][row] ?? true
        if isKept && columns == nil { continue }
        for column in 0..<width where !isKept || columns?[matrix][column] == false {
          for byte in 0..<size { bytes[start + column * size + byte] = 0 }
        }
      }
    }
  }
}

/// What a cut checkpoint is, after it was read back and compared.
public struct CutReport: Sendable, Equatable {
  /// The written folder.
  public let output: String
  /// Tensors that lost rows or columns: name, shape before and after.
  public let cut: [Shape]
  /// Tensors that are byte-identical to the source's.
  public let untouched: Int
  /// Elements before and after.
  public let parametersBefore, parametersAfter: Int
  /// Bytes of the weight files before and after.
  public let bytesBefore, bytesAfter: Int
  /// Hash of the written model.
  public let modelHash: String

  /// A tensor's shapes.
  public struct Shape: Sendable, Equatable {
    /// The tensor.
    public let tensor: String
    /// Its sizes before and after.
    public let before, after: [Int]
  }
}

extension Checkpoint {
  /// The transforms that write zeros where cuts would take away: the masked checkpoint, of unchanged shapes.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``.
  public func zeros(where cuts: [TensorCut]) throws -> [String: CheckpointWriter.Transform] {
    var transforms: [String: CheckpointWriter.Transform] = [:]
    for cut in cuts { transforms[cut.tensor] = cut.zeros(of: try place(cut.tensor).entry) }
    return transforms
  }

  /// Elements that stay.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``,
  ///   ``CheckpointError/replacementDiffers(tensor:expected:found:)`` for a cut that does not fit its tensor.
  public func parameterCount(after cuts: [TensorCut]) throws -> Int {
    try shapes(after: cuts).reduce(parameterCount) { sum, cut in
      sum - cut.before.reduce(1, *) + cut.after.reduce(1, *)
    }
  }

  private func shapes(after cuts: [TensorCut]) throws -> [CutReport.Shape] {
    try cuts.map { cut in
      let entry = try place(cut.tensor).entry
      guard let shape = cut.shape(of: entry.shape) else {
        throw CheckpointError.replacementDiffers(
          tensor: cut.tensor, expected: "rows and columns of \(entry.shape)",
          found: "a cut that does not fit")
      }
      return CutReport.Shape(tensor: cut.tensor, before: entry.shape, after: shape)
    }
  }

  /// Writes a copy whose tensors keep only some rows and columns, with another config.json.
  ///
  /// Sharding, order of tensors, types and metadata stay; every other tensor is byte-identical, and so is every other side file (the
  /// index's sizes are made to fit). The copy is read back and compared before it gets its name.
  /// - Throws: ``CheckpointError``, ``TorchFileError/conversionNeeded(folder:)``, ``FileError``, ``Interrupted``, and what
  ///   `commit` throws.
  public func write(
    _ cuts: [TensorCut], config: JSONValue, record: [UInt8]?, to path: String,
    progress: @escaping ProgressSink = ignoreProgress, commit: (Checkpoint) throws -> Void = { _ in }
  ) throws -> CutReport {
    guard isSafetensors else { throw TorchFileError.conversionNeeded(folder: folder) }
    let output = try PartialFolder.check(output: path, source: folder, items: items)
    let shapes = try shapes(after: cuts)
    try Files.requireSpace(UInt64(items.reduce(1 << 16) { $0 + $1.size }), at: output)
    let cutOf = Dictionary(zip(cuts, shapes).map { ($0.tensor, ($0, $1.after)) }) { first, _ in first }
    let partial = try PartialFolder.make(for: output)
    do {
      let own = Set(
        shardNames + (indexFile.map { [$0] } ?? []) + ["config.json", CheckpointWriter.recordName])
      try PartialFolder.copy(items.filter { !own.contains($0.path) }, from: folder, to: partial)
      try Files.write(try config.text(.pretty) + "\n", to: "\(partial)/config.json")
      if let record { try Files.write(record, to: "\(partial)/\(CheckpointWriter.recordName)") }
      try writeShards(cutOf, to: partial, progress)
      if let indexFile { try writeIndex(indexFile, cutOf, to: partial) }
      try PartialFolder.flush(partial, folders: items.filter(\.isFolder).map(\.path))
      let written = try Checkpoint(folder: partial, cache: .none)
      try compare(written, cutOf, progress)
      try commit(written)
      let hash = try written.modelHash(progress: progress)
      try PartialFolder.publish(partial, as: output)
      return CutReport(
        output: output, cut: shapes, untouched: tensorNames.count - shapes.count,
        parametersBefore: parameterCount, parametersAfter: written.parameterCount, bytesBefore: weightBytes,
        bytesAfter: written.weightBytes, modelHash: hash)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  private func writeShards(
    _ cutOf: [String: (TensorCut, [Int])], to partial: String, _ progress: @escaping ProgressSink
  ) throws {
    var done = 0
    let total = weightBytes
    for (name, shard) in zip(shardNames, shards) {
      let items = shard.entries.map { entry in
        let cut = cutOf[entry.name]
        return SafetensorsWriter.Item(entry.name, dtype: entry.dtype, shape: cut?.1 ?? entry.shape) { emit in
          let bytes = shard.bytes(of: entry)
          if let cut {
            try cut.0.gather(bytes, shape: entry.shape, size: entry.dtype.size, emit)
          } else {
            for start in stride(from: 0, to: bytes.count, by: TensorBlocks.size) {
              try Cancellation.check()
              let end = min(start + TensorBlocks.size, bytes.count)
              try emit(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            }
          }
          done += bytes.count
          progress(ProgressEvent(stage: "copy", completed: done, total: total, unit: "bytes"))
        }
      }
      try Files.makeFolder(Files.folder(of: "\(partial)/\(name)"))
      try SafetensorsWriter.write(items, metadata: shard.metadata ?? [:], to: "\(partial)/\(name)")
    }
  }

  private func writeIndex(
    _ indexFile: String, _ cutOf: [String: (TensorCut, [Int])], to partial: String
  ) throws {
    var index = try JSONValue(file: "\(folder)/\(indexFile)")
    var (bytes, parameters) = (0, 0)
    for name in tensorNames {
      let entry = try place(name).entry
      let count = (cutOf[name]?.1 ?? entry.shape).reduce(1, *)
      bytes += count * entry.dtype.size
      parameters += count
    }
    if var metadata = index["metadata"], metadata.object != nil {
      if metadata["total_size"] != nil { metadata["total_size"] = .integer(bytes) }
      if metadata["total_parameters"] != nil { metadata["total_parameters"] = .integer(parameters) }
      index["metadata"] = metadata
    }
    try Files.write(try index.text(.pretty) + "\n", to: "\(partial)/\(indexFile)")
  }

  /// Compares every tensor of a written copy with what should be there.
  private func compare(
    _ written: Checkpoint, _ cutOf: [String: (TensorCut, [Int])], _ progress: ProgressSink
  ) throws {
    func fail(_ what: String) -> CheckpointError { .verifyFailed(path: written.folder, what: what) }
    guard written.tensorNames == tensorNames else { throw fail("other tensors") }
    for (index, name) in tensorNames.enumerated() {
      try Cancellation.check()
      let entry = try place(name).entry
      let found = try written.place(name).entry
      guard found.dtype == entry.dtype, found.shape == cutOf[name]?.1 ?? entry.shape else {
        throw fail("\(name) is \(found.description)")
      }
      let same = try written.withBytes(name) { copy -> Bool in
        try withBytes(name) { source -> Bool in
          guard let (cut, _) = cutOf[name] else { return source.sameBytes(as: copy) }
          var (place, same) = (0, true)
          try cut.gather(source, shape: entry.shape, size: entry.dtype.size) { piece in
            let there = UnsafeRawBufferPointer(rebasing: copy[place..<place + piece.count])
            same = same && piece.sameBytes(as: there)
            place += piece.count
          }
          return same && place == copy.count
        }
      }
      guard same else { throw fail("tensor \(name) differs") }
      progress(
        ProgressEvent(stage: "verify", completed: index + 1, total: tensorNames.count, unit: "tensors"))
    }
  }
}

import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// What a conversion wrote, after it was read back and compared.
public struct ConversionReport: Sendable, Equatable {
  /// The written folder.
  public let output: String
  /// Weight files written: the source's name and the new one.
  public let files: [(from: String, to: String)]
  /// Tensors compared with the source and found identical.
  public let tensors: Int
  /// Tensors that were views of others and are written whole: ties and slices.
  public let shared: [String]
  /// Keys of the source that hold no tensors and are not written.
  public let dropped: [String]
  /// Model hash of both.
  public let modelHash: String

  public static func == (a: ConversionReport, b: ConversionReport) -> Bool {
    a.output == b.output && a.tensors == b.tensors && a.shared == b.shared && a.dropped == b.dropped
      && a.modelHash == b.modelHash && a.files.elementsEqual(b.files, by: ==)
  }
}

extension Checkpoint {
  /// Writes the folder anew with its PyTorch state dicts as safetensors, shard by shard, and every side file as it is.
  ///
  /// Like every write: a sibling folder is filled, flushed, read back and compared tensor by tensor, and then renamed.
  /// - Throws: ``CheckpointError``, ``TorchFileError``, ``FileError``, ``Interrupted``.
  public func convert(
    to output: String, progress: @escaping ProgressSink = ignoreProgress
  ) throws -> ConversionReport {
    guard !isSafetensors else {
      throw TorchFileError.nothingToConvert(folder: folder)
    }
    let writer = try CheckpointWriter(copying: self, output: output)
    let partial = try writer.makePartial()
    do {
      let names = Dictionary(
        uniqueKeysWithValues: shardNames.map { ($0, Self.safetensorsName($0, isOnly: shardNames.count == 1)) }
      )
      try copySideFiles(to: partial)
      var done = 0
      let total = tensorNames.compactMap(entry).reduce(0) { $0 + $1.byteRange.count }
      for (index, file) in files.enumerated() {
        let items = file.entries.map { entry in
          SafetensorsWriter.Item(entry.name, dtype: entry.dtype, shape: entry.shape) { emit in
            let bytes = try file.data(of: entry)
            for start in stride(from: 0, to: bytes.count, by: TensorBlocks.size) {
              try Cancellation.check()
              let end = min(start + TensorBlocks.size, bytes.count)
              try emit(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            }
            done += bytes.count
            progress(ProgressEvent(stage: "convert", completed: done, total: total, unit: "bytes"))
          }
        }
        try SafetensorsWriter.write(items, to: "\(partial)/\(names[shardNames[index]] ?? "")")
      }
      if let indexFile { try writeIndex(indexFile, names, to: partial) }
      try writer.flushFolders(partial)
      let written = try Checkpoint(folder: partial, cache: .none)
      let difference = try difference(to: written, progress: progress)
      guard difference.sameTensors, difference.sameFiles else {
        throw CheckpointError.verifyFailed(path: partial, what: "a tensor or a file differs from the source")
      }
      let hash = try written.modelHash(progress: progress)
      try writer.publish(partial)
      return ConversionReport(
        output: writer.output, files: shardNames.map { ($0, names[$0] ?? "") }, tensors: tensorNames.count,
        shared: sharedTensors,
        dropped: files.compactMap { $0 as? TorchFile }.flatMap(\.others), modelHash: hash)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  /// Bytes that a converted copy takes, roughly.
  public var conversionBytes: Int {
    let tensors = tensorNames.compactMap(entry).reduce(0) { $0 + $1.byteRange.count }
    return items.filter { !$0.isFolder && !shardNames.contains($0.path) }.reduce(tensors + 1 << 16) {
      $0 + $1.size
    }
  }

  private static func safetensorsName(_ name: String, isOnly: Bool) -> String {
    if isOnly { return CheckpointFolder.single }
    var stem = name[...]
    for ending in [".bin", ".pt", ".pth"] where stem.hasSuffix(ending) { stem = stem.dropLast(ending.count) }
    if stem.hasPrefix("pytorch_") { stem = stem.dropFirst("pytorch_".count) }
    return "\(stem).safetensors"
  }

  private func copySideFiles(to partial: String) throws {
    let own = Set(shardNames + (indexFile.map { [$0] } ?? []))
    for item in items where !own.contains(item.path) {
      let target = "\(partial)/\(item.path)"
      if item.isFolder {
        try Files.makeFolder(target)
      } else {
        let file = try OutputFile(creating: target)
        try file.copy(from: "\(folder)/\(item.path)")
        try file.finish()
      }
    }
  }

  private func writeIndex(_ indexFile: String, _ names: [String: String], to partial: String) throws {
    var index = try JSONValue(file: "\(folder)/\(indexFile)")
    var map: OrderedDictionary<String, JSONValue> = [:]
    for name in tensorNames { map[name] = .optional(entry(name).flatMap { names[$0.shard] }) }
    index["weight_map"] = .object(map)
    try Files.write(try index.text(.pretty) + "\n", to: "\(partial)/\(CheckpointFolder.index)")
  }

  /// Tensors whose bytes lie inside those of an earlier one of the same file.
  private var sharedTensors: [String] {
    var shared: [String] = []
    for file in files {
      var end = -1
      for entry in file.entries.sorted(by: { $0.byteRange.lowerBound < $1.byteRange.lowerBound })
      where !entry.byteRange.isEmpty {
        if entry.byteRange.lowerBound < end { shared.append(entry.name) }
        end = max(end, entry.byteRange.upperBound)
      }
    }
    return shared.sorted()
  }
}

import Runtime
import Synchronization
import Tensors

/// A state dict as `torch.save` writes it (`.pt`, `.bin`, `.pth`), mapped read-only; nothing of it is run.
///
/// The archive is read by ``ZipArchive`` and its pickle by ``Pickle``. Dense tensors are views of the mapped file;
/// transposed and sliced ones are copied in row-major order when they are first asked for. A record's checksum is
/// compared when it is first read.
public final class TorchFile: Sendable {
  /// The path as it was opened.
  public let path: String
  /// The tensors in the dictionary's order. The range of a tensor that is not dense is that of its whole storage's
  /// beginning: use ``tensor(_:)``.
  public let entries: [TensorEntry]
  /// Keys of the file that hold no tensors, such as `epoch`.
  public let others: [String]
  /// The key under which the state dict lies in a training checkpoint, such as `model`; nil where it is the file itself.
  public let section: String?

  private let mapping: MappedFile
  private let views: [String: View]
  private let checked = Mutex<Set<String>>([])
  private let copies = Mutex<[String: TensorStorage]>([:])

  private struct View: Sendable {
    var entry: TensorEntry
    var record: ZipArchive.Record
    /// Elements from the start of the record.
    var offset: Int
    var strides: [Int]
    var isDense: Bool
  }

  /// Opens a file; `shard` is the name its entries carry (default: the file's own).
  /// - Throws: ``FileError``, ``TorchFileError``.
  public init(path: String, shard: String? = nil) throws {
    let mapping = try MappedFile(path: path)
    try Self.refuseOtherFormats(mapping.bytes, file: path)
    let archive = try ZipArchive(bytes: mapping.bytes, file: path)
    let pickles = archive.records.filter {
      $0.name.hasSuffix("/data.pkl") && $0.name.split(separator: "/").count == 2
    }
    if archive.records.contains(where: { $0.name.hasSuffix("/constants.pkl") }) {
      throw TorchFileError.script(file: path)
    }
    guard let record = pickles.first, pickles.count == 1 else {
      throw TorchFileError.notTorch(
        file: path, reason: "a zip archive with \(pickles.count) records called FOLDER/data.pkl")
    }
    let folder = record.name.dropLast("data.pkl".count)
    if let order = archive.record(folder + "byteorder"),
      !UnsafeRawBufferPointer(rebasing: mapping.bytes[order.range]).elementsEqual("little".utf8)
    {
      throw TorchFileError.byteOrder(file: path)
    }
    let data = UnsafeRawBufferPointer(rebasing: mapping.bytes[record.range])
    guard CRC32.of(data) == record.checksum else {
      throw TorchFileError.checksum(file: path, record: record.name)
    }
    let pickle = try Pickle(bytes: data, file: path)
    let dictionary = try StateDictionary(pickle, file: path)
    var entries: [TensorEntry] = []
    var views: [String: View] = [:]
    for (name, index) in dictionary.tensors {
      let view = try Self.view(
        pickle.tensors[index], name: name, pickle: pickle, archive: archive, folder: String(folder),
        file: path,
        shard: shard ?? Files.name(of: path))
      guard views.updateValue(view, forKey: name) == nil else {
        throw TorchFileError.tensor(file: path, name: name, reason: "the name stands there twice")
      }
      entries.append(view.entry)
    }
    self.path = path
    self.entries = entries
    self.others = dictionary.others
    self.section = dictionary.section
    self.mapping = mapping
    self.views = views
  }

  /// Names formats that are taken for this one.
  private static func refuseOtherFormats(_ bytes: UnsafeRawBufferPointer, file: String) throws {
    func begins(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
    if begins([0x50, 0x4B]) { return }
    if begins([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) {
      throw TorchFileError.legacy(file: file)
    }
    let what =
      bytes.isEmpty
      ? "an empty file"
      : begins([0x80])
        ? "a bare pickle, which can run any code when it is loaded; it was not read"
        : begins(Array("GGUF".utf8))
          ? "a GGUF file"
          : begins(Array("version https://git-lfs".utf8)) ? "a Git LFS pointer" : "no zip archive"
    throw TorchFileError.notTorch(file: file, reason: what)
  }

  /// Checks a view against its storage and the storage against its record.
  private static func view(
    _ view: Pickle.View, name: String, pickle: Pickle, archive: ZipArchive, folder: String, file: String,
    shard: String
  ) throws -> View {
    func bad(_ reason: String) -> TorchFileError { .tensor(file: file, name: name, reason: reason) }
    let storage = pickle.storages[view.storage]
    guard let record = archive.record("\(folder)data/\(storage.key)") else {
      throw bad("no record \(folder)data/\(storage.key)")
    }
    let (bytes, overflow) = storage.count.multipliedReportingOverflow(by: storage.dtype?.size ?? 1)
    guard !overflow, bytes == record.range.count else {
      throw bad("a storage of \(storage.count) elements in a record of \(record.range.count) bytes")
    }
    let room = bytes / view.dtype.size
    guard view.offset >= 0, view.shape.allSatisfy({ $0 >= 0 }), view.strides.allSatisfy({ $0 >= 0 }) else {
      throw bad("negative sizes, strides or offset")
    }
    guard let needed = view.dtype.byteCount(view.shape) else { throw bad("shape \(view.shape) overflows") }
    let count = needed / view.dtype.size
    // No view may be larger than its storage: an expanded one would unfold to any size.
    guard count <= room else { throw bad("\(count) elements out of a storage of \(room)") }
    var last = view.offset
    for (size, stride) in zip(view.shape, view.strides) where count > 0 {
      let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflowed) = last.addingReportingOverflow(reach)
      guard !overflow, !overflowed else { throw bad("strides \(view.strides) overflow") }
      last = sum
    }
    guard count == 0 || last < room else { throw bad("it ends at element \(last) of \(room)") }
    var dense = 1
    var isDense = true
    for (size, stride) in zip(view.shape, view.strides).reversed() where size != 1 {
      if stride != dense { isDense = false }
      dense *= max(size, 1)
    }
    let start = record.range.lowerBound + (isDense || count == 0 ? view.offset * view.dtype.size : 0)
    let begin = count == 0 ? record.range.lowerBound : start
    return View(
      entry: TensorEntry(
        name: name, dtype: view.dtype, shape: view.shape, shard: shard, byteRange: begin..<(begin + needed)),
      record: record, offset: view.offset, strides: view.strides, isDense: isDense || count == 0)
  }

  /// The names in the dictionary's order.
  public var names: [String] { entries.map(\.name) }

  /// The record of a tensor; nil for an unknown name.
  public func entry(_ name: String) -> TensorEntry? { views[name]?.entry }

  /// A tensor, row-major: a view of the mapped file where it is dense and aligned, else a copy.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``, ``TorchFileError/checksum(file:record:)``.
  public func tensor(_ name: String) throws -> Tensor {
    guard let view = views[name] else { throw CheckpointError.unknownTensor(name: name, place: path) }
    let bytes = try data(of: view.entry)
    let (shape, dtype) = (view.entry.shape, view.entry.dtype)
    if let copy = copies.withLock({ $0[name] }) { return Tensor(storage: copy, shape: shape, dtype: dtype) }
    guard view.entry.byteRange.lowerBound % dtype.size == 0 else {
      let storage = TensorStorage(byteCount: bytes.count)
      if let from = bytes.baseAddress { storage.base.copyMemory(from: from, byteCount: bytes.count) }
      return Tensor(storage: storage, shape: shape, dtype: dtype)
    }
    return Tensor(storage: TensorStorage(viewing: bytes, owner: mapping), shape: shape, dtype: dtype)
  }

  private func requireChecksum(_ record: ZipArchive.Record) throws {
    if checked.withLock({ $0.contains(record.name) }) { return }
    guard CRC32.of(UnsafeRawBufferPointer(rebasing: mapping.bytes[record.range])) == record.checksum else {
      throw TorchFileError.checksum(file: path, record: record.name)
    }
    _ = checked.withLock { $0.insert(record.name) }
  }

  /// The elements of a view one by one, in row-major order.
  private func gather(_ view: View) -> TensorStorage {
    let (size, shape) = (view.entry.dtype.size, view.entry.shape)
    let storage = TensorStorage(byteCount: view.entry.byteRange.count)
    guard let base = mapping.bytes.baseAddress else { return storage }
    let source = base + view.record.range.lowerBound
    var index = [Int](repeating: 0, count: shape.count)
    var place = view.offset
    for element in 0..<(view.entry.byteRange.count / size) {
      (storage.base + element * size).copyMemory(from: source + place * size, byteCount: size)
      for axis in shape.indices.reversed() {
        index[axis] += 1
        place += view.strides[axis]
        if index[axis] < shape[axis] { break }
        place -= index[axis] * view.strides[axis]
        index[axis] = 0
      }
    }
    return storage
  }
}

extension TorchFile: WeightFile {
  var byteCount: Int { mapping.bytes.count }

  func data(of entry: TensorEntry) throws -> UnsafeRawBufferPointer {
    guard let view = views[entry.name] else {
      throw CheckpointError.unknownTensor(name: entry.name, place: path)
    }
    try requireChecksum(view.record)
    if view.isDense { return UnsafeRawBufferPointer(rebasing: mapping.bytes[view.entry.byteRange]) }
    let storage = copies.withLock { copies in
      if let known = copies[entry.name] { return known }
      let copy = gather(view)
      copies[entry.name] = copy
      return copy
    }
    return UnsafeRawBufferPointer(start: storage.base, count: entry.byteRange.count)
  }
}

/// Finds the tensors in what a pickle holds: the dictionary itself, or the one that a training checkpoint keeps under a
/// usual key.
private struct StateDictionary {
  private(set) var tensors: [(name: String, index: Int)] = []
  private(set) var others: [String] = []
  private(set) var section: String?

  static let sections = ["state_dict", "model_state_dict", "model", "module", "params", "weights"]

  init(_ pickle: Pickle, file: String) throws {
    switch pickle.result {
    case .tensor(let index): tensors = [("tensor", index)]
    case .list(let list): number(pickle.lists[list])
    case .tuple(let tuple): number(pickle.tuples[tuple])
    case .dictionary(let top): read(pickle.dictionaries[top], pickle)
    default: throw TorchFileError.noTensors(file: file, found: "a single value")
    }
    guard !tensors.isEmpty else {
      throw TorchFileError.noTensors(
        file: file, found: "no tensors; its keys: \(CheckpointError.list(others))")
    }
  }

  private mutating func number(_ values: [Pickle.Value]) {
    for (place, value) in values.enumerated() {
      if case .tensor(let index) = value {
        tensors.append(("\(place)", index))
      } else {
        others.append("\(place)")
      }
    }
  }

  private mutating func read(_ members: [(key: Pickle.Value, value: Pickle.Value)], _ pickle: Pickle) {
    take(members)
    guard tensors.isEmpty else { return }
    for name in Self.sections {
      guard case .dictionary(let inner)? = members.last(where: { $0.key == .text(name) })?.value else {
        continue
      }
      var candidate = self
      candidate.take(pickle.dictionaries[inner])
      guard !candidate.tensors.isEmpty else { continue }
      candidate.section = name
      candidate.others.removeAll { $0 == name }
      self = candidate
      return
    }
  }

  private mutating func take(_ members: [(key: Pickle.Value, value: Pickle.Value)]) {
    for (key, value) in members {
      let name =
        switch key {
        case .text(let text): text
        case .int(let number): "\(number)"
        default: "?"
        }
      if case .tensor(let index) = value { tensors.append((name, index)) } else { others.append(name) }
    }
  }
}

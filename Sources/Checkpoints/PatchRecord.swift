import Glibc
import JSON
import OrderedCollections
import Runtime
import Tensors

/// The tensor that a patch or an undo file speaks of.
struct PatchTarget {
  var tensor: String
  var dtype: DType
  var shape: [Int]
  var transposed: Bool
  var before: String
  var after: String

  var value: JSONValue {
    [
      "tensor": .string(tensor), "dtype": .string(dtype.rawValue), "shape": .integers(shape),
      "transposed": .bool(transposed), "before": .string(before), "after": .string(after),
    ]
  }
}

extension PatchTarget {
  init(_ edit: RowEdit) {
    tensor = edit.tensor
    dtype = edit.dtype
    shape = edit.shape
    transposed = edit.transposed
    before = edit.beforeSHA256
    after = edit.afterSHA256
  }

  init(_ edit: ProjectionEdit) {
    tensor = edit.tensor
    dtype = edit.dtype
    shape = edit.shape
    transposed = false
    before = edit.beforeSHA256
    after = edit.afterSHA256
  }

  init(_ edit: SparseEdit) {
    tensor = edit.tensor
    dtype = edit.dtype
    shape = edit.shape
    transposed = false
    before = edit.beforeSHA256
    after = edit.afterSHA256
  }

  init(_ value: JSONValue, file: String) throws {
    let sizes = value["shape"]?.array?.compactMap(\.int)
    guard let tensor = value["tensor"]?.string, let type = value["dtype"]?.string,
      let dtype = DType(rawValue: type), let shape = sizes, shape.count == value["shape"]?.array?.count,
      shape.allSatisfy({ $0 >= 0 }), let before = value["before"]?.string, let after = value["after"]?.string
    else {
      throw CheckpointError.badPatch(file: file, reason: "a record lacks tensor, dtype, shape or hashes")
    }
    guard dtype.byteCount(shape) != nil else {
      throw CheckpointError.badPatch(file: file, reason: "shape \(shape) of \(tensor)")
    }
    self.tensor = tensor
    self.dtype = dtype
    self.shape = shape
    self.transposed = value["transposed"]?.bool ?? false
    self.before = before
    self.after = after
  }
}

/// What patch and undo files share: kind and version in the metadata, and one JSON text.
struct PatchRecord {
  let file: SafetensorsFile
  let value: JSONValue
  /// Version of the format.
  let version: Int

  /// Checks kind and version and parses the text.
  init(_ file: SafetensorsFile, kind: String, upTo newest: Int) throws {
    func bad(_ reason: String) -> CheckpointError { .badPatch(file: file.path, reason: reason) }
    guard let metadata = file.metadata, let found = metadata["format"] else {
      throw bad("no format is named")
    }
    guard found == kind else { throw bad("the format is \(found), not \(kind)") }
    guard let version = metadata["version"].flatMap({ Int($0) }), (1...newest).contains(version) else {
      throw bad("version \(metadata["version"] ?? "(none)"); this program reads up to \(newest)")
    }
    self.version = version
    guard let text = metadata["record"] else { throw bad("no record") }
    do {
      self.value = try JSONValue(parsing: text, source: file.path)
    } catch { throw bad("the record is no JSON") }
    self.file = file
  }

  static func metadata(_ value: JSONValue, kind: String, version: Int) throws
    -> OrderedDictionary<String, String>
  {
    ["format": kind, "version": "\(version)", "record": try value.text()]
  }

  /// A tensor of the file, of the type expected.
  func tensor(_ name: String, _ dtype: DType) throws -> Tensor {
    guard let entry = file.entry(name), entry.dtype == dtype else {
      throw CheckpointError.badPatch(file: file.path, reason: "no \(name) of type \(dtype.rawValue)")
    }
    return try file.tensor(name)
  }

  /// A list of row numbers.
  func rows(_ name: String) throws -> [Int] {
    let tensor = try tensor(name, .i64)
    return (0..<tensor.count).map { Int(tensor.bytes.load(fromByteOffset: $0 * 8, as: Int64.self)) }
  }

  /// - Throws: ``FileError/exists(path:)``, or ``CheckpointError/outputInsideSource(output:source:)`` where the folder
  ///   holds a model: its files are copied along with it, and a patch would be copied too.
  static func checkPlace(_ path: String) throws {
    var info = stat()
    if lstat(path, &info) == 0 { throw FileError.exists(path: path) }
    let folder = Files.folder(of: path)
    for name in [CheckpointFolder.single, CheckpointFolder.index] where Files.exists("\(folder)/\(name)") {
      throw CheckpointError.outputInsideSource(output: path, source: folder)
    }
  }
}

extension Tensor {
  /// A list of whole numbers.
  init(integers: [Int]) {
    self.init(zeros: [integers.count], dtype: .i64)
    integers.map(Int64.init).withUnsafeBytes {
      if let from = $0.baseAddress { storage.base.copyMemory(from: from, byteCount: $0.count) }
    }
  }
}

import Checkpoints
import Runtime
import Tensors

/// NumPy's `.npy` files: one array, C order, little-endian; and arrays of `.npz` archives, written `FILE.npz:NAME`.
public enum NPYFile {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads a matrix of f2, f4 or f8 as f32 features `[n, D]`.
  /// - Throws: ``ProbingError``, ``FileError``.
  public static func features(_ path: String, site: String) throws -> Features {
    try Features(site: site, matrix(path))
  }

  /// Reads a matrix of f2, f4 or f8 as f32 `[rows, columns]`.
  /// - Throws: ``ProbingError``, ``FileError``.
  public static func matrix(_ path: String) throws -> Tensor {
    let array = try Mapped(reading: path)
    guard array.shape.count == 2 else {
      throw ProbingError.badFeatures(
        file: path, problem: "an array of shape \(array.shape)", expected: "a matrix [texts, width]")
    }
    return try array.floats(path, expected: "f2, f4 or f8")
  }

  /// Reads items of one or more sizes, f2, f4, f8 or bytes (0…255), as f32 `[n, …]`.
  /// - Throws: ``ProbingError``, ``TorchFileError`` for damaged archives, ``FileError``.
  public static func items(_ path: String) throws -> Tensor {
    let array = try Mapped(reading: path)
    guard array.shape.count >= 2 else {
      throw ProbingError.badFeatures(
        file: path, problem: "an array of shape \(array.shape)", expected: "items [n, …] of one or more sizes"
      )
    }
    guard array.type == "|u1" else { return try array.floats(path, expected: "f2, f4, f8 or u1") }
    let tensor = Tensor(zeros: array.shape)
    for i in 0..<tensor.count { tensor.f32[i] = Float(array.word(i) as UInt8) }
    return tensor
  }

  /// Reads a vector of whole numbers or truth values, `[n]`: labels or groups.
  /// - Throws: ``ProbingError``, ``FileError``.
  public static func integers(_ path: String) throws -> [Int] {
    let array = try Mapped(reading: path)
    guard array.shape.count == 1 else {
      throw ProbingError.badFeatures(
        file: path, problem: "an array of shape \(array.shape)", expected: "a vector")
    }
    return try (0..<array.shape[0]).map { i in
      switch array.type {
      case "<i8": return Int(Int64(bitPattern: array.word(i)))
      case "<i4": return Int(Int32(bitPattern: array.word(i)))
      case "<i2": return Int(Int16(bitPattern: array.word(i)))
      case "|i1": return Int(Int8(bitPattern: array.word(i)))
      case "|u1", "|b1": return Int(array.word(i) as UInt8)
      default:
        throw ProbingError.badFeatures(
          file: path, problem: "elements of type \(array.type)", expected: "whole numbers or truth values")
      }
    }
  }

  /// The file on disk of a path: the archive of `FILE.npz:NAME`.
  public static func storedFile(_ path: String) -> String {
    guard let colon = path.lastIndex(of: ":"), path[..<colon].hasSuffix(".npz") else { return path }
    return String(path[..<colon])
  }

  /// Writes features as f4, atomically.
  /// - Throws: ``FileError``.
  public static func write(_ features: Features, to path: String) throws {
    let body = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(features.rows), \(features.width)), }"
    let length = (magic.count + 4 + body.utf8.count + 1 + 63) / 64 * 64 - magic.count - 4
    let padding = String(repeating: " ", count: length - body.utf8.count - 1)
    var bytes = magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
    bytes += Array((body + padding + "\n").utf8)
    bytes.append(contentsOf: features.tensor.bytes)
    try Files.write(bytes, to: path)
  }

  /// A mapped array.
  private struct Mapped {
    let type: String
    let shape: [Int]
    /// What keeps the bytes: a mapped file, or an array of an archive.
    private let owner: AnyObject
    private let bytes: UnsafeRawBufferPointer
    private let start: Int

    init(reading path: String) throws {
      let (owner, bytes) = try Self.open(path)
      func bad(_ problem: String, _ expected: String = "a .npy file, version 1 to 3") -> ProbingError {
        .badFeatures(file: path, problem: problem, expected: expected)
      }
      guard bytes.count >= 10, bytes.starts(with: NPYFile.magic) else { throw bad("no NumPy header") }
      let version = bytes[6]
      guard (1...3).contains(version), version == 1 || bytes.count >= 12 else {
        throw bad("version \(version)")
      }
      let lead = version == 1 ? 10 : 12
      let length =
        version == 1
        ? Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
        : Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
      guard lead + length <= bytes.count else {
        throw bad("a header of \(length) bytes that goes past the end")
      }
      let header = String(decoding: bytes[lead..<lead + length], as: UTF8.self)
      guard let type = Self.value("descr", in: header), let order = Self.value("fortran_order", in: header),
        let shapeText = Self.value("shape", in: header)
      else { throw bad("a header without descr, fortran_order and shape") }
      guard order == "False" else {
        throw bad("columns first (Fortran order)", "rows first: np.ascontiguousarray")
      }
      let sizes = shapeText.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }.map {
        Int($0)
      }
      let shape = sizes.compactMap { $0 }
      guard shape.count == sizes.count, shape.allSatisfy({ $0 >= 0 }) else {
        throw bad("the shape (\(shapeText))")
      }
      var count = 1
      for size in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow else { throw bad("the shape (\(shapeText))") }
        count = product
      }
      guard let size = type.last.flatMap({ Int(String($0)) }), [1, 2, 4, 8].contains(size),
        type.utf8.count == 3
      else {
        throw bad("elements of type \(type)", "little-endian numbers of 1, 2, 4 or 8 bytes")
      }
      let (needed, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, bytes.count - lead - length == needed else {
        throw bad(
          "\(bytes.count - lead - length) bytes of data for shape \(shape)",
          "\(count) elements of \(size) bytes")
      }
      self.type = type
      self.shape = shape
      self.owner = owner
      self.bytes = bytes
      self.start = lead + length
    }

    /// A file, or `FILE.npz:NAME`.
    private static func open(_ path: String) throws -> (AnyObject, UnsafeRawBufferPointer) {
      guard let colon = path.lastIndex(of: ":"), path[..<colon].hasSuffix(".npz") else {
        let file = try MappedFile(path: path)
        return (file, file.bytes)
      }
      let archive = try NumPyArchive(path: String(path[..<colon]))
      let name = String(path[path.index(after: colon)...])
      guard let array = try archive.bytes(name) else {
        throw ProbingError.badFeatures(
          file: archive.path, problem: "no array \(name)",
          expected: "one of \(archive.names.prefix(8).joined(separator: ", "))")
      }
      let storage = TensorStorage(byteCount: max(1, array.count))
      array.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { storage.base.copyMemory(from: base, byteCount: bytes.count) }
      }
      return (storage, UnsafeRawBufferPointer(start: storage.base, count: array.count))
    }

    /// All elements as f32, in the array's shape.
    func floats(_ path: String, expected: String) throws -> Tensor {
      let tensor = Tensor(zeros: shape)
      let target = tensor.f32
      switch type {
      case "<f4": for i in 0..<tensor.count { target[i] = Float(bitPattern: word(i)) }
      case "<f8": for i in 0..<tensor.count { target[i] = Float(Double(bitPattern: word(i))) }
      case "<f2": for i in 0..<tensor.count { target[i] = Float(Float16(bitPattern: word(i))) }
      default:
        throw ProbingError.badFeatures(
          file: path, problem: "elements of type \(type)", expected: expected)
      }
      return tensor
    }

    /// The text after a key: up to the closing parenthesis, quote or comma.
    private static func value(_ key: String, in header: String) -> String? {
      guard let range = header.range(of: "'\(key)':") else { return nil }
      let rest = header[range.upperBound...].drop { $0 == " " }
      switch rest.first {
      case "'": return String(rest.dropFirst().prefix { $0 != "'" })
      case "(": return String(rest.dropFirst().prefix { $0 != ")" })
      default: return String(rest.prefix { $0 != "," && $0 != "}" && $0 != " " })
      }
    }

    func word<Word: FixedWidthInteger>(_ index: Int) -> Word {
      bytes.loadUnaligned(fromByteOffset: start + index * MemoryLayout<Word>.size, as: Word.self)
    }
  }
}

extension String {
  /// The first place of a text in this one.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) {
        return start..<index(start, offsetBy: text.count)
      }
      start = index(after: start)
    }
    return nil
  }
}

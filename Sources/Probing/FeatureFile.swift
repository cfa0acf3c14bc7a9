import Checkpoints
import OrderedCollections
import Runtime
import Tensors

/// Features of several sites with their labels in one safetensors file: a tensor `[n, D]` a site under the site's name,
/// `labels` I64 `[n]` and, where there are any, `groups` I64 `[n]`.
public struct FeatureFile: Sendable {
  /// The sites, in the file's order.
  public let sites: [Features]
  /// Whether each text shows the behaviour, `[n]`; nil where the file has no labels.
  public let labels: [Bool]?
  /// Numbers that stand for groups, `[n]`; nil where the file has none.
  public let groups: [Int]?

  /// Features to write.
  /// - Throws: ``ProbingError/sizes(what:found:expected:)``.
  public init(sites: [Features], labels: [Bool]? = nil, groups: [Int]? = nil) throws(ProbingError) {
    let n = sites.first?.rows ?? 0
    for site in sites where site.rows != n {
      throw .sizes(what: "rows of features at \(site.site)", found: site.rows, expected: n)
    }
    if let labels, labels.count != n { throw .sizes(what: "labels", found: labels.count, expected: n) }
    if let groups, groups.count != n { throw .sizes(what: "groups", found: groups.count, expected: n) }
    self.sites = sites
    self.labels = labels
    self.groups = groups
  }

  /// Reads a file; f16, bf16 and f64 become f32.
  /// - Throws: ``ProbingError``, ``CheckpointError``, ``FileError``.
  public init(reading path: String) throws {
    let file = try SafetensorsFile(path: path)
    var sites: [Features] = []
    for name in file.names where name != "labels" && name != "groups" {
      sites.append(try Features(site: name, Self.single(file.tensor(name), name: name, path: path)))
    }
    try self.init(
      sites: sites,
      labels: file.entry("labels") == nil
        ? nil
        : Self.integers(file.tensor("labels"), name: "labels", path: path).map {
          guard (0...1).contains($0) else {
            throw ProbingError.badFeatures(file: path, problem: "the label \($0)", expected: "labels 0 and 1")
          }
          return $0 == 1
        },
      groups: file.entry("groups") == nil
        ? nil : Self.integers(file.tensor("groups"), name: "groups", path: path))
  }

  /// Writes the file, atomically.
  /// - Throws: ``CheckpointError``, ``FileError``.
  public func write(to path: String, metadata: OrderedDictionary<String, String> = [:]) throws {
    func vector(_ name: String, _ values: [Int]) -> SafetensorsWriter.Item {
      let tensor = Tensor(zeros: [values.count], dtype: .i64)
      for (index, value) in values.enumerated() {
        tensor.storage.base.storeBytes(of: Int64(value), toByteOffset: index * 8, as: Int64.self)
      }
      return SafetensorsWriter.Item(name, tensor)
    }
    var items: [SafetensorsWriter.Item] = []
    if let labels { items.append(vector("labels", labels.map { $0 ? 1 : 0 })) }
    if let groups { items.append(vector("groups", groups)) }
    items += sites.map { SafetensorsWriter.Item($0.site, $0.tensor) }
    try SafetensorsWriter.write(
      items,
      metadata: OrderedDictionary(
        uniqueKeysWithValues: [("format", "surgeon-features")] + metadata.map { ($0.key, $0.value) }),
      to: path)
  }

  /// A tensor of F32, F16, BF16 or F64 as f32.
  /// - Throws: ``ProbingError/badFeatures(file:problem:expected:)``, ``CheckpointError``.
  public static func numbers(in file: SafetensorsFile, _ name: String) throws -> Tensor {
    try single(file.tensor(name), name: name, path: file.path)
  }

  /// A vector of whole numbers.
  /// - Throws: ``ProbingError/badFeatures(file:problem:expected:)``, ``CheckpointError``.
  public static func integers(in file: SafetensorsFile, _ name: String) throws -> [Int] {
    try integers(file.tensor(name), name: name, path: file.path)
  }

  private static func single(_ tensor: Tensor, name: String, path: String) throws -> Tensor {
    if tensor.dtype == .f32 { return tensor }
    let result = Tensor(zeros: tensor.shape)
    let bytes = tensor.bytes
    switch tensor.dtype {
    case .bf16:
      for i in 0..<tensor.count {
        result.f32[i] = Float(bitPattern: UInt32(bytes.load(fromByteOffset: 2 * i, as: UInt16.self)) << 16)
      }
    case .f16:
      for i in 0..<tensor.count { result.f32[i] = Float(bytes.load(fromByteOffset: 2 * i, as: Float16.self)) }
    case .f64:
      for i in 0..<tensor.count { result.f32[i] = Float(bytes.load(fromByteOffset: 8 * i, as: Double.self)) }
    default:
      throw ProbingError.badFeatures(
        file: path, problem: "\(name) of type \(tensor.dtype.rawValue)", expected: "F32, F16, BF16 or F64")
    }
    return result
  }

  private static func integers(_ tensor: Tensor, name: String, path: String) throws -> [Int] {
    guard tensor.shape.count == 1 else {
      throw ProbingError.badFeatures(
        file: path, problem: "\(name) of shape \(tensor.shape)", expected: "a vector")
    }
    let bytes = tensor.bytes
    return try (0..<tensor.count).map { i in
      switch tensor.dtype {
      case .i64: return Int(bytes.load(fromByteOffset: 8 * i, as: Int64.self))
      case .i32: return Int(bytes.load(fromByteOffset: 4 * i, as: Int32.self))
      case .u8, .bool: return Int(bytes[i])
      default:
        throw ProbingError.badFeatures(
          file: path, problem: "\(name) of type \(tensor.dtype.rawValue)", expected: "I64, I32, U8 or BOOL")
      }
    }
  }
}

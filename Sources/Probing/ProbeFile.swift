import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Statistics
import Tensors

/// A probe on disk: `probe.safetensors` (vectors) and `probe.json` (everything else, with the hash of the former).
public enum ProbeFile {
  static let vectors = "probe.safetensors", record = "probe.json"

  /// Writes a probe into a folder, which is made if need be; `probe.json` last, so that what can be read is whole.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(_ probe: Probe, to folder: String) throws {
    try Files.makeFolder(folder)
    let fit = probe.fit, width = probe.width
    func item(_ name: String, _ values: [Double], _ shape: [Int]) -> SafetensorsWriter.Item {
      SafetensorsWriter.Item(name, Tensor(values.map(Float.init), shape: shape))
    }
    var items = [item("direction", fit.direction, [width])]
    if let mean = fit.mean { items.append(item("mean", mean, [width])) }
    if let deviation = fit.deviation { items.append(item("deviation", deviation, [width])) }
    if let rows = fit.rows { items.append(item("rows", rows, [2, width])) }
    let path = folder + "/" + vectors
    try SafetensorsWriter.write(
      items, metadata: ["format": "surgeon-probe", "format_version": String(Probe.formatVersion)], to: path)
    let json: JSONValue = [
      "format": "surgeon-probe", "format_version": .integer(Probe.formatVersion), "name": .string(probe.name),
      "kind": .string(probe.kind), "site": .string(probe.site), "pooling": .string(probe.pooling),
      "classes": .strings(probe.classNames), "width": .integer(width),
      "scale": .number(fit.scale), "bias": .number(fit.bias),
      "threshold": fit.threshold.map(JSONValue.number) ?? .null, "norm": .number(fit.norm),
      "standardised": .bool(fit.mean != nil), "details": .object(fit.details),
      "metrics": .object(probe.metrics.mapValues { .array($0.map(MetricRecord.json)) }),
      "provenance": .object(probe.provenance), "vectors_sha256": .string(try Files.sha256(path)),
    ]
    try Files.write(json.text(.pretty) + "\n", to: folder + "/" + record)
  }

  /// Reads a probe from its folder, or from the path of its `probe.json`.
  /// - Throws: ``ProbingError/badProbe(path:problem:expected:)``, ``FileError``, ``JSONError``, ``CheckpointError``.
  public static func read(_ path: String) throws -> Probe {
    let folder = Files.isFolder(path) ? path : Files.folder(of: path)
    let file = Files.isFolder(path) ? path + "/" + record : path
    let json = try JSONValue(file: file)
    func bad(_ problem: String, _ expected: String) -> ProbingError {
      .badProbe(path: file, problem: problem, expected: expected)
    }
    guard json["format"]?.string == "surgeon-probe", let version = json["format_version"]?.int else {
      throw bad("no format surgeon-probe", "a probe.json that this program wrote")
    }
    guard (1...Probe.formatVersion).contains(version) else {
      throw bad("format version \(version)", "at most \(Probe.formatVersion): a newer program wrote this")
    }
    func text(_ key: String) throws -> String {
      guard let value = json[key]?.string else { throw bad("no \(key)", "\(key) as a text") }
      return value
    }
    func number(_ key: String) throws -> Double {
      guard let value = json[key]?.double, value.isFinite else {
        throw bad("no \(key)", "\(key) as a number")
      }
      return value
    }
    guard let width = json["width"]?.int, width > 0 else { throw bad("no width", "a width above 0") }
    let path = folder + "/" + vectors
    let hash = try Files.sha256(path)
    guard try text("vectors_sha256") == hash else {
      throw bad("\(vectors) beside it has the hash \(hash.prefix(12))…", "the hash in vectors_sha256")
    }
    let vectors = try SafetensorsFile(path: path)
    func vector(_ name: String, _ shape: [Int]) throws -> [Double] {
      let tensor = try vectors.tensor(name)
      guard tensor.dtype == .f32, tensor.shape == shape else {
        throw bad("\(name) is \(tensor.dtype.rawValue) of shape \(tensor.shape)", "F32 of shape \(shape)")
      }
      let values = (0..<tensor.count).map { Double(tensor.f32[$0]) }
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw bad("\(name)[\(place)] is \(values[place])", "finite numbers")
      }
      return values
    }
    func optional(_ name: String, _ shape: [Int]) throws -> [Double]? {
      vectors.entry(name) == nil ? nil : try vector(name, shape)
    }
    var fit = LinearFit(
      direction: try vector("direction", [width]), scale: try number("scale"), bias: try number("bias"),
      rows: try optional("rows", [2, width]), details: json["details"]?.object ?? [:])
    fit.mean = try optional("mean", [width])
    fit.deviation = try optional("deviation", [width])
    guard fit.norm > 0 else { throw bad("a direction of length 0", "a trained direction") }
    let classes = json["classes"]?.array?.compactMap(\.string) ?? []
    guard classes.count == 2 else { throw bad("\(classes.count) class names", "two") }
    var metrics: OrderedDictionary<String, [Metric]> = [:]
    for (part, list) in json["metrics"]?.object ?? [:] {
      metrics[part] = list.array?.compactMap(MetricRecord.metric) ?? []
    }
    return Probe(
      name: try text("name"), kind: try text("kind"), site: try text("site"), pooling: try text("pooling"),
      classNames: classes, fit: fit, metrics: metrics, provenance: json["provenance"]?.object ?? [:])
  }
}

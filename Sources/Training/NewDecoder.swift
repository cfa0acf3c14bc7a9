import Architectures
import Checkpoints
import JSON
import Runtime
import Tensors

/// A decoder that has learnt nothing: what training from scratch begins with, as an ordinary checkpoint folder.
public struct NewDecoder {
  /// config.json, which names the family and the sizes.
  public var config: JSONValue
  /// How weights begin.
  public var initialisation: InitialisationKind
  /// Its settings.
  public var settings: [String: MethodValue]
  /// Everything random.
  public var seed: UInt64
  /// The tokenizer's files and others that stand beside the config.
  public var sideFiles: [(name: String, bytes: [UInt8])]

  /// A decoder of a config. Where the initialisation takes a `deviation` and the settings give none, `initializer_range` of
  /// the config is it.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public init(
    config: JSONValue, initialisation: String = "family", settings: [String: MethodValue] = [:],
    seed: UInt64, sideFiles: [(name: String, bytes: [UInt8])] = []
  ) throws {
    self.config = config
    self.initialisation = try InitialisationKind.named(initialisation)
    self.settings = settings
    if let range = config["initializer_range"]?.double, settings["deviation"] == nil,
      self.initialisation.parameters.contains(where: { $0.name == "deviation" })
    {
      self.settings["deviation"] = .number(range)
    }
    self.seed = seed
    self.sideFiles = sideFiles
  }

  /// Files of a folder that are neither weights nor config: those of its tokenizer, its generation's settings.
  /// - Throws: ``FileError``.
  public static func sideFiles(of folder: String) throws -> [(name: String, bytes: [UInt8])] {
    try Files.list(folder).filter { name in
      name != "config.json" && !Files.isFolder("\(folder)/\(name)")
        && [".json", ".txt", ".model", ".jinja"].contains { name.hasSuffix($0) }
        && !name.hasSuffix(".index.json")
    }.map { ($0, try Files.read("\(folder)/\($0)")) }
  }

  private func parts() throws -> (family: Family, network: Network, settings: MethodSettings) {
    guard let family = Family.find(config: config) else {
      throw ArchitectureError.config(
        key: "model_type", reason: "\(config["model_type"]?.string ?? "absent") is no family of the table")
    }
    return (
      family, try family.network(config: config),
      try MethodSettings(settings, for: initialisation.name, initialisation.parameters)
    )
  }

  /// Whether config and settings are ones that ``write(to:)`` makes weights of.
  /// - Throws: ``ArchitectureError``, ``MethodError``.
  func check() throws { _ = try parts() }

  /// Writes the folder, f32.
  /// - Throws: ``ArchitectureError``, ``MethodError``, ``FileError``, ``CheckpointError``.
  public func write(to folder: String) throws {
    let (family, network, settings) = try parts()
    let tensors = try family.layout(network).map { laid in
      (
        name: laid.name,
        tensor: initialisation.tensor(laid, family, network, settings: settings, seed: seed)
      )
    }
    try NewCheckpoint(tensors, config: config, sideFiles: sideFiles).write(to: folder, dtype: .f32)
  }
}

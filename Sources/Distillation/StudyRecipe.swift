import JSON
import OrderedCollections
import Recipes
import Runtime
import Training

/// The recipe of `surgeon distill`: that of a training, with seeds, arms, and settings that differ in network or training.
///
/// ```yaml
/// data: {kind: mnist1d}
/// network: {kind: mlp, hidden: [256, 256]}
/// training: {epochs: 150, learning_rate: 0.1}
/// seeds: 5
/// arms: [cross-entropy, temperature-scaling, ps-kd]
/// settings:
///   weak-augmentation: {training: {augmentation: {kind: shift, by: 1}}}
///   none: {}
/// ```
public struct StudyRecipe: Sendable, Equatable {
  /// What the settings begin with.
  public var base: TrainingRecipe
  /// Arms, cross-entropy among them.
  public var arms: [DistillationArm]
  /// Named settings: each a training of its own for every arm and seed.
  public var settings: OrderedDictionary<String, Setting>

  /// What a setting changes.
  public struct Setting: Sendable, Equatable {
    /// The network.
    public var network: NetworkDescription
    /// The training.
    public var training: TrainingPlan
  }

  /// Reads the keys of a ``TrainingRecipe``, `arms` and `settings`. `folder` is that of the recipe's file.
  /// - Throws: ``RecipeError``, ``TrainingError``, ``MethodError``.
  public init(_ reader: inout KeyReader, folder: String = "") throws {
    var standard = try TrainingRecipe(network: NetworkDescription("mlp"))
    standard.seeds = Array(0..<5)
    base = try TrainingRecipe(&reader, standard: standard, folder: folder)
    arms = try reader.parts("arms").map { try $0.map(DistillationArm.init) } ?? Self.standardArms()
    settings = [:]
    if let part = try reader.part("settings") {
      for (name, value) in part.members {
        guard Self.isName(name) else {
          throw part.error(name, "no name of a setting: letters, digits, - and _")
        }
        var own = try KeyReader(value, path: part.name(name))
        var setting = Setting(network: base.network, training: base.training)
        if let network = try own.choice("network") { setting.network = try NetworkDescription(network) }
        if let training = try own.part("training") { try setting.training.read(training) }
        try own.done()
        settings[name] = setting
      }
    }
    if settings.isEmpty { settings["standard"] = Setting(network: base.network, training: base.training) }
    guard Set(arms.map(\.name)).count == arms.count else {
      throw reader.error("arms", "two arms of one name; give them name: …")
    }
    guard arms.contains(where: { $0.name == ArmKind.crossEntropy && $0.kind == ArmKind.crossEntropy }) else {
      throw reader.error("arms", "no cross-entropy, which the others are compared with")
    }
  }

  /// Every arm with its standard settings.
  /// - Throws: never in practice: standard values are in their own ranges.
  static func standardArms() throws -> [DistillationArm] {
    try ArmKind.all.map { try DistillationArm($0.name) }
  }

  /// Letters, digits, `-` and `_`: safe as a part of a path.
  static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
          || byte == UInt8(ascii: "_")
      }
  }

  /// What ``init(_:folder:)`` reads, every default written out.
  /// - Throws: ``TrainingError``, ``MethodError``.
  public func json() throws -> JSONValue {
    var json = try base.json()
    json["arms"] = .array(arms.map(\.json))
    json["settings"] = .object(
      try settings.mapValues { ["network": $0.network.json, "training": try $0.training.json()] })
    return json
  }

  /// The recipe of `distill --demo`: MNIST-1D and a dense network, over-confident with little augmentation, well
  /// calibrated with much.
  public static func demonstration() throws -> StudyRecipe {
    var reader = try KeyReader(JSONValue(parsing: demonstrationText, source: "the demonstration"), path: "")
    let recipe = try StudyRecipe(&reader)
    try reader.done()
    return recipe
  }

  private static let demonstrationText = #"""
    {
      "data": {"kind": "mnist1d"},
      "network": {"kind": "mlp", "hidden": [256, 256]},
      "training": {
        "batch_size": 128, "learning_rate": 0.1, "schedule": {"kind": "step", "at": [0.5, 0.75], "factor": 0.1},
        "optimiser": {"kind": "sgd", "momentum": 0.9, "nesterov": true, "weight_decay": 0.0005}
      },
      "seeds": 5,
      "settings": {
        "over-confident": {"training": {"epochs": 100, "augmentation": {"kind": "shift", "by": 1}}},
        "calibrated": {
          "training": {
            "epochs": 80,
            "augmentation": [{"kind": "shift", "by": 4}, {"kind": "noise", "deviation": 0.1}]
          }
        }
      }
    }
    """#
}

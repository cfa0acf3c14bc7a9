import JSON
import Recipes
import Runtime
import Training

/// What a network can be trained towards in a study, as recipes and `surgeon ls arms` name it.
public struct ArmKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// The paper.
  public let reference: String?
  /// Settings with their ranges.
  public let parameters: [MethodParameter]
  /// Whether its steps take a second forward pass.
  var hasSecondPass: @Sendable (_ settings: MethodSettings) -> Bool = { _ in false }
  /// Makes the rule of one training; nil for an arm that trains nothing of its own.
  let make: (@Sendable (_ settings: MethodSettings, _ context: Context) throws -> any LossRule)?

  /// What a rule may need to know of its training.
  struct Context {
    var data: LabelledData
    var network: TrainableNetwork
    /// Another network of the same shapes.
    var another: () throws -> TrainableNetwork
    var seed: UInt64
  }

  /// The baseline that every study has.
  public static let crossEntropy = "cross-entropy"
  /// The baseline's answers at one fitted temperature.
  public static let temperatureScaling = "temperature-scaling"
  /// The method that the studies are about.
  public static let selfDistillation = "ps-kd"

  /// All of them.
  public static let all: [ArmKind] = [
    ArmKind(
      name: crossEntropy, summary: "the labels", reference: nil, parameters: [],
      make: { _, _ in HardTargets() }),
    ArmKind(
      name: temperatureScaling,
      summary: "the answers of cross-entropy, divided by one temperature fitted on the validation items",
      reference: "arXiv 1706.04599", parameters: [], make: nil),
    ArmKind(
      name: "label-smoothing", summary: "labels with a share spread evenly over the classes",
      reference: "arXiv 1512.00567",
      parameters: [MethodParameter("smoothing", "the share, ε", .number(0...0.99, standard: 0.1))],
      make: { settings, _ in HardTargets(smoothing: settings.number("smoothing") ?? 0.1) }),
    ArmKind(
      name: selfDistillation,
      summary: "labels mixed with what the network itself said one epoch before",
      reference: "arXiv 2006.12000",
      parameters: [
        MethodParameter(
          "alpha", "share of the past answer in the last epoch, α_T", .number(0...1, standard: 0.8)),
        MethodParameter(
          "rise", "how the share grows over the epochs",
          .choice(SelfDistillation.Rise.allCases.map(\.rawValue), standard: "linear")),
        MethodParameter(
          "past", "how past answers are kept: numbers of 4 or 2 bytes, the top few, or last epoch's network",
          .choice(PastPredictions.Keeping.allCases.map(\.rawValue), standard: "f32")),
        MethodParameter("top", "classes that past: top keeps of an answer", .integer(1...32767, standard: 5)),
      ],
      hasSecondPass: { $0.choice("past") == PastPredictions.Keeping.network.rawValue },
      make: { settings, context in
        try selfDistillation(
          settings, context, past: settings.choice("past").flatMap(PastPredictions.Keeping.init) ?? .f32)
      }),
    ArmKind(
      name: "cs-kd", summary: "draws the softened answers for two items of a class together",
      reference: "arXiv 2003.13964",
      parameters: [
        MethodParameter("weight", "of the divergence, λ", .number(0...1000, standard: 1)),
        MethodParameter("temperature", "of both answers", .number(0.1...1000, standard: 4)),
      ],
      hasSecondPass: { _ in true },
      make: { settings, context in
        ClassWiseDistillation(
          weight: settings.number("weight") ?? 1, temperature: settings.number("temperature") ?? 4,
          labels: context.data.labels, classes: context.data.classes, seed: context.seed)
      }),
    ArmKind(
      name: "tf-kd", summary: "a virtual teacher that is nearly sure of the label, softened",
      reference: "arXiv 1909.11723",
      parameters: [
        MethodParameter("alpha", "share of the teacher in the loss", .number(0...1, standard: 0.1)),
        MethodParameter("temperature", "of teacher and answer", .number(0.1...1000, standard: 20)),
        MethodParameter(
          "certainty", "what the teacher gives the true class", .number(0.01...0.999999, standard: 0.99)),
      ],
      make: { settings, context in
        VirtualTeacher(
          alpha: settings.number("alpha") ?? 0.1, temperature: settings.number("temperature") ?? 20,
          certainty: settings.number("certainty") ?? 0.99, classes: context.data.classes)
      }),
  ]

  /// PS-KD with its past answers kept in some way.
  static func selfDistillation(
    _ settings: MethodSettings, _ context: Context, past: PastPredictions.Keeping
  ) throws -> any LossRule {
    let alpha = settings.number("alpha") ?? 0.8
    let rise = settings.choice("rise").flatMap(SelfDistillation.Rise.init) ?? .linear
    guard let storage = past.storage(top: settings.integer("top") ?? 5) else {
      return SelfDistillation(
        alpha: alpha, rise: rise, network: context.network, before: try context.another())
    }
    return SelfDistillation(
      alpha: alpha, rise: rise, items: context.data.count, classes: context.network.classes,
      storage: storage)
  }

  /// The kind of a name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(TrainingError) -> ArmKind {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "arm", name: name, known: all.map(\.name))
    }
    return kind
  }
}

extension PastPredictions {
  /// The ways of keeping past answers, as recipes name them.
  public enum Keeping: String, Sendable, CaseIterable {
    case f32, f16
    /// The most probable classes; the rest evenly over the others.
    case top
    /// Not the answers but the network that gave them, with a second forward pass.
    case network

    /// The table that is kept; nil for a network.
    func storage(top: Int) -> Storage? {
      switch self {
      case .f32: .f32
      case .f16: .f16
      case .top: .top(top)
      case .network: nil
      }
    }
  }
}

/// One arm of a study: a kind with its settings, under a name.
public struct DistillationArm: Sendable, Equatable {
  /// Its name in reports and folders.
  public let name: String
  /// Name of the kind.
  public let kind: String
  /// Settings, defaults included.
  public let settings: MethodSettings

  /// An arm with the kind's own name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``, ``MethodError``.
  public init(_ kind: String, name: String? = nil, _ settings: [String: MethodValue] = [:]) throws {
    self.kind = kind
    self.name = name ?? kind
    self.settings = try MethodSettings(settings, for: kind, ArmKind.named(kind).parameters)
  }

  /// Reads `{kind: ps-kd, name: ps-kd-f16, past: f16}`.
  /// - Throws: ``RecipeError``, ``TrainingError/unknownName(what:name:known:)``.
  init(_ reader: KeyReader) throws {
    var reader = reader
    let kind = try ArmKind.named(try reader.string("kind") ?? "")
    self.kind = kind.name
    name = try reader.string("name") ?? kind.name
    settings = try reader.settings(of: kind.name, kind.parameters)
    guard StudyRecipe.isName(name) else {
      throw reader.error("name", "\"\(name)\" is no name: letters, digits, - and _")
    }
    try reader.done()
  }

  /// What ``init(_:)`` reads.
  public var json: JSONValue {
    var json = settings.json(kind: kind)
    json["name"] = .string(name)
    return json
  }

  /// Whether it is trained; temperature scaling is not.
  var isTrained: Bool { kind != ArmKind.temperatureScaling }
}

import Runtime

/// The optimisers, as recipes and `surgeon ls optimisers` name them.
public struct OptimiserKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// The paper.
  public let reference: String?
  /// Settings with their ranges; the learning rate belongs to the schedule.
  public let parameters: [MethodParameter]
  /// Makes one for given parameters.
  let make: @Sendable (_ settings: MethodSettings, _ parameters: [Parameter]) -> any Optimiser

  private static let decay = MethodParameter(
    "weight_decay", "share of each weight taken off a step, times the learning rate; not on biases and gains",
    .number(0...1, standard: 0))
  private static let moments = [
    MethodParameter("beta1", "share of the old mean of gradients kept", .number(0...0.99999, standard: 0.9)),
    MethodParameter(
      "beta2", "share of the old mean of squares kept", .number(0...0.9999999, standard: 0.999)),
    MethodParameter("epsilon", "added to the root of the squares", .number(0...1, standard: 1e-8)),
  ]

  /// All of them.
  public static let all: [OptimiserKind] = [
    OptimiserKind(
      name: "sgd", summary: "gradient descent with momentum; decay joins the gradient", reference: nil,
      parameters: [
        MethodParameter("momentum", "share of the old step kept", .number(0...0.9999, standard: 0.9)),
        MethodParameter("nesterov", "looks ahead along the old step", .flag(standard: true)), decay,
      ],
      make: { SGD($0, $1) }),
    OptimiserKind(
      name: "adam", summary: "Adam; decay joins the gradient", reference: "arXiv 1412.6980",
      parameters: moments + [decay], make: { Adam($0, $1, kind: .adam) }),
    OptimiserKind(
      name: "adamw", summary: "Adam with decay apart from the gradient", reference: "arXiv 1711.05101",
      parameters: moments + [decay], make: { Adam($0, $1, kind: .decoupled) }),
    OptimiserKind(
      name: "diffgrad",
      summary:
        "Adam whose step is damped where the gradient changes little, as corrected: ξ = σ(|g − g before|)",
      reference: "arXiv 1909.11015", parameters: moments + [decay], make: { Adam($0, $1, kind: .difference) }),
    OptimiserKind(
      name: "diffgrad-published",
      summary:
        "diffGrad as its first code ran: the old gradient was the new one, so ξ = ½ always (Adam at half rate)",
      reference: "arXiv 1909.11015", parameters: moments + [decay], make: { Adam($0, $1, kind: .halved) }),
    OptimiserKind(
      name: "adagrad", summary: "steps shrink with the sum of squares of each weight's gradients",
      reference: "JMLR 12 (2011) 2121",
      parameters: [
        MethodParameter("epsilon", "added to the root of the sum", .number(0...1, standard: 1e-10)), decay,
      ],
      make: { AdaGrad($0, $1, isNorm: false) }),
    OptimiserKind(
      name: "adagrad-norm",
      summary: "one step size for all weights, from the sum of the gradients' squared norms",
      reference: "arXiv 1806.01811",
      parameters: [
        MethodParameter("initial", "b₀, the root's first value", .number(0...1e6, standard: 0.1)), decay,
      ],
      make: { AdaGrad($0, $1, isNorm: true) }),
  ]

  /// The optimiser of a name.
  /// - Throws: ``TrainingError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(TrainingError) -> OptimiserKind {
    guard let kind = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "optimiser", name: name, known: all.map(\.name))
    }
    return kind
  }

  /// One for a network's parameters.
  /// - Throws: ``MethodError`` for settings that do not fit.
  public func optimiser(
    _ settings: [String: MethodValue] = [:], for parameters: [Parameter]
  ) throws(MethodError) -> any Optimiser {
    make(try MethodSettings(settings, for: name, self.parameters), parameters)
  }
}

import Layers
import Runtime

extension NetworkKind {
  /// Dense layers with a function between them; items of any shape are read as one row of numbers.
  static let mlp = NetworkKind(
    name: "mlp", summary: "dense layers with a function between them", reference: nil,
    parameters: [
      MethodParameter("hidden", "widths of the hidden layers", .integers(1...65536, standard: [256, 256])),
      MethodParameter(
        "activation", "the function", .choice(Activation.allCases.map(\.rawValue), standard: "relu")),
      MethodParameter(
        "dropout", "share of hidden numbers set to zero while training", .number(0...0.95, standard: 0)),
    ],
    make: { settings, shape, classes, seed in
      .mlp(
        widths: [shape.reduce(1, *)] + (settings.integers("hidden") ?? []) + [classes],
        activation: settings.choice("activation").flatMap(Activation.init) ?? .relu,
        dropout: settings.number("dropout") ?? 0, seed: seed)
    })
}

import Runtime

extension NetworkKind {
  /// Residual networks of signals `[L]` or `[channels, L]`.
  static let resnet1d = NetworkKind(
    name: "resnet1d", summary: "residual network of signals: convolutions with batch norm beside shortcuts",
    reference: "arXiv 1603.05027", parameters: residualSettings,
    make: { settings, shape, classes, seed throws(TrainingError) in
      guard shape.count < 3 else {
        throw TrainingError.badSetting(
          name: "network", value: "resnet1d for items of shape \(shape)",
          expected: "signals; resnet2d reads images")
      }
      return try residual(settings, shape, classes).network(seed: seed)
    })

  /// Residual networks of images `[channels, height, width]`.
  static let resnet2d = NetworkKind(
    name: "resnet2d", summary: "residual network of images: convolutions with batch norm beside shortcuts",
    reference: "arXiv 1603.05027", parameters: residualSettings,
    make: { settings, shape, classes, seed throws(TrainingError) in
      guard shape.count == 3 else {
        throw TrainingError.badSetting(
          name: "network", value: "resnet2d for items of shape \(shape)",
          expected: "images; resnet1d reads signals")
      }
      return try residual(settings, shape, classes).network(seed: seed)
    })

  private static let residualSettings = [
    MethodParameter(
      "depth", "layers, 6n + 2: three stages of n blocks; not used with blocks",
      .integer(8...1202, standard: 20)),
    MethodParameter(
      "width", "channels of the first stage, doubled in each that follows; not used with widths",
      .integer(1...4096, standard: 16)),
    MethodParameter("blocks", "blocks of each stage, in place of depth", .integers(1...400, standard: [])),
    MethodParameter("widths", "channels of each stage, in place of width", .integers(1...8192, standard: [])),
    MethodParameter(
      "norms",
      "before: norm and ReLU before a convolution (PreAct); behind: as in the first residual networks",
      .choice(ResidualBlock.Order.allCases.map(\.rawValue), standard: ResidualBlock.Order.before.rawValue)),
    MethodParameter("stem_norm", "norm and ReLU behind the first convolution", .flag(standard: false)),
    MethodParameter("end_norm", "norm and ReLU behind the last block", .flag(standard: true)),
  ]

  private static func residual(
    _ settings: MethodSettings, _ shape: [Int], _ classes: Int
  ) throws(TrainingError) -> ResidualNetwork {
    var network = try ResidualNetwork.thin(
      item: shape, classes: classes, depth: settings.integer("depth") ?? 20,
      width: settings.integer("width") ?? 16)
    if let blocks = settings.integers("blocks"), !blocks.isEmpty {
      network.blocks = blocks
      network.widths = blocks.indices.map { network.widths[0] << $0 }
    }
    if let widths = settings.integers("widths"), !widths.isEmpty { network.widths = widths }
    network.order = settings.choice("norms").flatMap(ResidualBlock.Order.init) ?? .before
    network.normalisesStem = settings.flag("stem_norm") ?? false
    network.normalisesEnd = settings.flag("end_norm") ?? true
    return network
  }
}

import Checkpoints
import OrderedCollections
import Tensors

/// Where the weights of a role lie: a tensor, or some of its outputs where several roles are fused.
public struct BoundTensor: Sendable, Equatable {
  /// Name of the tensor in the checkpoint.
  public let tensor: String
  /// Name of the bias, where there is one.
  public let bias: String?
  /// The outputs of the tensor that belong to the role (rows of the logical matrix).
  public let rows: RowMap
  /// Shape of the role's own matrix `[outputs, inputs]`, or of a gain.
  public let shape: [Int]
  /// The tensor lies as [inputs, outputs]: a row of the role is a column of the tensor.
  public let transposed: Bool
  /// Tensors that follow the first one, where every head has a gain in a tensor of its own.
  public let parts: [String]

  /// All tensors of the role, without the bias.
  public var tensors: [String] { [tensor] + parts }
}

extension BoundTensor {
  /// A tensor that is a matrix `[outputs, inputs]` as it stands, alone.
  public init(whole tensor: String, shape: [Int]) {
    self.init(
      tensor: tensor, bias: nil, rows: RowMap(0..<shape[0]), shape: shape, transposed: false, parts: [])
  }
}

/// The roles of one checkpoint, each with its tensor; every tensor accounted for.
public struct Binding: Sendable {
  /// The family's row.
  public let family: Family
  /// The network of the config.
  public let network: Network
  /// Roles in the order of the network.
  public let tensors: OrderedDictionary<Role, BoundTensor>
  /// Tensors that no role uses, each with the reason; reported, never skipped in silence.
  public let unused: [(name: String, reason: String)]
  /// What was assumed, where config.json names no family of the table; nil where it does.
  public let detection: Detection?

  /// Binds a checkpoint: as its family says, or, where the table has no such family, as the row whose layout explains
  /// every tensor.
  /// - Throws: ``ArchitectureError``, ``QuantisationError``.
  public init(_ checkpoint: Checkpoint) throws {
    if let packed = Quantisation(checkpoint) {
      throw QuantisationError.quantised(folder: checkpoint.folder, packed)
    }
    guard let family = Family.find(config: checkpoint.config) else {
      let match = try LayoutDetector(checkpoint: checkpoint, families: Family.all).match()
      self.family = match.family
      self.network = match.network
      self.tensors = match.bound
      self.unused = match.unused
      self.detection = match.detection
      return
    }
    let network = try family.network(config: checkpoint.config)
    var binder = Binder(checkpoint: checkpoint, family: family, network: network)
    try binder.bindAll()
    self.family = family
    self.network = network
    self.tensors = binder.bound
    self.unused = binder.unused()
    self.detection = nil
  }

  /// The tensor of a role.
  /// - Throws: ``ArchitectureError/missingRole(role:names:tensors:)`` where the network has no such role.
  public func tensor(_ role: Role) throws -> BoundTensor {
    if let bound = tensors[role] { return bound }
    throw ArchitectureError.missingRole(
      role: role.description, names: ["the roles of \(family.name)"], tensors: tensors.keys.map(\.description)
    )
  }
}
